// The program's main part in C++: what the C one does, with what only C++ has.
#define PERF_TARGET "user_main"
#include <perftrace.h>

#include <cstdio>
#include <memory>
#include <string>

#include "work.h"

static std::unique_ptr<int> boxed(int value) {
    return std::make_unique<int>(value);
}

int main() {
    if (perftrace_init_default() != 0)
        return 1;
    int done = 0;
    const std::string name = "a string of C++";
    for (int frame = 0; frame < 3; frame++) {
        PERF_SPAN("user_frame", "frame", frame, "name", name);
        std::unique_ptr<int> box = PERF_TIME("user_work", boxed(work(10)));
        done += *box;
        int &same = PERF_TIME("user_reference", *box);
        same = 0;
        PERF_METRIC("done", done);
        PERF_FRAME();
    }
    PERF_EVENT("user_done", "rounds", done);
    perftrace_shutdown();
    std::printf("%d\n", done);
    return done == 30 ? 0 : 1;
}
