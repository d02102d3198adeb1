#!/bin/sh
# Opens Chrome files in the programs that they are for, and compares what these find with what is in the trace: jq,
# catapult's trace model (chrome://tracing), and DevTools' performance panel. run.sh BUILD [NAME...]: only these traces.
# What was made on the way stays in BUILD/consumers.
set -u
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
build=$(cd "$1" && pwd) || exit 2
shift
modules=$("$source/scripts/consumer_modules.sh" "$build") || exit 2
PERFTRACE=$build/bin/perftrace
export PERFTRACE
unset TRACE_FILE PERF_TRACE_FILTER RUST_LOG PERF_TRACE_LOG PERF_TRACE_CONSOLE PERF_TRACE_CHROME PERF_TRACE_FULL PERF_TRACE_AUTO
passed=0 failed=0

ok() { # NAME
    echo "ok      $1"
    passed=$((passed + 1))
}
not_ok() { # NAME: on standard input why
    echo "FAILED  $1"
    sed 's/^ */    /'
    failed=$((failed + 1))
}
check() { # NAME COMMAND...
    name=$1
    shift
    if "$@" >output 2>&1; then ok "$name"; else not_ok "$name" <output; fi
}

folder=$build/consumers/traces
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder" || exit 2

# ---- the traces -------------------------------------------------------------------------------------------------
# Each as its program wrote it; except for the killed one also a Chrome file made of the trace.

cc -std=gnu11 -DPERF_TRACE "-I$source/include" "$here/everything.c" -o everything \
    "$build/lib/libperftrace.a" -pthread || exit 2
TRACE_FILE=everything.json ./everything || exit 2
TRACE_FILE=killed.json ./everything killed 2>/dev/null
TRACE_FILE=quickstart.json "$build/bin/quickstart" >/dev/null || exit 2
if [ -x "$build/bin/nodestore" ]; then
    PERF_TRACE_CHROME=0 TRACE_FILE=nodestore.json "$build/bin/nodestore" make store >/dev/null &&
        TRACE_FILE=nodestore.json "$build/bin/nodestore" import store "$source/core" >/dev/null || exit 2
fi
[ $# -gt 0 ] || set -- everything killed quickstart nodestore
files=
for trace; do
    [ -e "$trace.ptrace" ] || continue
    files="$files $trace.converted.json"
    "$PERFTRACE" convert --to chrome --output "$trace.converted.json" "$trace.ptrace" || exit 2
    [ "$trace" = killed ] || files="$files $trace.json"
    "$here/said.py" "$trace.ptrace" >"$trace.said" || exit 2
done

# ---- the readers ------------------------------------------------------------------------------------------------

head -c 2000 everything.converted.json >broken.json
# shellcheck disable=SC2086  # a list of files
node "$here/read_devtools.js" "$modules" $files broken.json || exit 2
for file in $files; do
    said=${file%.json}
    said=${said%.converted}.said
    check "jq: $file" sh -c "jq -f '$here/read.jq' $file >$file.jq && '$here/compare.py' $said $file.jq"
    check "catapult: $file" sh -c \
        "node '$here/read_catapult.js' '$modules' $file >$file.catapult && '$here/compare.py' $said $file.catapult"
    check "DevTools: $file" "$here/compare.py" "$said" "$file.devtools"
done

[ ! -e killed.json ] || check "jq: what a killed program left is JSON" jq -e '.traceEvents | type == "array"' killed.json

# ---- what everything.c is about ---------------------------------------------------------------------------------

for file in everything.json everything.converted.json; do
    case " $files " in *" $file "*) ;; *) continue ;; esac
    jq -r -f "$here/everything.jq" "$file" >statements.json || exit 2
    jq -r '.[] | "\(.fine) \(.name)"' statements.json >statements
    while read -r fine name; do
        if [ "$fine" = true ]; then ok "$file: $name"; else not_ok "$file: $name" </dev/null; fi
    done <statements
done

# ---- that the comparison sees something -------------------------------------------------------------------------

differs() { # SAID READ
    ! "$here/compare.py" "$@"
}
check "DevTools: a broken file is refused" differs everything.said broken.json.devtools
jq '.spans[0].parent = "somebody"' everything.converted.json.jq >changed.jq
check "a changed parent is noticed" differs everything.said changed.jq
jq 'del(.spans[-1])' everything.converted.json.jq >changed.jq
check "a missing span is noticed" differs everything.said changed.jq

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
