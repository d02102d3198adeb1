/* Rounds of records that follow from their numbers, and whether what is read back does. */
#define PERF_TRACE 1
#define PERF_TARGET "lanes"
#include "lanes.h"
#include "perftrace.h"

#include <stdio.h>
#include <string.h>

enum {
    TEXT_BYTES_MAX = 700, /* more than perftrace keeps */
    KEPT_BYTES_MAX = 512,
};

/* ---- what a round says ---------------------------------------------------------------------------- */

static uint32_t mix(uint32_t lane, uint64_t number, uint32_t salt) {
    uint64_t x = (number * 3 + salt) * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)lane << 21;
    return (uint32_t)((x ^ x >> 29) * UINT64_C(0xbf58476d1ce4e5b9) >> 33);
}

/* Mostly short; sometimes too long for the inline path, sometimes cut. */
static size_t text_length(uint32_t lane, uint64_t number, uint32_t salt) {
    uint32_t random = mix(lane, number, salt);
    return random % 64 == 0 ? TEXT_BYTES_MAX - random / 64 % 300 : random / 64 % 40;
}

static const char *make_text(char text[TEXT_BYTES_MAX + 1], uint32_t lane, uint64_t number, uint32_t salt) {
    size_t length = text_length(lane, number, salt);
    uint32_t random = mix(lane, number, salt + 100);
    for (size_t i = 0; i < length; i++)
        text[i] = (char)('!' + (random + i * 7) % 90);
    text[length] = '\0';
    return text;
}

static uint64_t word(uint32_t lane, uint64_t number, uint32_t salt) {
    return (uint64_t)mix(lane, number, salt) << 32 | mix(lane, number, salt + 1);
}

void lane_round(struct lane *lane, uint32_t id) {
    static __thread struct perftrace_handle job; /* of the round before */
    char first[TEXT_BYTES_MAX + 1], second[TEXT_BYTES_MAX + 1];
    uint64_t number = lane->completed;
    make_text(first, id, number, 1);
    make_text(second, id, number, 2);
    __atomic_store_n(&lane->begun, number + 1, __ATOMIC_SEQ_CST);
    {
        PERF_SPAN("round", "lane", id, "number", number, "text", first, "word", word(id, number, 3));
        if (number > 0)
            PERF_SPAN_END(job, "ended", number - 1, "text", second);
        PERF_EVENT("note", "lane", id, "number", number, "half", (double)number / 2, "even", number % 2 == 0,
                   "text", second);
        {
            PERF_SPAN("inner", "word", word(id, number, 4));
            PERF_METRIC("lane", id, "number", number, "text", first);
        }
        PERF_COUNTER("level", (double)number);
        job = PERF_SPAN_BEGIN("job", "lane", id, "number", number, "text", first);
        PERF_METRIC("square", number * number, "text", second);
    }
    __atomic_store_n(&lane->completed, number + 1, __ATOMIC_SEQ_CST);
}

/* ---- what was heard ------------------------------------------------------------------------------- */

enum part { ROUND = 1, NOTE = 2, INNER = 4, LEVEL = 8, JOB = 16, ALL = 31 };

/* The values of an item, one after the other, compared with what they should be. */
struct values {
    const struct perftrace_value *next;
    size_t left;
    bool good;
};

static const struct perftrace_value *take(struct values *values, const char *name, uint8_t type) {
    static const struct perftrace_value none;
    const struct perftrace_value *value = values->next;
    if (values->left == 0 || value->type != type || value->argument->name.length != strlen(name) ||
        memcmp(value->argument->name.bytes, name, strlen(name)) != 0) {
        values->good = false;
        return &none;
    }
    values->next++;
    values->left--;
    return value;
}

static uint64_t take_word(struct values *values, const char *name) {
    return take(values, name, PERFTRACE_TYPE_UNSIGNED)->u;
}

static void expect_word(struct values *values, const char *name, uint64_t expected) {
    values->good &= take_word(values, name) == expected;
}

static void expect_text(struct values *values, uint32_t lane, uint64_t number, uint32_t salt) {
    char text[TEXT_BYTES_MAX + 1];
    size_t length = strlen(make_text(text, lane, number, salt));
    const struct perftrace_value *value = take(values, "text", PERFTRACE_TYPE_STRING);
    if (!values->good)
        return;
    bool cut = length > KEPT_BYTES_MAX;
    values->good = value->cut == cut && value->text.length == (cut ? KEPT_BYTES_MAX : length) &&
                   memcmp(value->text.bytes, text, value->text.length) == 0;
}

