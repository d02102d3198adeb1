/* Folding what killed programs left in their rings into their traces: real recordings, and each way to fail. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define PERF_TRACE 1
#define PERF_TARGET "fold_test"
#include "perftrace.h"
#include "format/format.h"
#include "recorded.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- programs that die ---- */

static void *record_some(void *spans) {
    for (long i = 0; i < *(const long *)spans; i++) {
        PERF_SPAN("step", "i", i);
    }
    return NULL;
}

static void *work(void *spans) {
    perftrace_thread_name("worker");
    return record_some(spans);
}

static void in_threads(long spans) {
    pthread_t ids[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&ids[i], NULL, work, &spans);
    for (int i = 0; i < 3; i++)
        pthread_join(ids[i], NULL);
}

/* With little room where a test puts the rings back again and again: they are copied whole. */
static void start(bool flight, uint32_t buffer_bytes) {
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.chrome_output = false;
    config.flush_ms = 3600000; /* the trace gets what is flushed, and full segments */
    config.process_buffer_bytes = buffer_bytes;
    if (flight)
        config.when_full = PERFTRACE_FULL_OVERWRITE;
    if (perftrace_init(&config) != 0)
        _exit(98);
}

/* The first part of the main thread's segment is in the trace, the rest only in the ring. */
static void killed(void *spans) {
    start(false, 1 << 20);
    PERF_SPAN("outer", "who", "me");
    in_threads(*(long *)spans);
    PERF_EVENT("before");
    perftrace_flush();
    PERF_EVENT("after", "text", "kept");
    perftrace_thread_name("renamed");
    record_some(spans);
    {
        PERF_SPAN_DYNAMIC("still open");
        kill(getpid(), SIGKILL);
    }
}

static void *kill_soon(void *argument) {
    usleep(2000);
    kill(getpid(), SIGKILL);
    return argument;
}

/* Threads are killed at work, and the drainer too. */
static void killed_at_work(void *argument) {
    (void)argument;
    pthread_t killer;
    start(false, 0);
    pthread_create(&killer, NULL, kill_soon, NULL);
    in_threads(100000000);
}

static void flies(void *argument) {
    (void)argument;
    start(true, 1 << 20);
    in_threads(100000);
    PERF_SPAN("landing");
    kill(getpid(), SIGKILL);
}

static void ends(void *argument) {
    (void)argument;
    start(false, 0);
    PERF_EVENT("all");
}

/* ---- files ---- */

struct file {
    char *bytes;
    size_t length;
};

static const char *in_folder(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", scenario_folder(), name);
    return path;
}

static struct file load(const char *path) {
    struct stat status;
    struct file file = {0};
    FILE *from = fopen(path, "rb");
    if (from == NULL || fstat(fileno(from), &status) != 0)
        fail_msg("%s: %s", path, strerror(errno));
    file.length = (size_t)status.st_size;
    file.bytes = malloc(file.length + 1);
    assert_non_null(file.bytes);
    assert_int_equal(fread(file.bytes, 1, file.length, from), file.length);
    fclose(from);
    return file;
}

static void store(const char *path, const struct file *file, size_t length) {
    FILE *to = fopen(path, "wb");
    assert_non_null(to);
    assert_int_equal(fwrite(file->bytes, 1, length, to), length);
    assert_int_equal(fclose(to), 0);
}

static void assert_same_file(const char *path, const struct file *expected) {
    struct file now = load(path);
    assert_int_equal(now.length, expected->length);
    assert_memory_equal(now.bytes, expected->bytes, now.length);
    free(now.bytes);
}

/* The kind of the block at `at`, and the way to the next; 0 at the end. */
static uint16_t next_block(const struct file *trace, size_t *at, struct perftrace_block_header *header) {
    if (trace->length - *at < sizeof *header)
        return 0;
    memcpy(header, trace->bytes + *at, sizeof *header);
    *at += sizeof *header + header->bytes;
    assert_true(*at <= trace->length);
    return header->kind;
}

