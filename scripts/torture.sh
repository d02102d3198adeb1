#!/bin/sh
# Runs the torture programs in full, one after the other, and ends with the line "N passed, N failed": torture.sh BUILD [NAME...]
# (kill, faults …: all without). What they print stays in BUILD/torture.log.
set -u
cd "$(dirname "$0")/.." || exit 2

build=$1
shift
cmake --preset default -B "$build" -DPERFTRACE_TESTS=ON >/dev/null &&
    cmake --build "$build" --parallel "$(nproc)" >"$build/torture.log" 2>&1 || {
    cat "$build/torture.log"
    exit 2
}
build=$(cd "$build" && pwd)
PERFTRACE=$build/bin/perftrace PERFTRACE_SOURCE=$PWD PERFTRACE_BUILD=$build
export PERFTRACE PERFTRACE_SOURCE PERFTRACE_BUILD
scratch=$build/torture
mkdir -p "$scratch"
: >"$build/torture.log"
passed=0 failed=0
source=$PWD
cd "$scratch" || exit 2

for program in "$source"/tests/torture/torture_*; do
    name=$(basename "$program")
    name=${name#torture_} ending=${name##*.}
    name=${name%.*}
    [ $# -eq 0 ] || case " $* " in *" $name "*) ;; *) continue ;; esac
    case $ending in c | cpp) program=$build/tests/torture_$name ;; esac
    echo "== $name"
    { "$program" full 2>&1 || echo "exit code $?"; } | tee output | grep -vE '^[0-9]+ passed, [0-9]+ failed$'
    cat output >>"$build/torture.log"
    closing=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' output | tail -1)
    closing=${closing:-0 passed, 1 failed}
    passed=$((passed + ${closing%% *}))
    closing=${closing#*, }
    failed=$((failed + ${closing%% *}))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
