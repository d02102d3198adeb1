// A benchmark with Google Benchmark whose iterations are spans, by the name of their benchmark.
#define PERF_TARGET "benchmarks"
#include <perftrace.h>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

// What is measured; with CARELESS, as a commit leaves it that nobody measured.
static bool contains(const std::vector<int> &set, int value) {
#ifdef CARELESS
    return std::find(set.begin(), set.end(), value) != set.end();
#else
    return std::binary_search(set.begin(), set.end(), value);
#endif
}

// "contains/1000", as Google Benchmark's own report has it.
static std::string name_of(const char *benchmark, const benchmark::State &state) {
    return benchmark + ("/" + std::to_string(state.range(0)));
}

static void build(benchmark::State &state) {
    const std::string name = name_of("build", state);
    std::vector<int> numbers(static_cast<size_t>(state.range(0)));
    for (auto _ : state) {
        state.PauseTiming();
        std::iota(numbers.rbegin(), numbers.rend(), 0);
        state.ResumeTiming();
        PERF_SPAN_DYNAMIC(name.c_str());
        std::sort(numbers.begin(), numbers.end());
        benchmark::ClobberMemory();
    }
}
BENCHMARK(build)->Arg(1000)->Arg(4000)->Iterations(2000);

// What takes nanoseconds is measured many at once: a span of its own would be most of it.
static void look_up(benchmark::State &state) {
    const std::string name = name_of("look_up", state);
    std::vector<int> set(static_cast<size_t>(state.range(0)));
    std::iota(set.begin(), set.end(), 0);
    while (state.KeepRunningBatch(500)) {
        PERF_SPAN_DYNAMIC(name.c_str());
        for (int i = 0; i < 500; i++)
            benchmark::DoNotOptimize(contains(set, i * 7 % static_cast<int>(set.size())));
    }
}
BENCHMARK(look_up)->Arg(1000)->Arg(4000)->Iterations(2000 * 500);

BENCHMARK_MAIN();
