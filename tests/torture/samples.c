/* Small traces with all that the format has. */
#define PERF_TRACE 1
#define PERF_TARGET "sample"
#include "perftrace.h"

#include "samples.h"

#include "reading.h"
#include "torture.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PARAMETER = PERFTRACE_ROLE_PARAMETER, METRIC = PERFTRACE_ROLE_METRIC };
enum {
    OUTER = 1,
    INNER,
    COST,
    HAPPENED,
    ALIVE,
    FRAME,
    LOAD,
    LOADED,
    SENT,
    ARRIVED,
    TAKEN,
    GIVEN,
    DRAWN,
    HIT,
    BUSY
};
enum { MAIN = 1, WORKER, QUEUE, FIBER };

static void add_sites(struct made *made) {
    static const struct made_argument all[] = {
        {"i", PERFTRACE_TYPE_I64, PARAMETER},  {"u", PERFTRACE_TYPE_U64, PARAMETER},
        {"d", PERFTRACE_TYPE_F64, PARAMETER},  {"b", PERFTRACE_TYPE_BOOL, PARAMETER},
        {"t", PERFTRACE_TYPE_TEXT, PARAMETER}, {"p", PERFTRACE_TYPE_POINTER, PARAMETER}};
    static const struct made_argument cost[] = {{"rows", PERFTRACE_TYPE_U64, METRIC},
                                                {"plan", PERFTRACE_TYPE_TEXT, METRIC}};
    static const struct made_argument value[] = {{"value", PERFTRACE_TYPE_I64, PARAMETER}};
    made_site(made, OUTER, PERFTRACE_RECORD_BEGIN, 0, "outer", all, 6);
    made_site(made, INNER, PERFTRACE_RECORD_BEGIN, 0, "inner", NULL, 0);
    made_site(made, COST, PERFTRACE_RECORD_METRIC, 0, "cost", cost, 2);
    made_site(made, HAPPENED, PERFTRACE_RECORD_EVENT, 0, "happened", all, 6);
    made_site(made, ALIVE, PERFTRACE_RECORD_COUNTER, 0, "alive", value, 1);
    made_site(made, FRAME, PERFTRACE_RECORD_FRAME, 0, "frame", NULL, 0);
    made_site(made, LOAD, PERFTRACE_RECORD_ASYNC_BEGIN, 0, "load", value, 1);
    made_site(made, LOADED, PERFTRACE_RECORD_ASYNC_END, 0, "load", cost, 2);
    made_site(made, SENT, PERFTRACE_RECORD_FLOW, PERFTRACE_PHASE_BEGIN, "request", NULL, 0);
    made_site(made, ARRIVED, PERFTRACE_RECORD_FLOW, PERFTRACE_PHASE_END, "request", NULL, 0);
    made_site(made, TAKEN, PERFTRACE_RECORD_MEMORY, PERFTRACE_PHASE_BEGIN, "heap", NULL, 0);
    made_site(made, GIVEN, PERFTRACE_RECORD_MEMORY, PERFTRACE_PHASE_END, "heap", NULL, 0);
    made_site(made, DRAWN, PERFTRACE_RECORD_TRACK_SPAN, 0, "draw", value, 1);
    made_site(made, HIT, PERFTRACE_RECORD_TRACK_EVENT, 0, "hit", value, 1);
    made_site(made, BUSY, PERFTRACE_RECORD_TRACK_COUNTER, 0, "busy", value, 1);
}

static void add_tracks(struct made *made) {
    made_track(made, MAIN, PERFTRACE_TRACK_THREAD, "main");
    made_track(made, WORKER, PERFTRACE_TRACK_THREAD, "");
    made_track(made, QUEUE, PERFTRACE_TRACK_GPU, "queue");
    made_track(made, FIBER, PERFTRACE_TRACK_FIBER, "fiber \x80\xff");
}