/* The killed program, its trace and its rings, as they were before anything was folded. */
struct remains {
    char trace_path[512], ring_path[512];
    struct file trace, ring;
    struct recorded items;
};

static void find_ring(struct remains *remains) {
    struct perftrace_block_header header;
    struct perftrace_block_ring ring;
    size_t at = sizeof(struct perftrace_file_header), from = at;
    while (next_block(&remains->trace, &at, &header) != PERFTRACE_BLOCK_RING) {
        assert_true(at > from);
        from = at;
    }
    memcpy(&ring, remains->trace.bytes + from + sizeof header, sizeof ring);
    snprintf(remains->ring_path, sizeof remains->ring_path, "%.*s", ring.path_bytes,
             remains->trace.bytes + from + sizeof header + sizeof ring);
}

static struct remains remains_of(void (*scenario)(void *), long spans) {
    struct remains remains = {0};
    int status = run_scenario(scenario, &spans);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    snprintf(remains.trace_path, sizeof remains.trace_path, "%s", in_folder("trace.ptrace"));
    remains.trace = load(remains.trace_path);
    find_ring(&remains);
    remains.ring = load(remains.ring_path);
    remains.items = read_recorded(NULL);
    return remains;
}

static void put_back(const struct remains *remains) {
    store(remains->trace_path, &remains->trace, remains->trace.length);
    store(remains->ring_path, &remains->ring, remains->ring.length);
}

static void bury(struct remains *remains) {
    unlink(remains->ring_path);
    free(remains->trace.bytes);
    free(remains->ring.bytes);
    free_recorded(&remains->items);
}

static void assert_reads_the_same(const struct remains *remains) {
    struct recorded now = read_recorded(NULL); /* fails on damage, and where the rings are missed */
    assert_int_equal(now.count, remains->items.count);
    for (size_t i = 0; i < now.count; i++)
        assert_memory_equal(&now.items[i], &remains->items.items[i], sizeof now.items[i]);
    assert_int_equal(now.info.records, remains->items.info.records);
    assert_memory_equal(now.info.lost, remains->items.info.lost, sizeof now.info.lost);
    assert_true(!now.info.finished && !now.info.live && !now.info.damaged);
    free_recorded(&now);
}

/* Folds, where that can't be done: nothing changes. */
static void assert_fails(const struct remains *remains, enum perftrace_error code) {
    struct file before = load(remains->trace_path), ring = load(remains->ring_path);
    struct perftrace_error_info error;
    assert_int_equal(perftrace_reader_fold(remains->trace_path, &error), -(int)code);
    assert_int_equal(error.code, code);
    assert_true(strlen(error.message) > 10);
    assert_int_equal(perftrace_reader_fold(remains->trace_path, NULL), -(int)code);
    assert_same_file(remains->trace_path, &before);
    assert_same_file(remains->ring_path, &ring);
    free(before.bytes);
    free(ring.bytes);
}

static int fold(const struct remains *remains) {
    struct perftrace_error_info error;
    int result = perftrace_reader_fold(remains->trace_path, &error);
    if (result < 0)
        fail_msg("%s", error.message);
    return result;
}

static bool is_there(const char *path) {
    return access(path, F_OK) == 0;
}

/* ---- what is folded ---- */

static void fold_and_compare(void (*scenario)(void *), long spans) {
    struct remains remains = remains_of(scenario, spans);
    assert_int_equal(fold(&remains), 1);
    assert_false(is_there(remains.ring_path));
    assert_reads_the_same(&remains);
    struct file folded = load(remains.trace_path);
    assert_int_equal(fold(&remains), 0);
    assert_same_file(remains.trace_path, &folded);
    free(folded.bytes);
    bury(&remains);
}

static void test_killed(void **state) {
    (void)state;
    fold_and_compare(killed, 1000);
    fold_and_compare(killed, 0);
    fold_and_compare(killed_at_work, 0);
}

static void test_flight_recorder(void **state) {
    (void)state;
    fold_and_compare(flies, 0);
}

