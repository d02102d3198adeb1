/* Threads that record at the same time, and note beside it what they record: for each span its name, its depth, and the
 * system's time before and after its begin and its end. What perftrace makes of it can so be judged without perftrace. */
#define PERF_TARGET "crowd"
#include <perftrace.h>

#include "crowd.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { DEPTH_MAX = 100, DEPTH_USUAL = 7 };

enum kind { PLAIN, LOAD, HARD_NAME, DYNAMIC, BLOCK, MEASURED, TIMED, DEBUG, LONG, RECURSIVE, KINDS };
static const char hard[] = HARD;
static const char *const names[KINDS] = {
    [PLAIN] = "plain", [LOAD] = "load",          [HARD_NAME] = hard, [DYNAMIC] = NOT_UTF8,
    [BLOCK] = "block", [MEASURED] = "measured",  [TIMED] = "timed",  [DEBUG] = "debug",
    [LONG] = "long",   [RECURSIVE] = "recursive"};

struct truth {
    uint64_t begin_ns[2], end_ns[2]; /* before and after the record */
    uint32_t kind, depth;
};

/* What else is recorded: how many there are of that name. */
enum other { EVENT, FENCE, MADE, GPU_LOAD, POOL, FRAME, HANDED_SPAN, HANDED_FLOW, PASS, DRAW, OTHERS };
static const char *const other_names[OTHERS] = {
    "event",     "fence", "made by one", "gpu load", "crowd's pool", "crowd's frame", "async handed over",
    "hand-over", "pass",  "draw"};

struct member {
    pthread_t thread;
    unsigned number;
    uint32_t random;
    size_t made, goal;
    enum kind last;      /* of the spans made */
    bool killed;         /* when the goal is reached */
    struct truth *truth; /* NULL: not noted */
    uint64_t counts[OTHERS];
    uint32_t gpu;
    uint64_t gpu_free_ns; /* when the GPU has done all that it was given */
    char *memory;         /* what is allocated at the moment, or NULL */
    /* An async span and a flow that the member before has handed over. */
    atomic_bool has_span, has_flow;
    struct perftrace_handle handed_span;
    uint64_t handed_flow;
};

static struct member members[CROWD_THREADS];
static pthread_barrier_t start_line;
static atomic_bool dying;
static volatile unsigned sum; /* of work that is not optimised away */

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The same numbers in each run. */
static unsigned chance(struct member *member, unsigned one_in) {
    member->random = member->random * 1664525u + 1013904223u;
    return (member->random >> 8) % one_in;
}

static struct member *next_of(const struct member *member) {
    return &members[(member->number + 1) % CROWD_THREADS];
}

/* ---- what is not a span of the thread ---- */

static void hand_over(struct member *member) {
    struct member *next = next_of(member);
    if (!atomic_load_explicit(&next->has_span, memory_order_acquire)) {
        next->handed_span = PERF_SPAN_BEGIN("async handed over", "from", member->number);
        atomic_store_explicit(&next->has_span, true, memory_order_release);
    }
    if (!atomic_load_explicit(&next->has_flow, memory_order_acquire)) {
        next->handed_flow = (uint64_t)member->number << 32 | (uint32_t)member->made;
        PERF_FLOW_BEGIN("hand-over", next->handed_flow);
        atomic_store_explicit(&next->has_flow, true, memory_order_release);
    }
}

static void take_over(struct member *member) {
    if (atomic_load_explicit(&member->has_span, memory_order_acquire)) {
        PERF_SPAN_END(member->handed_span, "to", member->number);
        member->counts[HANDED_SPAN]++;
        atomic_store_explicit(&member->has_span, false, memory_order_release);
    }
    if (atomic_load_explicit(&member->has_flow, memory_order_acquire)) {
        PERF_FLOW_END("hand-over", member->handed_flow);
        member->counts[HANDED_FLOW]++;
        atomic_store_explicit(&member->has_flow, false, memory_order_release);
    }
}

