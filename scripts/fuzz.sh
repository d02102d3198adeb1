#!/bin/sh
# Runs the fuzz targets under libFuzzer with the address and undefined-behaviour sanitizers, one after the other, each for
# FUZZ_SECONDS (60), and ends with the line "N passed, N failed": fuzz.sh BUILD [NAME...] (trace, log …: all without). What they
# find by the way stays in BUILD/fuzz/found/NAME for the next time; inputs that fail are kept in BUILD/fuzz/failed, and their paths
# printed.
set -u
cd "$(dirname "$0")/.." || exit 2

build=$1
shift
seconds=${FUZZ_SECONDS:-60}
mkdir -p "$build/fuzz/failed" || exit 2
build=$(cd "$build" && pwd)/fuzz
CC=clang cmake -B "$build/build" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG="-O1 -g -fsanitize=fuzzer-no-link" \
    -DPERFTRACE_SANITIZE=address,undefined -DPERFTRACE_FUZZ=ON -DPERFTRACE_TESTS=ON -DPERFTRACE_BENCH=OFF \
    -DPERFTRACE_EXAMPLES=OFF >"$build/build.log" 2>&1 || {
    cat "$build/build.log"
    exit 2
}

passed=0 failed=0
for source in tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    name=${name#fuzz_}
    [ $# -eq 0 ] || case " $* " in *" $name "*) ;; *) continue ;; esac
    if ! cmake --build "$build/build" --parallel "$(nproc)" --target "fuzz_$name" >"$build/build.log" 2>&1; then
        cat "$build/build.log"
        failed=$((failed + 1))
        continue
    fi
    mkdir -p "$build/found/$name"
    echo "== $name, $seconds s"
    if "$build/build/tests/fuzz_$name" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 -max_len=65536 \
        -print_final_stats=1 -artifact_prefix="$build/failed/$name-" "$build/found/$name" "tests/fuzz/corpus/$name" \
        >"$build/$name.log" 2>&1; then
        grep -E '^stat::number_of_executed_units|^stat::peak_rss_mb' "$build/$name.log"
        passed=$((passed + 1))
    else
        grep -E 'ERROR|SUMMARY|it is not so|runtime error|Test unit written' "$build/$name.log" | head -20
        failed=$((failed + 1))
    fi
done
find "$build/failed" -type f -printf 'failed: %p\n' | sort
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