/* What `add` adds, once or each block of it in two copies. */
static void add(struct made *made, void (*add_them)(struct made *), bool twice) {
    struct made blocks = {0};
    add_them(&blocks);
    for (size_t at = 0, bytes; at < blocks.length; at += bytes) {
        struct perftrace_block_header header;
        memcpy(&header, blocks.bytes + at, sizeof header);
        bytes = sizeof header + header.bytes;
        for (int copy = 0; copy <= twice; copy++)
            made_add(made, blocks.bytes + at, bytes);
    }
    made_free(&blocks);
}

static void add_process(struct made *made) {
    made_process(made, PERFTRACE_CLOCK_TSC);
}

static uint64_t word(enum perftrace_record_kind kind, uint32_t site, uint32_t ticks) {
    return made_word(kind, site, 0, ticks);
}

/* The records of `round` on the main thread. */
static void add_main_chunk(struct made *made, uint64_t round) {
    const uint64_t arguments[] = {(uint64_t)-5,          UINT64_MAX, made_double(-0.5), 1, 8,
                                  made_text("eight by"), 0xdeadbeef};
    uint64_t words[128];
    size_t count = 0;
#define PUT(...)                                                                                             \
    do {                                                                                                     \
        const uint64_t put[] = {__VA_ARGS__};                                                                \
        memcpy(words + count, put, sizeof put);                                                              \
        count += sizeof put / sizeof put[0];                                                                 \
    } while (0)
#define PUT_ARGUMENTS()                                                                                      \
    do {                                                                                                     \
        memcpy(words + count, arguments, sizeof arguments);                                                  \
        count += sizeof arguments / sizeof arguments[0];                                                     \
    } while (0)
    PUT(BEGIN(OUTER, 0, 10));
    PUT_ARGUMENTS();
    PUT(BEGIN(INNER, 1, 20), END(INNER, 1, 30), word(PERFTRACE_RECORD_EXTENDED, 2, 35), 1, 2);
    PUT(word(PERFTRACE_RECORD_EVENT, HAPPENED, 40));
    PUT_ARGUMENTS();
    PUT(word(PERFTRACE_RECORD_REBASE, 0, 0), 1000000 + round * 1000000 + 500);
    PUT(word(PERFTRACE_RECORD_COUNTER, ALIVE, 50), round, word(PERFTRACE_RECORD_FRAME, FRAME, 60));
    PUT(word(PERFTRACE_RECORD_ASYNC_BEGIN, LOAD, 70), 100 + round, round);
    PUT(word(PERFTRACE_RECORD_FLOW, SENT, 80), 7 + round, word(PERFTRACE_RECORD_MEMORY, TAKEN, 90),
        0x1000 + round, 64);
    PUT(word(PERFTRACE_RECORD_TRACK_SPAN, DRAWN, 100), QUEUE, 5000000 + round * 500000,
        5000100 + round * 500000, round);
    PUT(word(PERFTRACE_RECORD_TRACK_EVENT, HIT, 110), FIBER, 5000050 + round * 500000, round);
    PUT(word(PERFTRACE_RECORD_TRACK_COUNTER, BUSY, 120), QUEUE, 5000060 + round * 500000, round);
    PUT(word(PERFTRACE_RECORD_METRIC, COST, 130), round, 4 | PERFTRACE_TEXT_CUT, made_text("scan"));
    PUT(END(OUTER, 0, 140), BEGIN(INNER, 0, 150), BEGIN(INNER, 1, 160), END(INNER, 0, 170));
    made_chunk(made, MAIN, round, 0, 1000000 + round * 1000000, words, count);
#undef PUT
#undef PUT_ARGUMENTS
}

static void add_worker_chunk(struct made *made, uint64_t round) {
    const uint64_t words[] = {word(PERFTRACE_RECORD_ASYNC_END, LOADED, 675),
                              100 + round,
                              round,
                              PERFTRACE_TEXT_NULL,
                              word(PERFTRACE_RECORD_FLOW, ARRIVED, 685),
                              7 + round,
                              word(PERFTRACE_RECORD_MEMORY, GIVEN, 695),
                              0x1000 + round,
                              0,
                              BEGIN(INNER, 0, 705),
                              END(INNER, 0, 715)};
    made_lossy_chunk(made, WORKER, round, 1000000 + round * 1000000, WORDS(words));
}

