/* Programs killed at each instruction of what records: every record published before is read back, and none is torn. */
#define PERF_TARGET "step"
#include "../../runtime/runtime.h" /* defines PERF_TRACE; the cold path is led where it is wanted */
#include "../../core/text.h"
#include "../unit/json_check.h"
#include "perftrace_reader.h"
#include "killed.h"
#include "steps.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ITEMS_MAX = 64, TEXT_MAX = 1024 };

static struct told {
    uint32_t published; /* records since the marker */
    uint32_t filling;   /* before it, how many depends on chance */
    int ready, go;
} * told;

static void tell(void) {
    __atomic_store_n(&told->published, told->published + 1, __ATOMIC_SEQ_CST);
}

/* ---- what is recorded ----------------------------------------------------------------------------- */

static char long_text[400];
static uint32_t track;
static uint64_t placed_ns;

/* A record of each kind and shape, inline as long as there is room. */
static void record(void) {
    PERF_SPAN("outer", "number", 7, "text", "sixteen bytes of", "half", 0.5);
    tell();
    PERF_EVENT("event", "number", -1, "flag", (bool)true, "text", "eleven byte", "pointer", (void *)64);
    tell();
    {
        PERF_SPAN("inner");
        tell();
        PERF_METRIC("count", 3u, "text", "");
        tell();
    }
    tell();
    PERF_COUNTER("counter", 9);
    tell();
    PERF_FRAME();
    tell();
    PERF_FLOW_BEGIN("flow", 5);
    tell();
    PERF_ALLOC("pool", (void *)4096, 64);
    tell();
    PERF_FREE("pool", (void *)4096);
    tell();
    PERF_ASYNC_BEGIN("async", 3, "key", "value");
    tell();
    PERF_ASYNC_END("async", 3, "bytes", 1u << 31);
    tell();
    struct perftrace_handle job = PERF_SPAN_BEGIN("job", "file", "a");
    tell();
    PERF_SPAN_END(job);
    tell();
    PERF_TRACK_SPAN(track, "placed", placed_ns, placed_ns + 10, "value", 1);
    tell();
    PERF_TRACK_COUNTER(track, "gauge", placed_ns + 20, 2.5);
    tell();
    PERF_METRIC("total", 11, "text", "the last of all");
    tell();
}
enum { RECORDS = 18 }; /* with the end of "outer", of which nobody tells */

/* What these are read back as: without the placed ones, whose track is another. */
static const char *const expected[] = {
    "B outer number=7 text=sixteen bytes of half=0.5",
    "i event number=-1 flag=true text=eleven byte pointer=0x40",
    "B inner",
    "E inner | count=3 text=",
    "C counter value=9",
    "F frame",
    "s flow 5",
    "a pool 4096 64",
    "f pool 4096 0",
    "b async key=value",
    "e async key=value | bytes=2147483648",
    "b job file=a",
    "e job file=a",
    "E outer number=7 text=sixteen bytes of half=0.5 | total=11 text=the last of all",
};
enum { EXPECTED = sizeof expected / sizeof expected[0] };

/* The same by the cold path only: longer than what goes inline. */
static void record_long(void) {
    PERF_SPAN("outer", "text", long_text);
    tell();
    PERF_EVENT("event", "text", long_text, "number", 1);
    tell();
    PERF_METRIC("text", long_text);
    tell();
}
enum { LONG_RECORDS = 4 };

/* ---- the programs --------------------------------------------------------------------------------- */

struct script {
    void (*prepare)(void);
    void (*record)(void);
    unsigned records;
};

static bool with_chrome;

static void start(const struct script *script, uint32_t flush_ms) {
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.chrome_output = with_chrome;
    config.flush_ms = flush_ms;
    config.process_buffer_bytes = 1 << 20;
    config.shutdown_ms = 600000; /* it is slow, being led */
    if (perftrace_init(&config) != 0)
        _exit(90);
    track = perftrace_track_create(PERFTRACE_TRACK_KIND_FIBER, "fiber");
    memset(long_text, 'x', sizeof long_text - 1);
    told->filling = 0;
    script->prepare();
    told->published = 0;
}

