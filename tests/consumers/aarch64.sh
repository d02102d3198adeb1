#!/bin/sh
# Another processor: cross-compiles everything for aarch64, runs the unit tests and examples under qemu-user, and compares what
# the command for aarch64 and the one for this machine make of each other's traces. aarch64.sh BUILD; ends with "N passed, N failed".
set -u
source=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$1" && pwd) || exit 2
PERFTRACE_AARCH64_PACKAGES=$build/aarch64-packages
export PERFTRACE_AARCH64_PACKAGES
"$source/scripts/aarch64_packages.sh" "$PERFTRACE_AARCH64_PACKAGES" || exit 2
passed=0 failed=0 page=

"$source/scripts/test.sh" aarch64 >"$build/aarch64.log" 2>&1
sum=$(tail -1 "$build/aarch64.log")
case $sum in
*' passed, '*' failed')
    passed=${sum%% *}
    failed=${sum#*, }
    failed=${failed%% *}
    ;;
*) failed=1 ;;
esac
[ "$failed" -eq 0 ] || grep -vE 'Passed|Start ' "$build/aarch64.log"

there() { # PROGRAM ARGUMENTS...
    qemu-aarch64 ${page:+-p "$page"} -L /usr/aarch64-linux-gnu -E "LD_LIBRARY_PATH=$PERFTRACE_AARCH64_PACKAGES/usr/lib/aarch64-linux-gnu" "$@"
}
same() { # NAME TRACE: both commands say the same of it, and something
    if "$build/bin/perftrace" convert --to csv -o here.csv "$2" >output 2>&1 &&
        there "$source/build/aarch64/bin/perftrace" convert --to csv -o there.csv "$2" >>output 2>&1 &&
        cmp here.csv there.csv >>output 2>&1 && [ "$(wc -l <here.csv)" -gt 100 ]; then
        echo "ok      $1"
        passed=$((passed + 1))
    else
        echo "FAILED  $1"
        sed 's/^/    /' output
        failed=$((failed + 1))
    fi
}
mkdir -p "$build/consumers/aarch64"
cd "$build/consumers/aarch64" || exit 2
rm -f ./*
TRACE_FILE=there.json there "$source/build/aarch64/bin/quickstart" >/dev/null
same "aarch64: a trace made there" there.ptrace
TRACE_FILE=here.json "$build/bin/quickstart" >/dev/null
same "aarch64: a trace made here" here.ptrace

# What programs record there, also where pages are larger: our reader and the second one have to agree on it.
for page in 4096 65536; do
    for mode in threads threads_killed tiny flight flight_killed deep signals many; do
        TRACE_FILE=$mode.$page.json there "$source/build/aarch64/tests/readers_records" "$mode" >/dev/null 2>&1
    done
    TRACE_FILE=everything.$page.json there "$source/build/aarch64/tests/readers_everything" >/dev/null 2>&1
done
traces=$(ls ./*.[46]*.ptrace 2>/dev/null | wc -l)
export PERFTRACE="$build/bin/perftrace" PERFTRACE_BUILD="$build" PERFTRACE_SOURCE="$source"
if "$source/tests/readers/compare.py" left . 60 >output 2>&1 && [ "$traces" -eq 18 ]; then
    echo "ok      aarch64: two readers find the same in $traces traces, with pages of 4 and 64 KiB"
    passed=$((passed + 1))
else
    echo "FAILED  aarch64: two readers find the same in 18 traces (here $traces)"
    sed 's/^/    /' output
    failed=$((failed + 1))
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
