/* Writes a file of Chrome's trace events as a browser does, the same one each time, and prints how many calls it holds.
 *
 *     make_chrome_json [-n MEGABYTES] -o FILE
 *
 * Four threads do tasks. Each writes what it did in pieces of its own, so that the file is in order on each thread only: complete events,
 * the outer ones first, with args of several kinds, and among them begins and ends, instants, counters, async spans and flows. */
#include "options.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 4, TASKS_OF_A_PIECE = 40, MEGABYTE = 1000000 };

static FILE *file;
static uint64_t written, calls, state = 1, ids;

static uint64_t any(uint64_t below) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (state >> 33) % below;
}

/* What all events have; the caller adds the rest. */
static void event(const char *name, const char *category, char phase, unsigned thread, uint64_t us) {
    int length = fprintf(
        file, "%s{\"pid\":4711,\"tid\":%u,\"ts\":%" PRIu64 ",\"ph\":\"%c\",\"cat\":\"%s\",\"name\":\"%s\"",
        written > 0 ? ",\n" : "", 4711 + thread, us, phase, category, name);
    written += length > 0 ? (uint64_t)length : 0;
}

#define MORE(...) (written += (uint64_t)fprintf(file, __VA_ARGS__))

static void complete(const char *name, const char *category, unsigned thread, uint64_t us, uint64_t long_us) {
    event(name, category, 'X', thread, us);
    MORE(",\"dur\":%" PRIu64 ",\"tdur\":%" PRIu64 ",\"tts\":%" PRIu64, long_us, long_us, us / 2);
    calls++;
}

static void function_call(unsigned thread, uint64_t us, uint64_t long_us, unsigned depth) {
    uint64_t function = any(60);
    complete("FunctionCall", "devtools.timeline", thread, us, long_us);
    MORE(",\"args\":{\"data\":{\"columnNumber\":%" PRIu64 ",\"frame\":\"8A%02" PRIX64
         "\",\"functionName\":\"on_%" PRIu64 "\",\"lineNumber\":%" PRIu64
         ",\"url\":\"https://example.com/app/module%" PRIu64 ".js\"}}}",
         function % 7, function % 4, function, function * 13, function % 12);
    uint64_t rest_us = long_us > 4 ? long_us - 2 : 0, at_us = us + 1;
    while (depth < 4 && rest_us > 8) {
        uint64_t part_us = 4 + any(rest_us / 2);
        if (any(3) == 0) {
            event("UpdateLayoutTree", "blink,devtools.timeline", 'B', thread, at_us);
            MORE(",\"args\":{\"elementCount\":%" PRIu64 "}}", any(30));
            event("UpdateLayoutTree", "blink,devtools.timeline", 'E', thread, at_us + part_us);
            MORE(",\"args\":{\"dirty\":%s}}", any(2) != 0 ? "true" : "false");
            calls++;
        } else if (any(4) == 0) {
            complete("V8.GCScavenger", "v8", thread, at_us, part_us);
            MORE(",\"args\":{\"usedHeapSizeAfter\":%" PRIu64 "}}", 1000000 + any(50) * 4096);
        } else {
            function_call(thread, at_us, part_us, depth + 1);
        }
        at_us += part_us + 1;
        rest_us -= part_us + 1 < rest_us ? part_us + 1 : rest_us;
    }
}

static uint64_t task(unsigned thread, uint64_t us) {
    static const char *const names[] = {"TimerFire", "EventDispatch", "XHRReadyStateChange",
                                        "FireAnimationFrame"};
    uint64_t long_us = 20 + any(300);
    complete("ThreadControllerImpl::RunTask", "toplevel", thread, us, long_us);
    MORE(",\"args\":{\"src_file\":\"task_%" PRIu64 ".cc\",\"src_func\":\"Run\"}}", any(40));
    complete(names[any(4)], "devtools.timeline", thread, us + 1, long_us - 2);
    MORE(",\"args\":{}}");
    function_call(thread, us + 2, long_us - 4, 0);
    if (any(4) == 0) {
        event("UpdateCounters", "devtools.timeline", 'C', thread, us + 3);
        MORE(",\"args\":{\"jsHeapSizeUsed\":%" PRIu64 ",\"nodes\":%" PRIu64 "}}", any(1u << 24), any(5000));
    }
    if (any(3) == 0) {
        event("ResourceReceivedData", "devtools.timeline", 'I', thread, us + 4);
        MORE(",\"s\":\"t\",\"args\":{\"data\":{\"encodedDataLength\":%" PRIu64 "}}}", any(65536));
    }
    if (any(5) == 0) {
        event("WebSocket", "net", 'b', thread, us + 5);
        MORE(",\"id\":\"0x%" PRIx64 "\",\"args\":{}}", ++ids);
        event("WebSocket", "net", 'e', thread, us + long_us);
        MORE(",\"id\":\"0x%" PRIx64 "\",\"args\":{}}", ids);
        calls++;
    }
    if (any(6) == 0) {
        event("PostTask", "flow", 's', thread, us + 6);
        MORE(",\"id\":%" PRIu64 "}", ++ids);
    }
    return us + long_us + any(50);
}

int main(int argc, char **argv) {
    struct options options = {.length = 256};
    options_parse(&options, argc, argv);
    file = options.trace != NULL ? fopen(options.trace, "w") : NULL;
    if (file == NULL) {
        fprintf(stderr, "make_chrome_json: no -o FILE that can be written\n");
        return 2;
    }
    fputs("{\"traceEvents\":[\n", file);
    uint64_t now_us[THREADS];
    for (unsigned thread = 0; thread < THREADS; thread++)
        now_us[thread] = 1000000 + thread * 7;
    while (written < options.length * MEGABYTE) {
        unsigned thread = 0; /* the one that is behind */
        for (unsigned other = 1; other < THREADS; other++)
            thread = now_us[other] < now_us[thread] ? other : thread;
        for (unsigned i = 0; i < TASKS_OF_A_PIECE; i++)
            now_us[thread] = task(thread, now_us[thread]);
    }
    for (unsigned thread = 0; thread < THREADS; thread++) {
        event("thread_name", "__metadata", 'M', thread, 0);
        MORE(",\"args\":{\"name\":\"Thread%u\"}}", thread);
    }
    fputs("],\n\"metadata\":{\"product-version\":\"none\",\"cpu\":[1,2,3]}}\n", file);
    bool fine = !ferror(file);
    fine = fclose(file) == 0 && fine;
    printf("%" PRIu64 "\n", calls);
    return fine ? 0 : 2;
}