struct made sample_of_all(bool twice) {
    struct made made = {0};
    const struct perftrace_block_loss loss = {.lost = {[PERFTRACE_LOSS_NO_RING] = 3}};
    const struct perftrace_block_module module = {
        .base_address = 0x400000, .build_id_bytes = 20, .path_bytes = 5};
    made_header(&made, 0xab);
    add(&made, add_process, twice);
    made_clock(&made, 1000000, 5000000);
    made_block(&made, PERFTRACE_BLOCK_MODULE, &module, sizeof module);
    made_clock(&made, 1100000, 5050000);
    add(&made, add_sites, twice);
    add(&made, add_tracks, twice);
    for (uint64_t round = 0; round < 4; round++) {
        add_main_chunk(&made, round);
        add_worker_chunk(&made, round);
        made_clock(&made, 2200000 + round * 1000000, 5600000 + round * 500000);
        made_sync(&made, 1900000 + round * 1000000);
    }
    made_block(&made, 999, "from the future", 16);
    made_block(&made, PERFTRACE_BLOCK_LOSS, &loss, sizeof loss);
    made_sync(&made, UINT64_MAX);
    made_end(&made, 4 * (17 + 5));
    return made;
}

/* ---- recorded ---- */

static void *record_on_thread(void *argument) {
    perftrace_thread_name("worker");
    for (int i = 0; i < 3; i++) {
        PERF_SPAN("on thread", "i", i, "text", "worker's");
        PERF_EVENT("inside", "i", i);
    }
    return argument;
}

static void record_all(void) {
    pthread_t thread;
    uint32_t queue = perftrace_track_create(PERFTRACE_TRACK_KIND_GPU, "queue");
    perftrace_process_name("sample");
    pthread_create(&thread, NULL, record_on_thread, NULL);
    for (int i = 0; i < 3; i++) {
        PERF_SPAN("work", "i", i, "d", 0.5 * i, "text", "a text of some length", "on", i > 0);
        PERF_EVENT("began", "pointer", (const void *)&thread);
        PERF_COUNTER("alive", i);
        PERF_ASYNC_BEGIN("load", i, "file", "name");
        PERF_FLOW_BEGIN("request", i);
        PERF_ALLOC("heap", &thread, 64);
        PERF_TRACK_SPAN(queue, "draw", perftrace_now_ns(), perftrace_now_ns() + 100, "n", i);
        PERF_METRIC("rows", i);
        PERF_FREE("heap", &thread);
        PERF_FLOW_END("request", i);
        PERF_ASYNC_END("load", i, "bytes", 100);
        PERF_FRAME();
    }
    pthread_join(thread, NULL);
}

static void begin_to_record(const char *path) {
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.chrome_output = false;
    config.trace_path = path;
    config.flush_ms = 60000; /* only when asked to */
    if (perftrace_init(&config) != 0)
        exit(90);
}

static void record_and_end(void *argument) {
    begin_to_record(argument);
    record_all();
}

struct made sample_recorded(void) {
    static char path[] = "recorded.ptrace";
    int status = torture_run(record_and_end, path, 30);
    torture_check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
    return read_bytes(path);
}

/* ---- killed ---- */

static pthread_barrier_t flushed, done;

static void *record_and_wait(void *argument) {
    for (int i = 0; i < 4; i++) {
        PERF_SPAN("on thread", "i", i);
        PERF_COUNTER("of thread", i);
    }
    pthread_barrier_wait(&flushed); /* until what came before is in the trace … */
    pthread_barrier_wait(&flushed);
    for (int i = 0; i < 4; i++) {
        PERF_SPAN("later on thread", "i", i, "text", "worker's");
        PERF_COUNTER("later of thread", i);
    }
    pthread_barrier_wait(&done);
    pause();
    return argument;
}

