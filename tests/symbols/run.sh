#!/bin/sh
# What the libraries need and what they give. run.sh FOLDER-OF-THE-LIBRARIES
#   - the archives need only the symbols of needed.txt: nothing else is dragged into a user's program;
#   - every external symbol of theirs begins with perftrace_: nothing of a user's can clash;
#   - the shared libraries export exactly the symbols of exported.txt: a change of the interface is a change of that file.
set -u

here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

listed() { # LIST LIBRARY: the words of its lines "LIBRARY: WORD..." and "both: WORD..."
    sed -n "s/^$2: *//p; s/^both: *//p" "$here/$1.txt" | tr ' ' '\n' | sort -u
}

complain() { # WHAT: on standard input the symbols that are wrong, if any
    cat >"$scratch/wrong"
    [ -s "$scratch/wrong" ] || return 0
    echo "$1:"
    sed 's/^/    /' "$scratch/wrong"
    touch "$scratch/failed" # not a variable: this runs in a pipeline
}

for library in perftrace perftrace_reader; do
    archive=$1/lib$library.a
    nm --defined-only -g -f posix "$archive" | awk 'NF > 1 { print $1 }' | sort -u >"$scratch/given"
    nm -u -f posix "$archive" | awk 'NF > 1 { print $1 }' | sort -u >"$scratch/used"
    listed needed $library >"$scratch/allowed"
    [ -s "$scratch/given" ] || echo nothing | complain "$archive defines"
    comm -23 "$scratch/used" "$scratch/given" | comm -23 - "$scratch/allowed" |
        complain "$archive needs what is not in tests/symbols/needed.txt"
    grep -v '^perftrace_' "$scratch/given" | complain "$archive defines what does not begin with perftrace_"

    listed exported $library >"$scratch/allowed"
    nm -D --defined-only -f posix "$1/lib$library.so" | awk '{ print $1 }' | sort -u >"$scratch/exported"
    comm -23 "$scratch/exported" "$scratch/allowed" |
        complain "lib$library.so exports what is not in tests/symbols/exported.txt"
    comm -13 "$scratch/exported" "$scratch/allowed" |
        complain "lib$library.so does not export what tests/symbols/exported.txt promises"
done
[ ! -e "$scratch/failed" ]
