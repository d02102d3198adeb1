#!/bin/sh
# Formatting, likely mistakes, and warnings of both compilers. lint.sh BUILD [FILE...]: all sources without a FILE.
# Exit code: 0 nothing found, 1 something, 2 could not look.
set -u
cd "$(dirname "$0")/.." || exit 2

build=$1
shift
cmake --preset default -B "$build" -DPERFTRACE_TESTS=ON >/dev/null || exit 2
tidy=$build/lint-clang # some of gcc's options would be mistakes to clang-tidy
CC=clang cmake --preset default -B "$tidy" -DPERFTRACE_WERROR=ON >/dev/null || exit 2
failed=0

if [ $# -gt 0 ]; then
    printf '%s\n' "$@"
else
    git ls-files --cached --others --exclude-standard '*.c' '*.h' '*.cpp'
fi >"$build/lint.files"

echo "clang-format"
# shellcheck disable=SC2046  # names of ours hold no spaces
clang-format --dry-run -Werror $(cat "$build/lint.files") || failed=1

# The files that are compiled; a header is looked at where it is included.
compiled() {
    while read -r file; do
        ! grep -q "\"file\": \"$PWD/$file\"" "$tidy/compile_commands.json" || echo "$file"
    done <"$build/lint.files"
}

echo "clang-tidy"
compiled | xargs -r -n 4 -P "$(nproc)" clang-tidy --quiet -p "$tidy" 2>"$build/lint.log" || failed=1
grep -vE '^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -' "$build/lint.log" | grep -E 'rror' && failed=1

for compiler in gcc clang; do
    echo "warnings of $compiler"
    if ! { CC=$compiler cmake --preset default -B "$build/lint-$compiler" -DPERFTRACE_WERROR=ON &&
        cmake --build "$build/lint-$compiler" --parallel "$(nproc)" -- -k; } >"$build/lint.log" 2>&1; then
        grep -vE '^\[ *[0-9]+%\]|^-- |^gmake' "$build/lint.log"
        failed=1
    fi
done
exit $failed