/* What the trace had is not written again: of sites and tracks, only those that are new. */
static void test_nothing_twice(void **state) {
    (void)state;
#ifdef PERFTRACE_EMULATED /* it is so slow there that the trace is told of what should be new */
    skip();
#endif
    struct remains remains = remains_of(killed, 10);
    unsigned sites = 0;
    struct perftrace_block_header header;
    assert_int_equal(fold(&remains), 1);
    struct file folded = load(remains.trace_path);
    assert_memory_equal(folded.bytes, remains.trace.bytes, remains.trace.length);
    for (size_t at = remains.trace.length; next_block(&folded, &at, &header) != 0;)
        sites += header.kind == PERFTRACE_BLOCK_SITE;
    assert_int_equal(sites, 2 * 2); /* "after" and "still open", each in two copies */
    free(folded.bytes);
    bury(&remains);
}

/* Killed or out of power at any moment while folding: the ring is still there, and part of it in the trace. */
static void test_interrupted(void **state) {
    (void)state;
    struct remains remains = remains_of(killed, 5);
    assert_int_equal(fold(&remains), 1);
    struct file folded = load(remains.trace_path);
    unsigned cuts = 0;
    for (size_t length = remains.trace.length; length < folded.length; length += 24, cuts++) {
        put_back(&remains);
        store(remains.trace_path, &folded, length);
        assert_reads_the_same(&remains);
        assert_int_equal(fold(&remains), 1);
        assert_false(is_there(remains.ring_path));
        assert_reads_the_same(&remains);
    }
    assert_true(cuts > 10);
    /* All is there but for the removal. */
    put_back(&remains);
    store(remains.trace_path, &folded, folded.length);
    assert_reads_the_same(&remains);
    assert_int_equal(fold(&remains), 0);
    assert_false(is_there(remains.ring_path));
    assert_same_file(remains.trace_path, &folded);
    free(folded.bytes);
    bury(&remains);
}

/* The recorder died while it wrote a block. */
static void test_torn_block(void **state) {
    (void)state;
    struct remains remains = remains_of(killed, 5);
    struct perftrace_block_header header = {
        .kind = PERFTRACE_BLOCK_CHUNK, .bytes = 4096, .marker = PERFTRACE_BLOCK_MARKER};
    for (size_t torn = 1; torn < 200; torn += 13) {
        struct file longer = {malloc(remains.trace.length + torn), remains.trace.length + torn};
        assert_non_null(longer.bytes);
        memcpy(longer.bytes, remains.trace.bytes, remains.trace.length);
        memset(longer.bytes + remains.trace.length, 1, torn);
        memcpy(longer.bytes + remains.trace.length, &header, torn < sizeof header ? torn : sizeof header);
        put_back(&remains);
        store(remains.trace_path, &longer, longer.length);
        assert_int_equal(fold(&remains), 1);
        assert_reads_the_same(&remains);
        free(longer.bytes);
    }
    bury(&remains);
}

/* A reader that was there before goes on in the file, whose rings it no longer finds. */
static void test_while_reading(void **state) {
    (void)state;
    struct remains remains = remains_of(killed, 10);
    struct perftrace_reader *reader = perftrace_reader_open(remains.trace_path, NULL, NULL);
    assert_non_null(reader);
    assert_int_equal(fold(&remains), 1);
    size_t items = 0;
    while (perftrace_reader_next(reader) != NULL)
        items++;
    assert_int_equal(items, remains.items.count);
    perftrace_reader_close(reader);
    bury(&remains);
}

/* ---- what is left alone ---- */

