/* Records that tell themselves whether they are whole and in order: each has a number, which rises by one for each kind
 * of record of a thread, and a text that follows from it. */
#define PERF_TRACE 1
#define PERF_TARGET "handled"
#include "perftrace.h"

#include "handled.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { TEXTS = 16, TRACKS = 4096, NAMES = 12 };

static const unsigned text_lengths[TEXTS] = {0, 1, 7, 8, 9, 15, 16, 17, 31, 64, 100, 200, 260, 400, 512, 600};
static char texts[TEXTS][601];

/* Shared with the test. */
static struct {
    uint64_t made[NAMES];
    uint64_t runs[HANDLED_LEVELS];
} * told;

enum name {
    WORK,
    EVENT,
    INNER,
    METRIC,
    ASYNC,
    COUNTER,
    DYNAMIC,
    BIG,
    HANDLE,
    HANDLE_EVENT,
    HANDLE_DYNAMIC,
    HANDLE_ASYNC
};
static const char *const names[NAMES] = {"work",   "event",        "inner",          "metric",
                                         "async",  "counter",      "dynamic",        "big",
                                         "handle", "handle_event", "handle_dynamic", "handle_async"};

/* The numbers are the thread's own, and a level's own, as levels come in between. */
static __thread int64_t next_number[NAMES][HANDLED_LEVELS];

static int64_t number(enum name name, unsigned level) {
    return next_number[name][level]++;
}

/* Counted when it has been recorded: a jump out of it has made nothing. */
static void made(enum name name) {
    __atomic_add_fetch(&told->made[name], 1, __ATOMIC_RELAXED);
}

static const char *text_of(int64_t n) {
    return texts[n % TEXTS];
}

void handled_reset(void) {
    if (told == NULL)
        told = torture_shared(sizeof *told);
    memset(told, 0, sizeof *told);
    for (unsigned i = 0; i < TEXTS; i++)
        memset(texts[i], 'a' + (int)i, text_lengths[i]);
}

uint64_t handled_made(void) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < NAMES; i++)
        sum += told->made[i];
    return sum;
}

uint64_t handled_runs(unsigned level) {
    return told->runs[level];
}

/* ---- the program's records ---- */

static void span(void) {
    {
        PERF_SPAN("work", "n", number(WORK, 0), "level", 0);
        made(WORK);
        {
            PERF_SPAN("inner", "n", number(INNER, 0), "level", 0);
            made(INNER);
        }
    }
}

static void metric(void) {
    PERF_SPAN("work", "n", number(WORK, 0), "level", 0);
    made(WORK);
    int64_t n = number(METRIC, 0);
    PERF_METRIC("square", (made(METRIC), n * n), "text", text_of(n));
}

static void event(void) {
    int64_t n = number(EVENT, 0);
    PERF_EVENT("event", "n", n, "level", 0, "text", text_of(n));
    made(EVENT);
}

static void async(void) {
    int64_t n = number(ASYNC, 0);
    struct perftrace_handle handle = PERF_SPAN_BEGIN("async", "n", n, "level", 0);
    made(ASYNC);
    PERF_SPAN_END(handle, "text", text_of(n));
}

static void counter(void) {
    PERF_COUNTER("counter", number(COUNTER, 0));
    made(COUNTER);
}

static void dynamic(void) {
    static const char *const variants[] = {"dynamic 0", "dynamic 1", "dynamic 2", "dynamic 3"};
    int64_t n = number(DYNAMIC, 0);
    PERF_SPAN_DYNAMIC(variants[n % 4], "n", n, "level", 0);
    made(DYNAMIC);
}

static void big(void) {
    int64_t n = number(BIG, 0);
    PERF_EVENT("big", "n", n, "level", 0, "a", texts[14], "b", texts[15], "c", texts[14], "d", texts[15], "e",
               texts[14], "f", texts[15], "g", texts[14], "text", text_of(n));
    made(BIG);
}

void (*const handled_parts[])(void) = {span, metric, event, async, counter, dynamic, big};
const char *const handled_part_names[] = {"span", "metric", "event", "async", "counter", "dynamic", "big"};
const unsigned handled_part_count = sizeof handled_parts / sizeof handled_parts[0];

