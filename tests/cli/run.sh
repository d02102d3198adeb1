#!/bin/sh
# Command-line tests: run.sh [--update] [CASE...]. Each cases/NAME.sh is run in an empty folder, with the tool to be tested first
# on the PATH (it is $PERFTRACE) and the inputs in $DATA; what it writes and its exit code are to be what
# cases/NAME.expected says. --update writes these files anew, for git diff to judge.
set -u
here=$(cd "$(dirname "$0")" && pwd)
update=no
if [ "${1:-}" = --update ]; then
    update=yes
    shift
fi
if [ ! -x "${PERFTRACE:-}" ]; then
    echo "run.sh: set PERFTRACE to the perftrace to be tested" >&2
    exit 2
fi
DATA=$here/data
SOURCE=$(cd "$here/../.." && pwd)
export DATA SOURCE
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/bin"
ln -s "$(realpath "$PERFTRACE")" "$scratch/bin/perftrace"
PATH=$scratch/bin:$PATH
COLUMNS=80
LC_ALL=C
export PATH COLUMNS LC_ALL
unset NO_COLOR TRACE_FILE PERF_TRACE_FILTER RUST_LOG

if [ $# -eq 0 ]; then
    for file in "$here"/cases/*.sh; do
        set -- "$@" "$(basename "$file" .sh)"
    done
fi
failed=0
for name in "$@"; do
    mkdir "$scratch/$name"
    (cd "$scratch/$name" && sh "$here/cases/$name.sh" >../out 2>../err </dev/null)
    code=$?
    {
        cat "$scratch/out"
        echo "[stderr]"
        cat "$scratch/err"
        echo "[exit $code]"
    } | sed "s|$DATA|DATA|g; s|$scratch/$name|HERE|g" >"$scratch/actual"
    if [ "$update" = yes ]; then
        cp "$scratch/actual" "$here/cases/$name.expected"
    elif ! diff -u "$here/cases/$name.expected" "$scratch/actual"; then
        echo "FAILED $name"
        failed=$((failed + 1))
    fi
done
[ "$update" = yes ] || echo "$# cases, $failed failed"
[ "$failed" -eq 0 ]