static void record_and_die(void *argument) {
    pthread_t thread;
    pthread_barrier_init(&flushed, NULL, 2);
    pthread_barrier_init(&done, NULL, 2);
    begin_to_record(argument);
    pthread_create(&thread, NULL, record_and_wait, NULL);
    for (int i = 0; i < 4; i++) {
        PERF_SPAN("work", "i", i);
        PERF_EVENT("began", "text", "some text");
    }
    pthread_barrier_wait(&flushed);
    perftrace_flush();
    nanosleep(&(struct timespec){0, 50000000}, NULL); /* the drainer has gone to sleep for long */
    pthread_barrier_wait(&flushed);
    PERF_SPAN("open to the end", "i", 1);
    for (int i = 0; i < 4; i++) {
        PERF_SPAN("later work", "i", i, "text", "main's");
        PERF_EVENT("later began", "text", "another text");
        PERF_METRIC("rows", i);
    }
    pthread_barrier_wait(&done);
    raise(SIGKILL);
}

/* Without what lies behind its segments: the file is longer than what there is. */
static struct made read_ring(const char *path) {
    struct perftrace_ring_file header = {0};
    FILE *file = fopen(path, "rb");
    if (file != NULL) {
        torture_check(fread(&header, sizeof header, 1, file) == 1, "%s", path);
        fclose(file);
    }
    off_t bytes = (off_t)(header.segments_offset + header.segment_count * PERFTRACE_SEGMENT_BYTES);
    torture_check(truncate(path, bytes) == 0, "%s", path);
    return read_bytes(path);
}

struct made sample_killed(struct made *ring) {
    static char path[] = "killed.ptrace";
    struct sample_part parts[64];
    int status = torture_run(record_and_die, path, 30);
    torture_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status %x", (unsigned)status);
    struct made trace = read_bytes(path), named = {0};
    char left[PATH_MAX], *folder = getcwd(NULL, 0);
    snprintf(left, sizeof left, "%s/left.ring", folder);
    free(folder);
    size_t count = sample_parts(&trace, parts, 64);
    for (size_t i = 0; i < count; i++) {
        const unsigned char *at = trace.bytes + parts[i].begin;
        const size_t head = sizeof(struct perftrace_block_header) + sizeof(struct perftrace_block_ring);
        if (parts[i].kind != PERFTRACE_BLOCK_RING) {
            made_add(&named, at, parts[i].end - parts[i].begin);
            continue;
        }
        char old[PATH_MAX];
        snprintf(old, sizeof old, "%.*s", (int)(parts[i].end - parts[i].begin - head), at + head);
        if (ring->length == 0)
            *ring = read_ring(old);
        unlink(old);
        made_ring(&named, left);
    }
    made_free(&trace);
    write_bytes("left.ring", ring->bytes, ring->length);
    return named;
}

/* ---- logs, and where things lie ---- */

struct made sample_log(void) {
    static const char text[] =
        "starting up\n"
        "PERF_TRACE|2|query|caller=load|part_id=root|n=-7|ratio=0.25|elapsed_ms=14|rows=1|elapsed_us=14210|"
        "parent_call=1|thread=1\n"
        "[12:00:01 INFO] PERF_TRACE|1|load|caller=unknown|path=a\\x7cb\\x0a|elapsed_ms=20|found=1|"
        "elapsed_us=20500|parent_call=0|thread=1\r\n"
        "some other output without an end \x80\xff\n"
        "PERF_TRACE|3|query|caller=load|part_id=leaf|n=18446744073709551615|ratio=1.5e+20|elapsed_ms=0|rows="
        "0\n"
        "PERF_TRACE|4|exists|elapsed_ms=3";
    struct made log = {0};
    made_add(&log, text, sizeof text - 1);
    return log;
}

size_t sample_parts(const struct made *trace, struct sample_part *parts, size_t most) {
    struct perftrace_file_header file;
    memcpy(&file, trace->bytes, sizeof file);
    size_t count = 0;
    parts[count++] = (struct sample_part){0, file.header_bytes, 0};
    for (size_t at = file.header_bytes; at < trace->length && count < most; count++) {
        struct perftrace_block_header header;
        memcpy(&header, trace->bytes + at, sizeof header);
        parts[count] = (struct sample_part){at, at + sizeof header + header.bytes, header.kind};
        at = parts[count].end;
    }
    return count;
}