static void be_led(void *argument) {
    const struct script *script = argument;
    start(script, 3600000); /* the drainer sleeps, unless it is woken */
    STEP_MARKER();
    script->record();
    STEP_MARKER();
    _exit(0);
}

static void prepare_nothing(void) {
}

/* All sites are known, and there is room. */
static void prepare_sites(void) {
    record();
    record_long();
    placed_ns += 100;
}

static struct perftrace_writer *writer(void) {
    return (struct perftrace_writer *)(void *)perftrace_control_; /* its first member */
}

static void fill(void) {
    PERF_EVENT("filling");
    told->filling++;
}

/* The thread goes round in segments that hold old records. */
static void use_segments(void) {
    for (int i = 0; i < 3; i++) {
        const struct perftrace_segment *segment = writer()->segment;
        while (writer()->segment == segment)
            fill();
        perftrace_flush();
    }
}

static void fill_until(size_t bytes_left, bool of_cleared) {
    for (;;) {
        const char *cursor = (const char *)writer()->control.cursor;
        size_t left = of_cleared ? (size_t)(writer()->cleared - cursor)
                                 : (size_t)((char *)writer()->segment + PERFTRACE_SEGMENT_BYTES - cursor);
        if (left <= bytes_left)
            return;
        fill();
    }
}

/* A record soon finds no more zeros ahead. */
static void prepare_uncleared(void) {
    prepare_sites();
    use_segments();
    fill_until(PERFTRACE_SLACK_ + 256, true);
}

/* A record soon finds no more room in the segment. */
static void prepare_full(void) {
    prepare_sites();
    use_segments();
    fill_until(PERFTRACE_RESERVE_BYTES + PERFTRACE_SLACK_ + 256, false);
}

/* The upper half of the tick counter is another, it seems. */
static void prepare_epoch(void) {
    prepare_sites();
    writer()->epoch--;
    writer()->control.epoch--;
}

/* ---- what is read back ---------------------------------------------------------------------------- */

static struct list {
    unsigned count; /* of items on the thread's track, but for spans that are open at the end */
    char text[ITEMS_MAX][TEXT_MAX];
} list;
/* What the whole script becomes, and how much there was before it. */
static struct list whole;
static unsigned items_before, items_heard;
static uint64_t records_before;

static void add_values(struct perftrace_buffer *text, const struct perftrace_value *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        perftrace_buffer_text(text, " ");
        perftrace_buffer_text(text, values[i].argument->name.bytes);
        perftrace_buffer_text(text, "=");
        perftrace_buffer_value(text, &values[i]);
    }
}

static void hear(void *context, const struct perftrace_item *item) {
    static const char letters[] = "?BEiCFbestfaf";
    const struct perftrace_call *call = item->call;
    (void)context;
    if (item->kind == PERFTRACE_ITEM_TRACK || item->track->kind != PERFTRACE_ON_THREAD ||
        torture_is_named(item, "filling") || (call != NULL && call->at_end))
        return;
    if (++items_heard <= items_before || list.count == ITEMS_MAX)
        return;
    struct perftrace_buffer text = {0};
    perftrace_buffer_add(&text, &letters[item->kind], 1);
    perftrace_buffer_text(&text, " ");
    perftrace_buffer_text(&text, item->site->name.bytes);
    if (item->kind >= PERFTRACE_ITEM_FLOW_BEGIN) {
        perftrace_buffer_text(&text, " ");
        perftrace_buffer_unsigned(&text, item->id);
    }
    if (item->kind >= PERFTRACE_ITEM_ALLOCATE) {
        perftrace_buffer_text(&text, " ");
        perftrace_buffer_unsigned(&text, item->bytes);
    }
    add_values(&text, item->values, item->value_count);
    if (call != NULL)
        add_values(&text, call->parameters, call->parameter_count);
    if (call != NULL && call->metric_count > 0) {
        perftrace_buffer_text(&text, " |");
        add_values(&text, call->metrics, call->metric_count);
    }
    snprintf(list.text[list.count++], TEXT_MAX, "%.*s", (int)text.length, text.bytes);
    free(text.bytes);
}

