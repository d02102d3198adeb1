// What C++ runs outside main and against the flow: constructors before main, destructors after it and of threads, exceptions
// through spans. Each span made is in the trace, or counted.
#define PERF_TRACE 1
#define PERF_TARGET "objects"
#include "perftrace.h"

extern "C" {
#include "torture.h"
}

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

struct told {
    std::atomic<uint64_t> made;
};
told *shared;

void record(const char *where) {
    PERF_SPAN("work", "where", where);
    if (shared != nullptr)
        shared->made++;
}

// ---- before main, and after it: a program that is started with PERF_TRACE_AUTO=1 -------------------------------------

bool is_started() {
    const char *started = getenv("OBJECTS_STARTED");
    return started != nullptr && std::strcmp(started, "1") == 0;
}

__attribute__((constructor(101))) void very_early() {
    if (is_started()) {
        PERF_SPAN("constructor");
    }
}

struct static_object {
    static_object() {
        if (is_started()) {
            PERF_SPAN("static constructor");
        }
    }
    ~static_object() {
        if (is_started()) {
            PERF_SPAN("static destructor"); // the recording may have ended
        }
    }
} object;

void at_exit() {
    PERF_SPAN("atexit");
}

void be_started() {
    std::atexit(at_exit);
    { PERF_SPAN("main"); }
    std::thread([] { PERF_SPAN("thread"); }).join();
}

void start_self(void *) {
    setenv("OBJECTS_STARTED", "1", 1);
    setenv("PERF_TRACE_AUTO", "1", 1);
    setenv("PERF_TRACE_CHROME", "0", 1);
    execl("/proc/self/exe", "objects", static_cast<char *>(nullptr));
    _exit(95);
}

struct names {
    unsigned constructor, static_constructor, main, thread, atexit, static_destructor;
};

void hear_names(void *context, const struct perftrace_item *item) {
    auto *heard = static_cast<names *>(context);
    if (item->kind != PERFTRACE_ITEM_SPAN_END || item->call->unfinished)
        return;
    heard->constructor += torture_is_named(item, "constructor");
    heard->static_constructor += torture_is_named(item, "static constructor");
    heard->main += torture_is_named(item, "main");
    heard->thread += torture_is_named(item, "thread");
    heard->atexit += torture_is_named(item, "atexit");
    heard->static_destructor += torture_is_named(item, "static destructor");
}

void before_and_after_main() {
    torture_fresh_folder();
    int status = torture_run(start_self, nullptr, 60);
    torture_check(status == 0, "status %x", static_cast<unsigned>(status));
    names heard = {};
    torture_trace trace = torture_read_intact("trace.ptrace", hear_names, &heard);
    torture_check(trace.info.finished, "the trace is not finished");
    torture_check(heard.constructor == 1 && heard.static_constructor == 1,
                  "%u and %u of the constructors' spans", heard.constructor, heard.static_constructor);
    torture_check(heard.main == 1 && heard.thread == 1 && heard.atexit == 1, "main %u, thread %u, atexit %u",
                  heard.main, heard.thread, heard.atexit);
    torture_note("of the static destructor %u", heard.static_destructor);
}

// ---- in this process' children ----------------------------------------------------------------------------------------

void init() {
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.chrome_output = false;
    if (perftrace_init(&config) != 0)
        std::exit(90);
}

torture_trace run(void (*scenario)(void *)) {
    torture_fresh_folder();
    shared->made = 0;
    int status = torture_run(scenario, nullptr, 120);
    torture_check(status == 0, "status %x", static_cast<unsigned>(status));
    torture_trace trace = torture_read_intact("trace.ptrace", nullptr, nullptr);
    torture_check(trace.info.finished && trace.unfinished == 0, "finished: %d, %llu spans unfinished",
                  trace.info.finished, static_cast<unsigned long long>(trace.unfinished));
    torture_check(trace.ended + trace.lost == shared->made, "%llu spans and %llu lost, of %llu",
                  static_cast<unsigned long long>(trace.ended), static_cast<unsigned long long>(trace.lost),
                  static_cast<unsigned long long>(shared->made.load()));
    return trace;
}

struct of_thread {
    std::string text = "long enough to be somewhere else than in the object itself";
    ~of_thread() {
        record(text.c_str());
    }
};

void end_threads(void *) {
    init();
    unsigned long count = torture_times(300, 5000);
    for (unsigned long i = 0; i < count; i++)
        std::thread([i] {
            thread_local of_thread first, second;
            if (i % 2 == 0) // else the destructors' are the thread's first records
                record("thread");
            record(first.text.empty() || second.text.empty() ? "" : "work");
        }).join();
}

void thread_destructors() {
    torture_trace trace = run(end_threads);
    torture_check(trace.lost == 0, "%llu lost", static_cast<unsigned long long>(trace.lost));
}

void go_down(unsigned depth, unsigned catch_at) {
    PERF_SPAN("down", "depth", depth);
    shared->made++;
    if (depth == 0)
        throw std::runtime_error("from below");
    try {
        go_down(depth - 1, catch_at);
    } catch (const std::runtime_error &error) {
        record(error.what()); // within a span that is left by the exception
        if (depth != catch_at)
            throw;
    }
}

void throw_about(void *) {
    init();
    std::vector<std::thread> threads;
    for (unsigned number = 0; number < 4; number++)
        threads.emplace_back([number] {
            for (unsigned i = 0, count = static_cast<unsigned>(torture_times(200, 5000)); i < count; i++)
                go_down(1 + (i + number) % 40, 1 + (i * 7 + number) % (1 + (i + number) % 40));
        });
    for (std::thread &thread : threads)
        thread.join();
}

void exceptions() {
    run(throw_about);
}

// Everything ends while it is recorded by other threads; quick_exit runs no destructors.
void end_quickly(void *) {
    init();
    std::at_quick_exit([] { record("at_quick_exit"); });
    for (unsigned number = 0; number < 8; number++)
        std::thread([] {
            for (;;) {
                PERF_SPAN("work");
            }
        }).detach();
    std::thread([] {
        PERF_SPAN("leaves");
        usleep(20000);
        std::quick_exit(0);
    }).join();
}

void quick_exit_of_a_thread() {
    for (unsigned long i = 0; i < torture_times(5, 200); i++) {
        torture_fresh_folder();
        int status = torture_run(end_quickly, nullptr, 60);
        torture_check(status == 0, "status %x", static_cast<unsigned>(status));
        torture_trace trace = torture_read_intact("trace.ptrace", nullptr, nullptr);
        torture_check(trace.ended > 0, "nothing was recorded");
    }
}

} // namespace

int main(int argc, char **argv) {
    if (is_started()) {
        be_started();
        return 0;
    }
    shared = static_cast<told *>(torture_shared(sizeof *shared));
    static const struct torture_case cases[] = {
        {"before and after main", before_and_after_main},
        {"destructors of threads", thread_destructors},
        {"exceptions through spans", exceptions},
        {"quick_exit of a thread", quick_exit_of_a_thread},
    };
    return torture_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