static struct values parameters(const struct perftrace_call *call) {
    return (struct values){call->parameters, call->parameter_count, true};
}

static struct values metrics(const struct perftrace_call *call) {
    return (struct values){call->metrics, call->metric_count, true};
}

static void begin_round(struct lane_heard *lane, uint64_t number, bool *good) {
    if (lane->begun == 0)
        lane->first = lane->next = number;
    *good &= number >= lane->next;
    if (number > lane->next)
        lane->gaps += number - lane->next;
    lane->next = number + 1;
    lane->begun++;
    lane->parts = ROUND;
}

/* The first parameters of a round, note or job say whose they are. */
static struct lane_heard *whose(struct lanes_heard *heard, struct values *values, uint32_t *lane,
                                uint64_t *number) {
    *lane = (uint32_t)take_word(values, "lane");
    *number = take_word(values, "number");
    values->good &= *lane < LANES_MAX;
    return &heard->lane[values->good ? *lane : 0];
}

static bool hear_round(struct lanes_heard *heard, const struct perftrace_call *call, bool end) {
    struct values values = parameters(call), more = metrics(call);
    uint32_t id;
    uint64_t number;
    struct lane_heard *lane = whose(heard, &values, &id, &number);
    expect_text(&values, id, number, 1);
    expect_word(&values, "word", word(id, number, 3));
    if (!end) {
        heard->lane_of_track[call->track->id % LANE_TRACKS_MAX] = id + 1;
        begin_round(lane, number, &values.good);
        return values.good && values.left == 0;
    }
    if (more.left > 0) {
        expect_word(&more, "square", number * number);
        expect_text(&more, id, number, 2);
    }
    lane->unfinished += call->unfinished;
    if (lane->next == number + 1 && lane->parts == ALL && !call->unfinished && call->metric_count == 2)
        lane->whole++;
    return values.good && more.good && values.left == 0 && more.left == 0;
}

/* Of the round that its parent is; the parent's parameters are not told here, but metrics are: the same ones. */
static bool hear_inner(struct lanes_heard *heard, const struct perftrace_call *call) {
    struct values values = parameters(call), more = metrics(call);
    if (more.left == 0)
        return true; /* lost, or not yet there */
    uint32_t id;
    uint64_t number;
    struct lane_heard *lane = whose(heard, &more, &id, &number);
    expect_text(&more, id, number, 1);
    expect_word(&values, "word", word(id, number, 4));
    if (lane->next == number + 1 && !call->unfinished)
        lane->parts |= INNER;
    return values.good && more.good && values.left == 0 && more.left == 0;
}

static bool hear_note(struct lanes_heard *heard, const struct perftrace_item *item) {
    struct values values = {item->values, item->value_count, true};
    uint32_t id;
    uint64_t number;
    struct lane_heard *lane = whose(heard, &values, &id, &number);
    values.good &= take(&values, "half", PERFTRACE_TYPE_DOUBLE)->d == (double)number / 2;
    bool even = take(&values, "even", PERFTRACE_TYPE_SIGNED)->i != 0; /* as C says of a comparison */
    values.good &= even == (number % 2 == 0);
    expect_text(&values, id, number, 2);
    if (lane->next == number + 1)
        lane->parts |= NOTE;
    return values.good && values.left == 0;
}

static bool hear_job(struct lanes_heard *heard, const struct perftrace_call *call, bool end) {
    struct values values = parameters(call), more = metrics(call);
    uint32_t id;
    uint64_t number;
    struct lane_heard *lane = whose(heard, &values, &id, &number);
    expect_text(&values, id, number, 1);
    if (!end && lane->next == number + 1)
        lane->parts |= JOB;
    if (end && more.left > 0) {
        expect_word(&more, "ended", number);
        expect_text(&more, id, number + 1, 2);
    }
    return values.good && more.good && values.left == 0 && more.left == 0;
}

/* It says the round's number only; the lane is that of the track's last round. */
static bool hear_level(struct lanes_heard *heard, const struct perftrace_item *item) {
    struct values values = {item->values, item->value_count, true};
    double number = take(&values, "value", PERFTRACE_TYPE_DOUBLE)->d;
    uint32_t id = heard->lane_of_track[item->track->id % LANE_TRACKS_MAX];
    if (!values.good || values.left > 0 || number < 0 || number != (double)(uint64_t)number)
        return false;
    if (id > 0 && heard->lane[id - 1].next == (uint64_t)number + 1)
        heard->lane[id - 1].parts |= LEVEL;
    return true;
}