static struct torture_trace read_list(const char *path) {
    list.count = items_heard = 0;
    struct torture_trace trace = torture_read_intact(path, hear, NULL);
    torture_check(trace.lost == 0, "%s: %llu records are lost", path, (unsigned long long)trace.lost);
    return trace;
}

/* All that was published is there, at most one record more, and nothing else. */
static struct torture_trace check_list(const char *path, size_t at) {
    struct torture_trace trace = read_list(path);
    uint64_t records = trace.info.records - told->filling - records_before;
    torture_check(records == told->published || records == told->published + 1,
                  "killed at instruction %zu: %llu records of %u", at, (unsigned long long)records,
                  told->published);
    for (unsigned i = 0; i < list.count; i++)
        if (!torture_check(i < whole.count && strcmp(list.text[i], whole.text[i]) == 0,
                           "killed at instruction %zu: item %u is %s", at, i, list.text[i]))
            break;
    return trace;
}

static void check_killed(size_t at) {
    struct torture_trace before = check_list("trace.ptrace", at);
    struct perftrace_error_info error = {0};
    torture_check(perftrace_reader_fold("trace.ptrace", &error) == 1,
                  "killed at instruction %zu: folding: %s", at, error.message);
    struct torture_trace after = check_list("trace.ptrace", at);
    torture_check(after.info.records == before.info.records && after.unfinished == before.unfinished,
                  "killed at instruction %zu: another trace after folding", at);
}

/* ---- kills ---------------------------------------------------------------------------------------- */

/* Lets the script come to its end once, to see what it becomes and which way it takes. */
static struct step_path explore(struct script *script) {
    items_before = 0;
    records_before = 0;
    for (int end = 0; end < 2; end++) {
        torture_fresh_folder();
        pid_t child = step_start(be_led, script);
        struct step_path path = {0};
        if (child == 0)
            return path;
        if (end)
            path = step_through(child, NULL, NULL);
        step_kill(child);
        struct torture_trace trace = read_list("trace.ptrace");
        perftrace_reader_fold("trace.ptrace", NULL);
        if (end) {
            whole = list;
            uint64_t records = trace.info.records - told->filling - records_before;
            torture_check(records == script->records && records - told->published <= 1,
                          "the script makes %llu records, and tells of %u", (unsigned long long)records,
                          told->published);
            return path;
        }
        items_before = items_heard;
        records_before = trace.info.records - told->filling;
    }
    return (struct step_path){0};
}

/* Some ways depend on the time: the tick counter's upper half changes every second or two, a segment was filled fast. They are
 * longer, and seldom; the shortest of three is one that can be gone again. */
static struct step_path explore_usual(struct script *script) {
    struct step_path usual = explore(script);
    for (int i = 0; i < 2 && usual.count > 0; i++) {
        struct step_path other = explore(script), longer = other.count < usual.count ? usual : other;
        usual = other.count < usual.count ? other : usual;
        step_forget(&longer);
    }
    return usual;
}

/* Kills one child at each instruction, or at every so manieth only. */
static void kill_at_each(struct script script, unsigned long stride) {
    unsigned long kills = 0, missed = 0;
    if (!steps_are_possible())
        return;
    struct step_path path = explore_usual(&script);
    for (size_t i = 0; i < path.count; i += stride) {
        bool reached = false;
        for (int attempt = 0; attempt < 5 && !reached; attempt++) {
            torture_fresh_folder();
            pid_t child = step_start(be_led, &script);
            if (child == 0)
                return;
            reached = step_to(child, path.address[i], path.times[i]);
            step_kill(child);
            check_killed(i);
            kills++;
        }
        missed += !reached;
    }
    torture_check(missed <= path.count / 100, "%lu of %zu instructions were not come by again", missed,
                  path.count);
    torture_note("%zu instructions, %lu kills, %lu not come by again", path.count, kills, missed);
    step_forget(&path);
}

static void inline_path(void) {
    whole.count = 0;
    kill_at_each((struct script){prepare_sites, record, RECORDS}, torture_times(13, 1));
    if (whole.count == 0)
        return; /* left out */
    torture_check(whole.count == EXPECTED, "%u items of %d", whole.count, (int)EXPECTED);
    for (unsigned i = 0; i < whole.count && i < EXPECTED; i++)
        torture_check(strcmp(whole.text[i], expected[i]) == 0, "item %u is %s", i, whole.text[i]);
}