/* A GPU gets work, which it does later: two spans within one that begins and ends with them. */
static void submit(struct member *member) {
    uint64_t begin = now_ns() + 500;
    if (begin < member->gpu_free_ns)
        begin = member->gpu_free_ns;
    PERF_TRACK_SPAN(member->gpu, "pass", begin, begin + 300, "draws", 3);
    PERF_TRACK_SPAN(member->gpu, "draw", begin, begin + 100);
    PERF_TRACK_SPAN(member->gpu, "draw", begin + 100, begin + 300);
    PERF_TRACK_EVENT(member->gpu, "fence", begin + 300);
    PERF_TRACK_COUNTER(member->gpu, "gpu load", begin + 300, 0.5);
    member->gpu_free_ns = begin + 300;
    member->counts[PASS]++;
    member->counts[DRAW] += 2;
    member->counts[FENCE]++;
    member->counts[GPU_LOAD]++;
}

static void allocate_or_free(struct member *member) {
    static char memory[CROWD_THREADS];
    char *own = &memory[member->number];
    if (member->memory == NULL)
        PERF_ALLOC("crowd's pool", own, 1000 + member->number);
    else
        PERF_FREE("crowd's pool", own);
    member->memory = member->memory == NULL ? own : NULL;
    member->counts[POOL]++;
}

static void between(struct member *member) {
    switch (chance(member, 64)) {
    case 0:
        PERF_EVENT("event", "made", member->made);
        member->counts[EVENT]++;
        break;
    case 1:
        PERF_COUNTER("made by one", member->made);
        member->counts[MADE]++;
        break;
    case 2:
        hand_over(member);
        if (member->truth != NULL || member->killed)
            sched_yield(); /* so that they take turns where there are fewer processors than threads */
        break;
    case 3:
        allocate_or_free(member);
        break;
    case 4:
        if (chance(member, 8) == 0)
            submit(member);
        break;
    case 5:
        if (member->number == 0) {
            PERF_FRAME_NAMED("crowd's frame");
            member->counts[FRAME]++;
        }
        break;
    default:
        take_over(member);
    }
}

/* ---- spans ---- */

static void span(struct member *member, uint32_t depth);

/* What a span has in it. */
static unsigned inside(struct member *member, size_t at, uint32_t depth) {
    struct truth *truth = member->truth == NULL ? NULL : &member->truth[at];
    if (truth != NULL)
        truth->begin_ns[1] = now_ns();
    between(member);
    while (atomic_load_explicit(&dying, memory_order_relaxed))
        pause(); /* with all its spans open */
    bool recursive = member->last == RECURSIVE && chance(member, 50) != 0;
    unsigned most = depth < DEPTH_USUAL ? 3 : 1;
    for (unsigned children = recursive ? 1 : chance(member, most + 1); children > 0; children--)
        if (member->made < member->goal && depth + 1 < DEPTH_MAX)
            span(member, depth + 1);
    sum = sum + depth;
    if (truth != NULL)
        truth->end_ns[0] = now_ns();
    return depth;
}

static const char *long_text(void) {
    return "a text that is neither short nor of ASCII letters only: h\xc3\xa4llo w\xc3\xb6rld "
           "\xf0\x9f\x8c\x8d, "
           "again \xf0\x9f\x8c\x8d, with \"quotes\" in it, and a path: C:\\folder\\file";
}

static void one_of(struct member *member, enum kind kind, size_t at, uint32_t depth) {
    switch (kind) {
    case LOAD: {
        PERF_SPAN("load", "part", at, "thread", member->number);
        inside(member, at, depth);
        break;
    }
    case HARD_NAME: {
        PERF_SPAN(HARD, HARD, HARD);
        inside(member, at, depth);
        break;
    }
    case DYNAMIC: {
        PERF_SPAN_DYNAMIC(names[DYNAMIC], "bad", NOT_UTF8);
        inside(member, at, depth);
        break;
    }
    case BLOCK:
        PERF_BLOCK("block", "share", (double)depth / DEPTH_MAX, "deep", depth > 5) {
            inside(member, at, depth);
        }
        break;
    case MEASURED: {
        PERF_SPAN("measured");
        PERF_METRIC("depth", inside(member, at, depth));
        break;
    }
    case TIMED:
        sum = sum + PERF_TIME("timed", inside(member, at, depth));
        break;
    case DEBUG: {
        PERF_SPAN_LEVEL(PERF_DEBUG, "debug");
        inside(member, at, depth);
        break;
    }
    case LONG: {
        PERF_SPAN("long", "text", long_text());
        inside(member, at, depth);
        break;
    }
    case RECURSIVE: {
        PERF_SPAN("recursive");
        inside(member, at, depth);
        break;
    }
    default: {
        PERF_SPAN("plain");
        inside(member, at, depth);
    }
    }
}

