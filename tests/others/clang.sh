#!/bin/sh
# What clang writes with -ftime-trace for a C++ file, read by perftrace, whole and cut off.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
command -v clang++ >/dev/null 2>&1 || exit 77
clang++ -std=c++17 -ftime-trace -ftime-trace-granularity=50 -o real.o -c "$here/real.cpp"
[ "$(jq '.traceEvents | length' real.json)" -gt 500 ]
"$here/check.py" "$PERFTRACE" real.json
