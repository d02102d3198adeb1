#!/bin/sh
# Builds and runs all tests in each kind of build, and ends with the line "N passed, N failed".
# scripts/test.sh [default] [asan] [tsan] [-- CTEST ARGUMENTS]: only those builds; all without arguments.
set -u
cd "$(dirname "$0")/.." || exit 2

builds=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    builds="$builds $1"
    shift
done
[ $# -eq 0 ] || shift
builds=${builds:-default asan tsan}
jobs=$(nproc)
passed=0 failed=0 skipped=0
unset MAKEFLAGS MFLAGS MAKELEVEL # of the make that called this
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

# The first compiler whose sanitizer works here, with the prefix that its programs must run under: the address
# space layout of some kernels is too random for ThreadSanitizer.
find_compiler() { # FLAGS
    printf '#include <stdio.h>\nint main(void) { return puts("") < 0; }\n' >"$scratch/probe.c"
    for compiler in cc gcc clang; do
        "$compiler" "$1" "$scratch/probe.c" -o "$scratch/probe" 2>"$scratch/why" || continue
        for prefix in "" "setarch $(uname -m) -R"; do
            if $prefix "$scratch/probe" >/dev/null 2>"$scratch/why"; then
                return 0
            fi
        done
    done
    cat "$scratch/why"
    return 1
}

# run_build PRESET FLAGS: configures, builds, tests; adds to the sums.
run_build() {
    preset=$1 compiler=cc prefix=
    shift
    echo "== $preset"
    folder=build/$preset
    [ "$preset" != default ] || folder=build
    if [ -n "$1" ] && ! find_compiler "$1"; then
        echo "FAILED: no compiler here can make and run programs with $1"
        failed=$((failed + 1))
        return
    fi
    shift
    if ! { CC=$compiler cmake --preset "$preset" -B "$folder" -DPERFTRACE_TESTS=ON &&
        cmake --build "$folder" --parallel "$jobs"; } >"$scratch/build.log" 2>&1; then
        grep -vE '^\[ *[0-9]+%\]|^-- ' "$scratch/build.log"
        echo "FAILED: the $preset build"
        failed=$((failed + 1))
        return
    fi
    grep -vE '^\[ *[0-9]+%\]' "$scratch/build.log" | grep -A5 'warning:'
    rm -f "$scratch/result.xml"
    $prefix ctest --test-dir "$folder" --parallel "$jobs" --output-on-failure --no-tests=error \
        --output-junit "$scratch/result.xml" "$@"
    status=$?
    count() { # ATTRIBUTE
        sed -n 's/^.*[[:space:]]'"$1"'="\([0-9]*\)".*$/\1/p' "$scratch/result.xml" 2>/dev/null | head -1
    }
    tests=$(count tests) failures=$(count failures) left_out=$(count skipped)
    if [ -z "$tests" ] || { [ "$status" -ne 0 ] && [ "${failures:-0}" -eq 0 ]; }; then
        echo "FAILED: ctest ended with $status in the $preset build"
        failed=$((failed + 1))
    fi
    failed=$((failed + ${failures:-0}))
    skipped=$((skipped + ${left_out:-0}))
    passed=$((passed + ${tests:-0} - ${failures:-0} - ${left_out:-0}))
}

for build in $builds; do
    case $build in
    asan) run_build asan -fsanitize=address,undefined "$@" ;;
    tsan) run_build tsan -fsanitize=thread "$@" ;;
    *) run_build "$build" "" "$@" ;;
    esac
done

[ "$skipped" -eq 0 ] || echo "$skipped left out: what they need is not here (see above)"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