void handled_work(void) {
    for (unsigned i = 0; i + 1 < handled_part_count; i++)
        handled_parts[i]();
}

/* ---- a handler's records ---- */

void handled_handle(unsigned level) {
    __atomic_add_fetch(&told->runs[level], 1, __ATOMIC_RELAXED);
    PERF_SPAN("handle", "n", number(HANDLE, level), "level", level);
    made(HANDLE);
    int64_t n = number(HANDLE_EVENT, level);
    PERF_EVENT("handle_event", "n", n, "level", level, "text", text_of(n));
    made(HANDLE_EVENT);
    {
        static const char *const variants[] = {"handle_dynamic 0", "handle_dynamic 1", "handle_dynamic 2"};
        n = number(HANDLE_DYNAMIC, level);
        PERF_SPAN_DYNAMIC(variants[n % 3], "n", n, "level", level);
        made(HANDLE_DYNAMIC);
    }
    n = number(HANDLE_ASYNC, level);
    struct perftrace_handle handle = PERF_SPAN_BEGIN("handle_async", "n", n, "level", level);
    made(HANDLE_ASYNC);
    PERF_SPAN_END(handle, "text", text_of(n));
}

/* ---- what is in the trace ---- */

struct seen {
    const struct handled_limits *limits;
    bool all; /* nothing was lost */
    uint64_t read[NAMES], unfinished;
};
static int64_t last_number[TRACKS][NAMES][HANDLED_LEVELS];

static int name_of(const struct perftrace_text *text) {
    int best = -1;
    for (int i = 0; i < NAMES; i++) {
        size_t length = strlen(names[i]);
        bool numbered = i == DYNAMIC || i == HANDLE_DYNAMIC;
        if (text->length >= length && memcmp(text->bytes, names[i], length) == 0 &&
            (numbered ? text->length == length + 2 : text->length == length))
            best = i;
    }
    return best;
}

static void check_text(const struct perftrace_value *value, int64_t n) {
    size_t length = text_lengths[n % TEXTS];
    bool cut = length > 512;
    torture_check(value->text.length == (cut ? 512 : length) && value->cut == cut &&
                      memcmp(value->text.bytes, text_of(n), value->text.length) == 0,
                  "text of number %lld is torn", (long long)n);
}

/* Numbers of one kind, track and level rise by one, or, where some are lost, by more. */
static void check_number(const struct seen *seen, const struct perftrace_item *item, int name,
                         const struct perftrace_value *values) {
    int64_t n = values[0].i, level = name == COUNTER ? 0 : values[1].i;
    if (!torture_check(level >= 0 && level < HANDLED_LEVELS && item->track->id < TRACKS, "%s: level %lld",
                       names[name], (long long)level))
        return;
    int64_t *last = &last_number[item->track->id][name][level];
    bool gaps = !seen->all || seen->limits->jumped > 0 || (seen->limits->late > 0 && level > 0);
    torture_check(gaps ? n >= *last : n == *last, "track %u, %s of level %lld: number %lld after %lld",
                  item->track->id, names[name], (long long)level, (long long)n, (long long)*last - 1);
    *last = n + 1;
}

static bool is_called(const struct perftrace_call *call, enum name name) {
    return name_of(&call->caller) == (int)name;
}

static void check_place(const struct perftrace_call *call, int name) {
    if (name == INNER)
        torture_check(is_called(call, WORK), "inner within %.*s", (int)call->caller.length,
                      call->caller.bytes);
    if (name == HANDLE_DYNAMIC || name == HANDLE_ASYNC)
        torture_check(is_called(call, HANDLE), "%s within %.*s", names[name], (int)call->caller.length,
                      call->caller.bytes);
    if (name == WORK || name == DYNAMIC)
        torture_check(call->parent_number == 0 || strncmp(call->caller.bytes, "outer", 5) == 0,
                      "%s within %.*s", names[name], (int)call->caller.length, call->caller.bytes);
}

/* The least whole number whose square is no less: bit by bit, as there are millions. */
static int64_t root_of(int64_t square) {
    int64_t below = 0; /* too small, or 0 */
    for (int64_t bit = INT64_C(1) << 31; bit > 0; bit /= 2)
        if ((below | bit) <= INT64_C(3037000499) && (below | bit) * (below | bit) < square)
            below |= bit;
    return square > 0 ? below + 1 : 0;
}

