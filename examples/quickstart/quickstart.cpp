// One page of C++17 with perftrace: the same macros, with strings, templates and exceptions.
//
//     c++ -std=c++17 quickstart.cpp -DPERF_TRACE $(pkg-config --cflags --libs perftrace) -o quickstart && ./quickstart
//     perftrace analyze trace.ptrace       or load trace.json in Chrome DevTools (Performance panel)
#define PERF_TARGET "quickstart" // what filters choose by, as in PERF_TRACE_FILTER=quickstart=debug,off
#include <perftrace.h>

#include <cstdio>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

template <typename T> std::unique_ptr<std::vector<T>> load(const std::string &level, std::size_t count) {
    PERF_SPAN("load", "level", level, "count", count); // ends with this scope, by return or by exception
    if (level.empty())
        throw std::invalid_argument("a level needs a name");
    auto bodies = std::make_unique<std::vector<T>>(count);
    std::iota(bodies->begin(), bodies->end(), T{});
    PERF_METRIC("bytes", count * sizeof(T)); // a metric: something that is known only now
    return bodies;
}

template <typename T> T step(std::vector<T> &bodies, int frame) {
    PERF_SPAN("step", "frame", frame);
    for (T &body : bodies)
        body = body * T(0.5) + T(1);
    return bodies.front();
}

} // namespace

int main() {
    if (int result = perftrace_init_default(); result != 0) // ./trace.ptrace and ./trace.json
        std::fprintf(stderr, "not traced: %s\n", perftrace_error_text(result));

    auto bodies = PERF_TIME("load_timed", load<double>("meadow", 2000)); // move-only results too
    PERF_EVENT("started", "bodies", bodies->size());
    try {
        load<float>("", 1);
    } catch (const std::invalid_argument &error) {
        PERF_EVENT_LEVEL(PERF_WARN, "load_failed", "why", error.what());
    }
    double sum = 0;
    for (int frame = 0; frame < 60; frame++) {
        double first = step(*bodies, frame);
        PERF_COUNTER("first_body", first);
        PERF_BLOCK("sum", "frame", frame) {
            sum += std::accumulate(bodies->begin(), bodies->end(), 0.0);
        }
        PERF_FRAME();
    }
    std::printf("sum %g\n", sum);
}
