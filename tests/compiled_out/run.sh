#!/bin/sh
# Without PERF_TRACE, is the object of SOURCE what it would be if perftrace had never been written into it?
# run.sh SOURCE COMPILER [FLAGS...]: compiles it as it is and with its perftrace deleted (strip.py), and compares the
# objects whole: code, data, symbols, relocations. Only .comment and debug information are left out, and the numbers in the
# names of local labels, which clang counts up for literals that it then drops, too.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
source=$(realpath "$1")
shift
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/with" "$scratch/without"

# The same file name in two folders: the object's symbol table holds the name, not the folder.
name=$(basename "$source")
cp "$source" "$scratch/with/$name"
python3 "$here/strip.py" "$source" >"$scratch/without/$name"

for version in with without; do
    # Nor does the compiler have to warn of anything: what is only recorded counts as used.
    warnings=-w
    [ $version = without ] || warnings="-Wall -Werror"
    # shellcheck disable=SC2086  # a list of words
    (cd "$scratch/$version" && "$@" -O2 $warnings -I"$root/include" -iquote "$(dirname "$source")" -c "$name" -o object.o)
    objdump -t "$scratch/$version/object.o" | awk '$NF ~ /^\.L/ { print $(NF - 2), $1, $NF }' | sort |
        awk '{ print $3, ".L_" NR }' >"$scratch/labels"
    objcopy --strip-debug --remove-section=.comment --redefine-syms="$scratch/labels" "$scratch/$version/object.o"
done

cmp -s "$scratch/with/object.o" "$scratch/without/object.o" && exit 0

echo "$source: perftrace leaves something behind without PERF_TRACE ($*)"
for version in with without; do
    (cd "$scratch/$version" && { nm object.o; objdump -drsw object.o; }) >"$scratch/$version.txt"
done
diff "$scratch/without.txt" "$scratch/with.txt" | head -60
exit 1