static void check_end(struct seen *seen, const struct perftrace_call *call, int name) {
    seen->unfinished += call->unfinished;
    if ((name == ASYNC || name == HANDLE_ASYNC) && !call->unfinished)
        check_text(&call->metrics[0], call->parameters[0].i);
    if (name == WORK && call->metric_count > 0) {
        int64_t n = root_of(call->metrics[0].i);
        torture_check(call->metric_count == 2 && n * n == call->metrics[0].i, "a torn metric");
        check_text(&call->metrics[1], n);
        seen->read[METRIC]++;
    }
}

static void hear(void *context, const struct perftrace_item *item) {
    struct seen *seen = context;
    int name = item->site == NULL ? -1 : name_of(&item->site->name);
    if (name < 0)
        return;
    if (item->kind == PERFTRACE_ITEM_SPAN_END || item->kind == PERFTRACE_ITEM_ASYNC_END) {
        check_end(seen, item->call, name);
        return;
    }
    const struct perftrace_value *values = item->call != NULL ? item->call->parameters : item->values;
    seen->read[name]++;
    check_number(seen, item, name, values);
    if (name == EVENT || name == HANDLE_EVENT || name == BIG)
        check_text(&values[item->value_count - 1], values[0].i);
    if (item->call != NULL && seen->all && seen->limits->jumped + seen->limits->late == 0)
        check_place(item->call, name);
}

static bool has_end(int name) {
    return name == WORK || name == INNER || name == ASYNC || name == DYNAMIC || name == HANDLE ||
           name == HANDLE_DYNAMIC || name == HANDLE_ASYNC;
}

static uint64_t missing(const struct seen *seen, int name) {
    return seen->read[name] < told->made[name] ? told->made[name] - seen->read[name] : 0;
}

/* What was read and what was made, name by name. */
static void check_sums(const struct seen *seen, uint64_t lost) {
    const struct handled_limits *limits = seen->limits;
    uint64_t read = 0, sum = 0, endless = 0;
    for (int i = 0; i < NAMES; i++) {
        uint64_t late = i >= HANDLE ? limits->late : 0;
        read += seen->read[i];
        sum += told->made[i];
        endless += has_end(i) ? missing(seen, i) : 0;
        torture_check(seen->read[i] <= told->made[i] + limits->jumped &&
                          (!seen->all || seen->read[i] + limits->jumped + late >= told->made[i]),
                      "%s: %llu made, %llu read", names[i], (unsigned long long)told->made[i],
                      (unsigned long long)seen->read[i]);
    }
    /* The metric of a span whose beginning is lost is in the trace, but nothing tells of it. */
    uint64_t works = missing(seen, WORK), metrics = missing(seen, METRIC);
    uint64_t untold = metrics < works ? metrics : works;
    /* An end that is lost is counted as well; so is one whose beginning is lost, too. */
    torture_check(read + lost + untold + limits->late >= sum &&
                      read + lost <= sum + limits->jumped + limits->late + seen->unfinished + endless,
                  "%llu made, %llu read, %llu lost", (unsigned long long)sum, (unsigned long long)read,
                  (unsigned long long)lost);
}

struct torture_trace handled_check(const char *path, const struct handled_limits *limits) {
    struct seen seen = {.limits = limits};
    seen.all = torture_read(path, NULL, NULL).lost == 0;
    memset(last_number, 0, sizeof last_number);
    /* Where the beginning of a span was lost, the reader complains of its end. */
    struct torture_trace trace = (seen.all ? torture_read_intact : torture_read)(path, hear, &seen);
    torture_check(trace.error == 0 && trace.backwards == 0 && trace.damages <= 1 &&
                      strstr(trace.first_damage, "records are missing") == NULL,
                  "%s: %s", path, trace.first_damage);
    torture_check(trace.lost <= limits->jumped + handled_made() * limits->lost_permille / 1000,
                  "%llu of %llu lost", (unsigned long long)trace.lost, (unsigned long long)handled_made());
    check_sums(&seen, trace.lost);
    torture_check(seen.unfinished <= limits->jumped * 4 + limits->late || !seen.all,
                  "%llu spans are unfinished", (unsigned long long)seen.unfinished);
    return trace;
}