static void long_records(void) {
    kill_at_each((struct script){prepare_sites, record_long, LONG_RECORDS}, torture_times(59, 1));
}

static void clearing(void) {
    kill_at_each((struct script){prepare_uncleared, record, RECORDS}, torture_times(59, 1));
}

static void segment_change(void) {
    kill_at_each((struct script){prepare_full, record, RECORDS}, torture_times(97, 1));
}

static void rebase(void) {
    kill_at_each((struct script){prepare_epoch, record, RECORDS}, torture_times(59, 1));
}

/* ---- copies, where kills would take too long ------------------------------------------------------- */

static size_t instruction;
static unsigned long copies;

static void check_copy(void *context) {
    (void)context;
    instruction++;
    if (!step_copy_files())
        return;
    copies++;
    check_list("copy.ptrace", instruction);
}

/* A thread's first record, and the first of all sites: some of it in the kernel, and much of it loops. */
static void first_record(void) {
    whole.count = 0;
    struct script script = {prepare_nothing, record, RECORDS};
    kill_at_each(script, torture_times(3001, 31)); /* which also finds out what the script becomes */
    if (whole.count == 0)
        return; /* left out */
    torture_fresh_folder();
    step_copy_anew();
    instruction = copies = 0;
    pid_t child = step_start(be_led, &script);
    if (child == 0)
        return;
    struct step_path path = step_through(child, check_copy, NULL);
    step_kill(child);
    perftrace_reader_fold("trace.ptrace", NULL);
    torture_check(copies > 2 * RECORDS, "only %lu copies", copies);
    torture_note("%zu instructions, %lu different states read", path.count, copies);
    step_forget(&path);
}

/* Records in full and half full segments, which the drainer is led through bringing into the trace: first by a flush, then
 * at the end. */
static void be_drained(void *argument) {
    const struct script *script = argument;
    start(script, 3600000);
    script->record();
    __atomic_store_n(&told->ready, 1, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&told->go, __ATOMIC_SEQ_CST))
        usleep(1000);
    perftrace_flush();
    if (torture_is_full())
        perftrace_shutdown();
    _exit(0);
}

static void drainer(void) {
    struct script script = {torture_is_full() ? prepare_full : prepare_sites, record, RECORDS};
    if (!steps_are_possible())
        return;
    struct step_path path = explore(&script);
    step_forget(&path);
    torture_fresh_folder();
    step_copy_anew();
    instruction = copies = 0;
    told->ready = told->go = 0;
    pid_t child = torture_start(be_drained, &script);
    while (!__atomic_load_n(&told->ready, __ATOMIC_SEQ_CST))
        usleep(1000);
    pid_t thread = step_seize(child, "perftrace");
    if (!torture_check(thread != 0, "the drainer can't be led")) {
        step_kill(child);
        return;
    }
    told->published = RECORDS;
    __atomic_store_n(&told->go, 1, __ATOMIC_SEQ_CST);
    path = step_through(thread, check_copy, NULL);
    int status = torture_wait(child, 20);
    torture_check(status == 0, "status %x", (unsigned)status);
    perftrace_reader_fold("trace.ptrace", NULL);
    torture_note("%zu instructions of the drainer, %lu different states read", path.count, copies);
    step_forget(&path);
}

/* ---- folding -------------------------------------------------------------------------------------- */

static void be_killed_soon(void *argument) {
    const struct script *script = argument;
    start(script, 3600000);
    perftrace_flush();
    script->record();
    raise(SIGKILL);
}

static void fold(void *argument) {
    (void)argument;
    STEP_MARKER();
    perftrace_reader_fold("trace.ptrace", NULL);
    STEP_MARKER();
    _exit(0);
}

static void copy_file(const char *from, const char *to) {
    size_t length;
    char *bytes = read_whole_file(from, &length);
    FILE *file = fopen(to, "w");
    if (bytes == NULL || file == NULL || fwrite(bytes, 1, length, file) != length || fclose(file) != 0)
        exit(2);
    free(bytes);
}