/* A span that the test puts around a lane's rounds. */
static bool hear_around(struct lanes_heard *heard, const struct perftrace_call *call, bool end) {
    struct values values = parameters(call);
    uint64_t id = take_word(&values, "lane");
    if (!values.good || id >= LANES_MAX)
        return false;
    heard->lane[id].around += !end;
    heard->lane[id].around_at_end += end && call->unfinished && call->at_end;
    return true;
}

void lanes_hear(void *context, const struct perftrace_item *item) {
    struct lanes_heard *heard = context;
    bool good = true,
         begin = item->kind == PERFTRACE_ITEM_SPAN_BEGIN || item->kind == PERFTRACE_ITEM_ASYNC_BEGIN;
    if (item->kind == PERFTRACE_ITEM_TRACK)
        return;
    if (torture_is_named(item, "round"))
        good = hear_round(heard, item->call, !begin);
    else if (torture_is_named(item, "inner"))
        good = begin || hear_inner(heard, item->call);
    else if (torture_is_named(item, "note"))
        good = hear_note(heard, item);
    else if (torture_is_named(item, "level"))
        good = hear_level(heard, item);
    else if (torture_is_named(item, "job"))
        good = hear_job(heard, item->call, !begin);
    else if (torture_is_named(item, "around"))
        good = hear_around(heard, item->call, !begin);
    else
        heard->strange++;
    if (!good && heard->torn++ == 0)
        snprintf(heard->first_torn, sizeof heard->first_torn, "a %s (kind %d) on track %u",
                 item->site->name.bytes, (int)item->kind, item->track->id);
}

/* ---- verdicts ------------------------------------------------------------------------------------- */

/* Where nothing was lost. */
static void check_lane(const struct lane_heard *heard, const struct lane *lane, size_t id,
                       enum lanes_kept kept) {
    bool all = kept == LANES_ALL || kept == LANES_ALL_BEFORE_SHUTDOWN;
    if (heard->begun == 0 && !all)
        return; /* what it recorded has been overwritten by others */
    torture_check(!all || (heard->whole >= lane->completed && heard->first == 0),
                  "lane %zu: %llu rounds are whole of %llu completed", id, (unsigned long long)heard->whole,
                  (unsigned long long)lane->completed);
    if (kept == LANES_DUMPS)
        return;
    torture_check(heard->next >= lane->completed, "lane %zu: the last round is %llu of %llu completed", id,
                  (unsigned long long)heard->next, (unsigned long long)lane->completed);
    /* One is being recorded; others are at the beginning of a flight recording, or from when the sites went off. */
    torture_check(heard->begun <= heard->whole + (kept == LANES_ALL ? 1 : 2),
                  "lane %zu: %llu rounds are begun, and %llu whole", id, (unsigned long long)heard->begun,
                  (unsigned long long)heard->whole);
    torture_check(heard->gaps == 0, "lane %zu: rounds are missing in between", id);
}

void lanes_check(const struct lanes_heard *heard, const struct lane *lanes, size_t count, uint64_t lost,
                 enum lanes_kept kept) {
    uint64_t missing = 0, whole = 0, completed = 0;
    torture_check(heard->torn == 0, "%llu items are torn, first: %s", (unsigned long long)heard->torn,
                  heard->first_torn);
    torture_check(heard->strange == 0, "%llu items that nobody recorded", (unsigned long long)heard->strange);
    for (size_t i = 0; i < count; i++) {
        const struct lane_heard *lane = &heard->lane[i];
        if (lost == 0)
            check_lane(lane, &lanes[i], i, kept);
        torture_check(lane->next <= lanes[i].begun, "lane %zu: round %llu of %llu begun", i,
                      (unsigned long long)lane->next, (unsigned long long)lanes[i].begun);
        torture_check(lane->unfinished <= 1 || kept == LANES_DUMPS, "lane %zu: %llu rounds are unfinished", i,
                      (unsigned long long)lane->unfinished);
        whole += lane->whole;
        completed += lanes[i].completed;
        missing += lanes[i].completed > lane->whole ? lanes[i].completed - lane->whole : 0;
    }
    if (kept == LANES_NEWEST || kept == LANES_DUMPS)
        torture_check(whole > 0 || completed == 0, "nothing is left of %llu rounds",
                      (unsigned long long)completed);
    else
        torture_check(missing <= lost, "%llu rounds are not whole, and %llu records lost",
                      (unsigned long long)missing, (unsigned long long)lost);
}
