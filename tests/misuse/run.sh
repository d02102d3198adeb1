#!/bin/sh
# Checks one source of cases/ in C and C++, with gcc and clang, with and without PERF_TRACE: it compiles without a
# warning; and where it speaks of MISUSE, it does not compile with -DMISUSE. So the right use beside the wrong one
# shows that it is the mistake that fails, and nothing else.
# run.sh SOURCE
set -u

here=$(cd "$(dirname "$0")" && pwd)
source=$1
strict="-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wunused -Wundef -Werror"
output=$(mktemp)
trap 'rm -f "$output"' EXIT
failed=0

# shellcheck disable=SC2086  # lists of words, below
compile() { # COMPILER AND FLAGS
    "$@" -I"$here/../../include" -c "$source" -o /dev/null >"$output" 2>&1
}

for compiler in "gcc -std=gnu11" "clang -std=gnu11" "g++ -std=gnu++17 -xc++" "clang++ -std=gnu++17 -xc++"; do
    for feature in "" -DPERF_TRACE; do
        if ! compile $compiler $feature $strict -O2; then
            echo "$compiler $feature: does not compile without a word"
            cat "$output"
            failed=1
        fi
        if grep -q MISUSE "$source" && compile $compiler $feature -w -fsyntax-only -DMISUSE; then
            echo "$compiler $feature -DMISUSE: compiles"
            failed=1
        fi
    done
done
exit $failed
