// The recording API from C++17: exceptions, references, move-only results, strings, templates, lambdas.
#define PERF_TRACE 1
#define PERF_TARGET "cxx_test"
#include "perftrace.h"
#include "perftrace_reader.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

static int failures;
#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                             \
            failures++;                                                                                      \
        }                                                                                                    \
    } while (0)

enum class Color : unsigned char { red, green = 7 };

static void thrower(int depth) {
    PERF_SPAN("thrower", "depth", depth);
    if (depth == 3)
        throw std::runtime_error("up");
    thrower(depth + 1);
}

template <typename T> static T twice(T value) {
    PERF_SPAN("twice", "value", value);
    return value + value;
}

inline int inline_function(int n) {
    PERF_SPAN("inline_function", "n", n);
    return n;
}

struct Traced {
    int calls = 0;
    int &count() {
        PERF_SPAN("method", "this", this);
        return ++calls;
    }
};

static std::unique_ptr<int> make() {
    return std::make_unique<int>(5);
}

static void record() {
    for (int i = 0; i < 3; i++) {
        PERF_SPAN("catcher");
        try {
            thrower(0);
        } catch (const std::exception &) {
            PERF_EVENT("caught");
        }
    }
    CHECK(twice(21) == 42 && twice(0.5) == 1.0);
    CHECK(inline_function(3) == 3);
    Traced traced;
    int &reference = PERF_TIME("reference", traced.count());
    reference = 10;
    CHECK(traced.calls == 10);
    auto pointer = PERF_TIME("move_only", make());
    CHECK(*pointer == 5);
    int variable = 1;
    PERF_TIME("lvalue", variable) = 2;
    CHECK(variable == 2);
    PERF_TIME("void", traced.count(), void());
    std::string text = "a string with";
    text[3] = '\0';
    std::string_view view = "a view";
    PERF_SPAN("values", "string", text, "view", view, "color", Color::green, "null", nullptr, "flag", true,
              "big", std::string(600, 'x'));
    PERF_METRIC("size", text.size(), "ratio", 0.5f);
    auto lambda = [](int n) {
        PERF_SPAN("in_lambda", "n", n);
        PERF_METRIC("m", n);
    };
    lambda(4);
    perftrace_handle handle = PERF_SPAN_BEGIN("handle", "name", text.c_str());
    PERF_SPAN_END(handle, "done", true);
}

struct Seen {
    std::string name, thread;
    unsigned depth;
    bool unfinished;
    std::vector<std::string> texts;
    std::vector<long long> numbers;
    size_t metrics;
};

static std::vector<Seen> read(const char *path) {
    std::vector<Seen> seen;
    perftrace_error_info error;
    perftrace_reader *reader = perftrace_reader_open(path, nullptr, &error);
    if (reader == nullptr) {
        std::fprintf(stderr, "%s: %s\n", path, error.message);
        std::exit(1);
    }
    while (const perftrace_item *item = perftrace_reader_next(reader)) {
        if (item->kind != PERFTRACE_ITEM_SPAN_END && item->kind != PERFTRACE_ITEM_ASYNC_END)
            continue;
        const perftrace_call *call = item->call;
        Seen one{call->site->name.bytes, "", call->depth, call->unfinished, {}, {}, call->metric_count};
        for (size_t i = 0; i < call->parameter_count; i++) {
            const perftrace_value &value = call->parameters[i];
            if (value.type == PERFTRACE_TYPE_STRING)
                one.texts.emplace_back(value.text.bytes, value.text.length);
            else
                one.numbers.push_back(value.i);
        }
        seen.push_back(one);
    }
    perftrace_reader_close(reader);
    return seen;
}

static const Seen &find(const std::vector<Seen> &seen, const char *name, size_t n = 0) {
    for (const Seen &one : seen)
        if (one.name == name && n-- == 0)
            return one;
    std::fprintf(stderr, "no span %s\n", name);
    std::exit(1);
}

int main() {
    perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.chrome_output = false;
    config.trace_path = "cxx.ptrace";
    CHECK(perftrace_init(&config) == 0);
    record();
    perftrace_shutdown();
    std::vector<Seen> seen = read("cxx.ptrace");
    for (size_t i = 0; i < 12; i++) {
        CHECK(find(seen, "thrower", i).depth == 4 - i % 4);
        CHECK(!find(seen, "thrower", i).unfinished); // unwinding ends them
    }
    for (size_t i = 0; i < 3; i++)
        CHECK(find(seen, "catcher", i).depth == 0);
    CHECK(find(seen, "twice", 0).numbers[0] == 21);
    CHECK(find(seen, "inline_function").numbers[0] == 3);
    CHECK(find(seen, "method").depth == 1);
    find(seen, "reference"), find(seen, "move_only"), find(seen, "lvalue"), find(seen, "void");
    const Seen &values = find(seen, "values");
    CHECK(values.texts.size() == 3 && values.texts[0].size() == 13 && values.texts[1] == "a view");
    CHECK(values.texts[2].size() == 512);
    CHECK(values.numbers.size() == 3 && values.numbers[0] == 7 && values.numbers[1] == 0 &&
          values.numbers[2] == 1);
    CHECK(values.metrics == 2);
    CHECK(find(seen, "in_lambda").metrics == 1);
    CHECK(find(seen, "handle").metrics == 1);
    std::printf("%d failures\n", failures);
    return failures != 0;
}