/* Whoever folds is killed at each of its system calls: then everything is as before, or as after. */
static void folding(void) {
    struct script script = {prepare_full, record, RECORDS};
    unsigned long kills = 0;
    if (!steps_are_possible())
        return;
    struct step_path path = explore(&script);
    step_forget(&path);
    torture_fresh_folder();
    torture_wait(torture_start(be_killed_soon, &script), 20);
    char *ring = step_ring_path();
    copy_file("trace.ptrace", "kept.ptrace");
    copy_file(ring, "kept.ring");
    told->published = RECORDS;
    for (bool done = false; !done; kills += torture_times(5, 1)) {
        copy_file("kept.ptrace", "trace.ptrace");
        copy_file("kept.ring", ring);
        pid_t child = step_start(fold, NULL);
        for (unsigned long i = 0; i < kills && !done; i++)
            done = !step_to_call(child);
        step_kill(child);
        bool gone = access(ring, F_OK) != 0;
        struct torture_trace killed = check_list("trace.ptrace", kills);
        int result = perftrace_reader_fold("trace.ptrace", NULL);
        torture_check(result >= 0 && (result == 0 || !gone), "killed at call %lu: folding again says %d",
                      kills, result);
        torture_check(access(ring, F_OK) != 0, "killed at call %lu: the ring file is there for good", kills);
        struct torture_trace after = check_list("trace.ptrace", kills);
        torture_check(killed.info.records == after.info.records, "killed at call %lu: another trace", kills);
    }
    free(ring);
    torture_note("killed up to the %luth system call", kills);
}

/* ---- the recorder's beginning and end -------------------------------------------------------------- */

static void begin_and_end(void *argument) {
    const struct script *script = argument;
    start(script, 3600000);
    __atomic_store_n(&told->ready, 1, __ATOMIC_SEQ_CST);
    script->record();
    tell();
    perftrace_shutdown();
    _exit(0);
}

/* Killed at each system call of all threads: at any time there is a trace that can be read, or none yet, and no ring file that
 * nobody knows of. */
static void beginning_and_end(void) {
    struct script script = {prepare_nothing, record, RECORDS};
    unsigned long kills = 0, stride = torture_times(9, 1), before_begun = 0;
    if (!steps_are_possible())
        return;
    struct step_path path = explore(&script);
    step_forget(&path);
    with_chrome = true;
    killed_rings_left(0); /* from now on */
    for (bool ended = false; !ended; kills++) {
        pid_t child;
        torture_fresh_folder();
        told->ready = 0;
        told->published = 0;
        ended = !step_kill_at_call(begin_and_end, &script, 1 + kills * stride, &child);
        size_t length = 0;
        char *bytes = read_whole_file("trace.ptrace", &length);
        free(bytes);
        before_begun += !told->ready;
        if (length > 0) {
            struct torture_trace trace = check_list("trace.ptrace", kills * stride);
            torture_check(perftrace_reader_fold("trace.ptrace", NULL) >= 0, "killed at call %lu: no folding",
                          kills * stride);
            struct torture_trace after = check_list("trace.ptrace", kills * stride);
            torture_check(trace.info.records == after.info.records, "killed at call %lu: another trace",
                          kills * stride);
        } else {
            torture_check(!told->ready, "killed at call %lu: no trace", kills * stride);
        }
        torture_check(killed_rings_left(child) == 0, "killed at call %lu: a ring file is left",
                      kills * stride);
        torture_check(torture_count_files(".", "trace.") <= 2, "killed at call %lu: other files are left",
                      kills * stride);
    }
    with_chrome = false;
    torture_check(kills > 20 && before_begun > 5, "only %lu calls, %lu in the beginning", kills,
                  before_begun);
    torture_note("killed at %lu system calls, %lu of them in the beginning", kills - 1, before_begun);
}

int main(int argc, char **argv) {
    static const struct torture_case cases[] = {
        {"inline path", inline_path},
        {"long records", long_records},
        {"clearing", clearing},
        {"rebase", rebase},
        {"first record", first_record},
        {"segment change", segment_change},
        {"drainer", drainer},
        {"folding", folding},
        {"beginning and end", beginning_and_end},
    };
    told = torture_shared(sizeof *told);
    return torture_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
