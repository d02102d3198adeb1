#!/bin/sh
# Opens the pages of `analyze --html` and `diff --html` in a browser, and Chrome files in the programs that they are for, and compares what these find with what is in the trace: catapult's
# trace model (chrome://tracing), DevTools' performance panel and speedscope; and with what the description of the format says. Verdicts are read by
# what each of their formats is for.
# The traces are of programs of all kinds, one of a million spans on eight threads. run.sh BUILD [NAME...]: only these traces.
# What was made on the way stays in BUILD/consumers.
set -u
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
build=$(cd "$1" && pwd) || exit 2
shift
all=yes
[ $# -eq 0 ] || all=no
modules=$("$source/scripts/consumer_modules.sh" "$build") || exit 2
PERFTRACE=$build/bin/perftrace
unset TRACE_FILE PERF_TRACE_FILTER RUST_LOG PERF_TRACE_LOG PERF_TRACE_CONSOLE PERF_TRACE_CHROME PERF_TRACE_FULL PERF_TRACE_AUTO
SPANS=125000 # on each of crowd.c's eight threads
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

compile() { # OUTPUT SOURCE... LIBRARY
    cc -std=gnu11 -O1 -DPERF_TRACE "-I$source/include" -o "$@" -pthread || exit 2
}
compile everything "$here/everything.c" "$here/crowd.c" "$build/lib/libperftrace.a"
compile said "$here/said.c" "$build/lib/libperftrace_reader.a"

make_trace() { # NAME
    case $1 in
    everything) TRACE_FILE=everything.json ./everything ;;
    killed) ! TRACE_FILE=killed.json ./everything killed 2>/dev/null ;;
    crowd) PERF_TRACE_FULL=wait TRACE_FILE=crowd.json ./everything "$SPANS" crowd.truth ;;
    killed_crowd) ! PERF_TRACE_FULL=wait TRACE_FILE=killed_crowd.json ./everything killed $((SPANS / 5)) 2>/dev/null ;;
    fast) PERF_TRACE_FULL=wait TRACE_FILE=fast.json ./everything "$SPANS" 2>fast.stderr ;;
    hurried) PERF_TRACE_FULL=wait TRACE_FILE=hurried.json ./everything hurried $((SPANS * 2)) 2>hurried.stderr ;;
    quickstart) TRACE_FILE=quickstart.json "$build/bin/quickstart" >/dev/null ;;
    nodestore)
        [ -x "$build/bin/nodestore" ] || return 0
        PERF_TRACE_CHROME=0 TRACE_FILE=nodestore.json "$build/bin/nodestore" make store >/dev/null &&
            TRACE_FILE=nodestore.json "$build/bin/nodestore" import store "$source/core" >/dev/null
        ;;
    city) # with a GPU track and arrows from job to job
        [ -x "$build/bin/city_demo_baseline" ] || return 0
        TRACE_FILE=city.json "$build/bin/city_demo_baseline" --frames 20 --buildings 300 --vehicles 10 >/dev/null
        ;;
    *)
        echo "run.sh: no trace '$1'" >&2
        return 2
        ;;
    esac
}

# Each as its program wrote it, and a Chrome file made of the trace.
[ $# -gt 0 ] || set -- everything killed quickstart nodestore city crowd killed_crowd fast hurried
files= slow_files=
for trace; do
    make_trace "$trace" || exit 2
    case $trace in fast | hurried) continue ;; esac
    [ -e "$trace.ptrace" ] || continue
    "$PERFTRACE" convert --to chrome --output "$trace.converted.json" "$trace.ptrace" || exit 2
    ./said "$trace.ptrace" >"$trace.said" || exit 2
    files="$files $trace.converted.json $trace.json"
    # speedscope takes time that grows with the square of what a thread has: of these one is enough, as they are the same.
    [ "$trace" = crowd ] || slow_files="$slow_files $trace.converted.json"
    slow_files="$slow_files $trace.json"
done

# The events of a Chrome file, in some order of their own.
events() { # FILE
    grep '^{"name' "$1" | sed 's/ *,*$//; s/ *]}$//' | LC_ALL=C sort
}
same_events() { # FILE FILE
    events "$1" >events.1 && events "$2" >events.2 && [ -s events.1 ] && cmp events.1 events.2
    result=$?
    rm -f events.1 events.2
    return $result
}
for trace; do
    case $trace in killed*) continue ;; esac
    [ -e "$trace.converted.json" ] || continue
    check "$trace: what was written live is what convert makes" same_events "$trace.json" "$trace.converted.json"
done

# As fast as they can: the Chrome file lags behind, and is complete at the end all the same; unless there is no time for that:
# then standard error has the command that completes it.
if [ -e fast.ptrace ]; then
    "$PERFTRACE" convert --to chrome --output fast.converted.json fast.ptrace || exit 2
    check "fast: nothing was said" test ! -s fast.stderr
    check "fast: what was written live is what convert makes" same_events fast.json fast.converted.json
fi
if [ -e hurried.ptrace ]; then
    "$PERFTRACE" convert --to chrome --output hurried.converted.json hurried.ptrace || exit 2
    check "hurried: the file is JSON" jq -e '.traceEvents | type == "array"' hurried.json
    check "hurried: it is not complete" sh -c '! grep -q "open at the end" hurried.json'
    command=$(sed -n 's/^perftrace: .*hurried.json is not complete .*complete it with: perftrace /perftrace /p' hurried.stderr)
    check "hurried: standard error says how to complete it" test -n "$command"
    check "hurried: which it does" env PATH="${PERFTRACE%/*}:$PATH" sh -c "$command"
    check "hurried: then it is what convert makes" cmp hurried.json hurried.converted.json