static void span(struct member *member, uint32_t depth) {
    static const enum kind often[] = {PLAIN, PLAIN, PLAIN, PLAIN, LOAD, BLOCK, MEASURED, TIMED, DEBUG};
    size_t at = member->made++;
    enum kind kind = often[chance(member, sizeof often / sizeof *often)];
    if (chance(member, 100) == 0)
        kind = (enum kind)chance(member, KINDS);
    if (depth > 0 && member->last == RECURSIVE)
        kind = RECURSIVE;
    member->last = kind;
    struct truth *truth = member->truth == NULL ? NULL : &member->truth[at];
    if (truth != NULL)
        *truth = (struct truth){.kind = kind, .depth = depth, .begin_ns = {now_ns(), 0}};
    one_of(member, kind, at, depth);
    if (truth != NULL)
        truth->end_ns[1] = now_ns();
}

static void *member_main(void *argument) {
    struct member *member = argument;
    char name[40];
    snprintf(name, sizeof name, "crowd %u \xf0\x9f\xa7\xb5", member->number);
    perftrace_thread_name(name);
    snprintf(name, sizeof name, "GPU of \"crowd %u\"", member->number);
    member->gpu = perftrace_track_create(PERFTRACE_TRACK_KIND_GPU, name);
    pthread_barrier_wait(&start_line);
    while (member->made < member->goal)
        span(member, 0);
    if (member->killed) {
        atomic_store(&dying, true);
        sleep(1); /* the Chrome file catches up */
        raise(SIGKILL);
    }
    return NULL;
}

/* ---- the truth ---- */

static void write_hex(FILE *file, const char *text) {
    for (; *text != '\0'; text++)
        fprintf(file, "%02x", (unsigned)(unsigned char)*text);
    fputc('\n', file);
}

static int write_truth(const char *path) {
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return errno;
    for (int i = 0; i < KINDS; i++) {
        fprintf(file, "name %d ", i);
        write_hex(file, names[i]);
    }
    for (int i = 0; i < OTHERS; i++) {
        uint64_t total = 0;
        for (unsigned t = 0; t < CROWD_THREADS; t++)
            total += members[t].counts[i];
        fprintf(file, "count %llu %s\n", (unsigned long long)total, other_names[i]);
    }
    for (unsigned t = 0; t < CROWD_THREADS; t++) {
        fprintf(file, "thread %u\n", t);
        for (const struct truth *at = members[t].truth, *end = at + members[t].made; at < end; at++)
            fprintf(file, "span %u %u %llu %llu %llu %llu\n", at->kind, at->depth,
                    (unsigned long long)at->begin_ns[0], (unsigned long long)at->begin_ns[1],
                    (unsigned long long)at->end_ns[0], (unsigned long long)at->end_ns[1]);
    }
    return fclose(file) == 0 ? 0 : errno;
}

int crowd_record(size_t spans, const char *truth, bool killed) {
    pthread_barrier_init(&start_line, NULL, CROWD_THREADS);
    for (unsigned i = 0; i < CROWD_THREADS; i++) {
        members[i].number = i;
        members[i].random = i;
        members[i].goal = spans;
        members[i].killed = killed;
        members[i].truth = truth == NULL ? NULL : calloc(spans, sizeof *members[i].truth);
        if (truth != NULL && members[i].truth == NULL)
            return ENOMEM;
    }
    for (unsigned i = 0; i < CROWD_THREADS; i++)
        if (pthread_create(&members[i].thread, NULL, member_main, &members[i]) != 0)
            abort(); /* the others wait for it */
    for (unsigned i = 0; i < CROWD_THREADS; i++)
        pthread_join(members[i].thread, NULL);
    PERF_SPAN("the rest"); /* of what was handed over */
    for (unsigned i = 0; i < CROWD_THREADS; i++)
        take_over(&members[i]);
    return truth == NULL ? 0 : write_truth(truth);
}
