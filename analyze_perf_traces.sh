#!/bin/sh
# analyze_perf_traces.sh LOG: the report on a log or a trace, as `perftrace analyze LOG` gives it. Uses the perftrace
# next to this script, in the build folder, or on the PATH.
if [ $# -lt 1 ]; then
    echo "usage: $0 LOG..." >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd) || exit 2
for tool in "$here/perftrace" "$here/build/bin/perftrace" "$(command -v perftrace)"; do
    if [ -f "$tool" ] && [ -x "$tool" ]; then
        exec "$tool" analyze "$@"
    fi
done
echo "$0: error: no perftrace next to this script, in $here/build/bin or on the PATH; build it with: cmake -B build && cmake --build build" >&2
exit 2