fi

if [ -e crowd.truth ]; then
    check "crowd: perftrace says what was recorded" "$here/truth.py" crowd.truth crowd.said
fi

# ---- the readers ------------------------------------------------------------------------------------------------

# shellcheck disable=SC2086  # a list of files
node "$here/read_devtools.js" "$modules" $files || exit 2
# shellcheck disable=SC2086
node "$here/read_speedscope.js" "$modules" $slow_files || exit 2
for file in $files; do
    said=${file%.json}
    said=${said%.converted}.said
    part=
    case $file in killed*.converted.json) ;; killed*) part=part ;; esac
    check "$file: the format's description" sh -c \
        "node '$here/read_format.js' $file $file.format && '$here/compare.py' $said $file.format $part"
    check "$file: catapult" sh -c \
        "node '$here/read_catapult.js' '$modules' $file $file.catapult && '$here/compare.py' $said $file.catapult $part"
    check "$file: DevTools" "$here/compare.py" "$said" "$file.devtools" $part
    [ ! -e "$file.speedscope" ] || check "$file: speedscope" "$here/compare.py" "$said" "$file.speedscope" $part
done

# ---- what everything.c is about ---------------------------------------------------------------------------------

for file in everything.json everything.converted.json; do
    case " $files " in *" $file "*) ;; *) continue ;; esac
    jq -r -f "$here/everything.jq" "$file" >statements.json || exit 2
    jq -r '.[] | "\(.fine) \(.name)"' statements.json >statements
    while read -r fine name; do
        if [ "$fine" = true ]; then ok "$file: $name"; else not_ok "$file: $name" </dev/null; fi
    done <statements
done

# ---- the page of the report --------------------------------------------------------------------------------------

statements() { # PREFIX: on standard input "true NAME" or "false NAME" lines
    while read -r fine name; do
        if [ "$fine" = true ]; then ok "$1: $name"; else not_ok "$1: $name" </dev/null; fi
    done
}
if [ -e nodestore.ptrace ]; then
    "$PERFTRACE" analyze --html=page.html nodestore.ptrace || exit 2
    "$here/hostile_log.py" >hostile.log
    "$PERFTRACE" analyze --html=hostile.html hostile.log || exit 2
    "$here/comparison_logs.py" compared
    "$PERFTRACE" diff --html=comparison.html compared/base -- compared/head >comparison.txt
    node "$here/read_page.js" "$modules" page.html hostile.html comparison.html >statements || exit 2
    statements page <statements
fi

# ---- verdicts ------------------------------------------------------------------------------------------------------

if [ "$all" = yes ]; then
    compile verdicts "$here/verdicts.c" "$build/lib/libperftrace.a"
    compile verdicts_slower "$here/verdicts.c" "$build/lib/libperftrace.a" -DPAUSE_US=400
    mkdir before after
    for run in 1 2 3 4 5 6 7; do
        TRACE_FILE=before/$run.json ./verdicts && TRACE_FILE=after/$run.json ./verdicts_slower || exit 2
    done
    "$here/read_verdicts.py" "$PERFTRACE" "$modules" before after >statements || exit 2
    statements verdicts <statements
    "$here/lint_workflow.py" "$PERFTRACE" "$modules" before/1.ptrace >statements || exit 2
    statements workflow <statements
fi

# ---- what others wrote, read by perftrace --------------------------------------------------------------------------

if [ "$all" = yes ]; then
    node --trace-event-categories v8,node,node.async_hooks,node.perf,node.fs.sync --trace-events-enabled \
        --trace-event-file-pattern node.json "$here/node_app.js" || exit 2
    check "Node: there is enough in its trace" sh -c '[ "$(jq ".traceEvents | length" node.json)" -gt 300 ]'
    check "Node: its trace, whole and cut off" "$source/tests/others/check.py" "$PERFTRACE" node.json
    cat node.json | gzip >node.json.gz
    check "Node: compressed" sh -c "'$PERFTRACE' info --format json node.json.gz | jq -e '.contents.span > 100'"
fi

# ---- that the comparison sees something -------------------------------------------------------------------------

differs() { # SAID READ
    ! "$here/compare.py" "$@"
}
if [ -e everything.said ]; then
    head -c 2000 everything.converted.json >broken.json
    node "$here/read_devtools.js" "$modules" broken.json || exit 2
    check "DevTools: a broken file is refused" differs everything.said broken.json.devtools
    sed '0,/"outer"/s//"somebody"/' everything.said >changed
    check "a changed name is noticed" differs everything.said changed
    sed '/"outer",0/d' everything.said >changed
    check "a missing span is noticed" differs everything.said changed
fi

# ---- another processor --------------------------------------------------------------------------------------------

if [ "$all" = yes ]; then
    "$here/aarch64.sh" "$build" >aarch64
    sed '$d' aarch64
    sum=$(tail -1 aarch64)
    case $sum in
    *' passed, '*' failed')
        passed=$((passed + ${sum%% *}))
        sum=${sum#*, }
        failed=$((failed + ${sum%% *}))
        ;;
    *) not_ok "aarch64" <aarch64 ;;
    esac
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