static void test_nothing_to_do(void **state) {
    (void)state;
    assert_int_equal(run_scenario(ends, NULL), 0);
    struct file trace = load(in_folder("trace.ptrace")), log = {"no trace\n", 9};
    assert_int_equal(perftrace_reader_fold(in_folder("trace.ptrace"), NULL), 0);
    assert_same_file(in_folder("trace.ptrace"), &trace);
    free(trace.bytes);
    store(in_folder("log"), &log, log.length);
    assert_int_equal(perftrace_reader_fold(in_folder("log"), NULL), 0);
    store(in_folder("log"), &log, 0);
    assert_int_equal(perftrace_reader_fold(in_folder("log"), NULL), 0);
    assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
    assert_int_equal(perftrace_reader_fold(in_folder("pipe"), NULL), 0);
    assert_int_equal(perftrace_reader_fold(scenario_folder(), NULL), 0);
    assert_int_equal(perftrace_reader_fold("-", NULL), 0);
    assert_int_equal(perftrace_reader_fold(NULL, NULL), -PERFTRACE_ERROR_ARGUMENT);
    assert_int_equal(perftrace_reader_fold(in_folder("missing"), NULL), -PERFTRACE_ERROR_SYSTEM);
}

/* The trace's program lives: one that holds its trace, and one whose lock can't be seen. */
static void lives(void *argument) {
    (void)argument;
    int ready[2];
    char byte;
    if (pipe(ready) != 0)
        _exit(90);
    pid_t recorder = fork();
    if (recorder == 0) {
        start(false, 0);
        PERF_EVENT("here");
        perftrace_flush();
        PERF_EVENT("and there");
        if (write(ready[1], "x", 1) == 1)
            pause();
        _exit(0);
    }
    if (read(ready[0], &byte, 1) != 1)
        _exit(91);
    int held = perftrace_reader_fold("trace.ptrace", NULL);
    struct file trace = load("trace.ptrace");
    store("copy.ptrace", &trace, trace.length);
    int unlocked = perftrace_reader_fold("copy.ptrace", NULL);
    kill(recorder, SIGKILL);
    waitpid(recorder, NULL, 0);
    _exit(held == 0 && unlocked == 0 ? 0 : 92);
}

static void test_alive(void **state) {
    (void)state;
#ifdef PERFTRACE_EMULATED /* qemu makes up /proc/self/stat, by which a recorder is known */
    skip();
#endif
    assert_int_equal(run_scenario(lives, NULL), 0);
    struct recorded before = read_recorded(NULL);
    assert_non_null(find_item(&before, PERFTRACE_ITEM_EVENT, "and there", 0));
    assert_int_equal(perftrace_reader_fold(in_folder("trace.ptrace"), NULL), 1);
    struct recorded after = read_recorded(NULL);
    assert_int_equal(after.count, before.count);
    free_recorded(&before);
    free_recorded(&after);
}

static void test_rings_of_others(void **state) {
    (void)state;
    struct remains remains = remains_of(killed, 5);
    struct perftrace_ring_file *ring = (struct perftrace_ring_file *)(void *)remains.ring.bytes;
    ring->uuid[3] ^= 0xff;
    put_back(&remains);
    assert_int_equal(fold(&remains), 0);
    assert_true(is_there(remains.ring_path));
    assert_same_file(remains.trace_path, &remains.trace);
    ring->uuid[3] ^= 0xff;
    if (geteuid() == 0) {
        put_back(&remains);
        assert_int_equal(chown(remains.ring_path, 65534, 65534), 0);
        assert_int_equal(fold(&remains), 0);
        assert_true(is_there(remains.ring_path));
    }
    bury(&remains);
}

/* ---- what can't be folded ---- */

static void test_no_room(void **state) {
    (void)state;
    struct remains remains = remains_of(killed, 300);
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    /* How much the drainer left to be folded is a matter of luck; a SYNC block it is at least. */
    for (size_t room = 0; room < sizeof(struct perftrace_block_header) + sizeof(struct perftrace_block_sync);
         room += 8) {
        limit = before;
        limit.rlim_cur = remains.trace.length + room;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        int result = perftrace_reader_fold(remains.trace_path, NULL);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(result, -PERFTRACE_ERROR_SYSTEM);
        assert_same_file(remains.trace_path, &remains.trace);
        assert_same_file(remains.ring_path, &remains.ring);
        assert_reads_the_same(&remains);
    }
    assert_int_equal(fold(&remains), 1);
    assert_reads_the_same(&remains);
    bury(&remains);
}

/* Root may write anything: so another user tries. */
static void folds_as_another(void *argument) {
    const struct remains *remains = argument;
    if (geteuid() == 0 && (chown(remains->ring_path, 65534, 65534) != 0 || setuid(65534) != 0))
        _exit(77);
    _exit(perftrace_reader_fold("read-only", NULL) == -PERFTRACE_ERROR_SYSTEM ? 0 : 96);
}

static void test_read_only(void **state) {
    (void)state;
    struct remains remains = remains_of(killed, 5);
    pid_t child = fork();
    if (child == 0) {
        if (chdir(scenario_folder()) != 0 || chmod(".", 0755) != 0 ||
            rename("trace.ptrace", "read-only") != 0 ||
            (geteuid() == 0 && chown("read-only", 65534, 65534) != 0) || chmod("read-only", 0400) != 0)
            _exit(95);
        folds_as_another(&remains);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(is_there(remains.ring_path));
    assert_same_file(in_folder("read-only"), &remains.trace);
    bury(&remains);
}

/* A link may lead anywhere: it is read, but nothing is written to where it leads. */
static void test_link(void **state) {
    (void)state;
    struct remains remains = remains_of(killed, 5);
    assert_int_equal(symlink("trace.ptrace", in_folder("link")), 0);
    assert_int_equal(perftrace_reader_fold(in_folder("link"), NULL), -PERFTRACE_ERROR_SYSTEM);
    assert_same_file(remains.trace_path, &remains.trace);
    assert_true(is_there(remains.ring_path));
    bury(&remains);
}

/* What makes no sense is not taken away: neither from the rings nor from the trace. */
static void test_damaged(void **state) {
    (void)state;
    struct remains remains = remains_of(killed, 5);
    const struct perftrace_ring_file *ring = (const void *)remains.ring.bytes;
    char *segment = remains.ring.bytes + ring->segments_offset;
    while (((const struct perftrace_segment *)(void *)segment)->state != PERFTRACE_SEGMENT_ACTIVE)
        segment += PERFTRACE_SEGMENT_BYTES;
    uint64_t *word = (uint64_t *)(void *)(segment + PERFTRACE_SEGMENT_BYTES);
    while (word[-1] == 0)
        word--;
    *word = UINT64_C(0xfffff) << PERFTRACE_SITE_SHIFT | PERFTRACE_RECORD_EVENT << PERFTRACE_KIND_SHIFT;
    put_back(&remains);
    assert_fails(&remains, PERFTRACE_ERROR_FORMAT);
    *word = 0;
    remains.trace.bytes[sizeof(struct perftrace_file_header) + 700] ^= 1;
    put_back(&remains);
    assert_fails(&remains, PERFTRACE_ERROR_FORMAT);
    bury(&remains);
}

/* ---- a new trace in the place of one that nobody read ---- */

static void test_replaced(void **state) {
    (void)state;
    struct remains remains = remains_of(killed, 5);
    pid_t second = fork();
    if (second == 0) {
        if (chdir(scenario_folder()) != 0)
            _exit(95);
        ends(NULL);
        exit(0);
    }
    int status;
    assert_int_equal(waitpid(second, &status, 0), second);
    assert_int_equal(status, 0);
    assert_false(is_there(remains.ring_path));
    struct recorded trace = read_recorded(NULL);
    assert_int_equal(count_items(&trace, PERFTRACE_ITEM_EVENT, NULL), 1);
    assert_true(trace.info.finished);
    free_recorded(&trace);
    bury(&remains);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed),          cmocka_unit_test(test_flight_recorder),
        cmocka_unit_test(test_nothing_twice),   cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_torn_block),      cmocka_unit_test(test_while_reading),
        cmocka_unit_test(test_nothing_to_do),   cmocka_unit_test(test_alive),
        cmocka_unit_test(test_rings_of_others), cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_read_only),       cmocka_unit_test(test_link),
        cmocka_unit_test(test_damaged),         cmocka_unit_test(test_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
