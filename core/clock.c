/* Clock readings: which of them count, where the counter jumped, and the line through them. */
#include "clock.h"

#include <string.h>

#define SLOPE_MIN 1e-4
#define SLOPE_MAX 1e6
#define SLOPE_OVER_NS                                                                                        \
    UINT64_C(1000000000)  /* the slope is measured over at least this, where there is as much */
#define CERTAIN_PARTS 16u /* a reading may be vague by this part of the time since the last */
/* A record has come before the reading beyond it. Where there is none any more it is beyond the last, but hardly by this
 * part of a jump. */
#define BEYOND_PARTS 16u
#define JUMP_TICKS_MAX 0x1p62

static double difference(uint64_t a, uint64_t b) {
    return (double)(int64_t)(a - b);
}

static uint64_t distance(uint64_t a, uint64_t b) {
    return (int64_t)(a - b) < 0 ? b - a : a - b;
}

/* Whether `value` differs from `expected` by no more than a quarter of that. */
static bool is_near(double value, double expected) {
    return value >= expected * 0.75 && value <= expected * 1.25;
}

static void keep(struct perftrace_clock *clock, uint64_t ticks, uint64_t ns, uint32_t error_ns) {
    if (clock->count == PERFTRACE_CLOCK_KEPT) {
        memmove(clock->kept, clock->kept + 1, sizeof clock->kept - sizeof clock->kept[0]);
        clock->count--;
        if (clock->same_rate > 0)
            clock->same_rate--;
    }
    clock->kept[clock->count++] = (struct perftrace_clock_point){ticks, ns};
    clock->last_error_ns = error_ns;
    clock->span = clock->quick_span = 0; /* no piece is chosen */
}

/* From the last reading that is long enough before the newest, or else the first. */
static void measure_slope(struct perftrace_clock *clock) {
    const struct perftrace_clock_point *newest = &clock->kept[clock->count - 1];
    uint32_t from = clock->count - 1;
    while (from > clock->same_rate && newest->ns - clock->kept[from].ns < SLOPE_OVER_NS)
        from--;
    clock->slope =
        (double)(newest->ns - clock->kept[from].ns) / difference(newest->ticks, clock->kept[from].ticks);
}

static void take_first(struct perftrace_clock *clock, uint64_t tick, uint64_t ns, uint32_t error_ns) {
    clock->count = 0;
    clock->first = (struct perftrace_clock_point){tick, ns};
    keep(clock, tick, ns, error_ns);
}

/* The counter jumped between the last reading and this: where the ticks expected meanwhile lead to, there it is now.
 * False: that can't be told in ticks. */
static bool jump(struct perftrace_clock *clock, uint64_t tick, double passed, double expected) {
    if (expected < 1 || expected > JUMP_TICKS_MAX)
        return false;
    uint64_t last = clock->kept[clock->count - 1].ticks;
    clock->went_back = passed < 0;
    clock->jumped_after = last;
    clock->old_offset = clock->offset;
    clock->offset = last + (uint64_t)expected - tick;
    clock->jumps++;
    return true;
}

/* Beside one reading or more. */
static enum perftrace_clock_verdict take_next(struct perftrace_clock *clock, uint64_t tick, uint64_t ns,
                                              uint32_t error_ns) {
    const struct perftrace_clock_point *last = &clock->kept[clock->count - 1];
    if (distance(ns, last->ns) < ((uint64_t)error_ns + clock->last_error_ns) * CERTAIN_PARTS)
        return PERFTRACE_CLOCK_UNCERTAIN;
    if (ns <= last->ns)
        return PERFTRACE_CLOCK_WRONG;
    double ns_passed = (double)(ns - last->ns), passed = difference(tick + clock->offset, last->ticks);
    double slope_passed = passed > 0 ? ns_passed / passed : 0;
    bool jumped = false;
    if (clock->count == 1) {
        if (slope_passed < SLOPE_MIN || slope_passed > SLOPE_MAX) {
            take_first(clock, tick, ns, error_ns);
            return PERFTRACE_CLOCK_WRONG;
        }
    } else if (!is_near(passed, ns_passed / clock->slope)) {
        if (clock->odd_slope > 0 && is_near(slope_passed, clock->odd_slope))
            clock->same_rate = clock->count - 1; /* no jump this time, nor the last: the rate is another */
        else if (jump(clock, tick, passed, ns_passed / clock->slope))
            jumped = true;
        else
            return PERFTRACE_CLOCK_WRONG;
    }
    clock->odd_slope = jumped ? slope_passed : 0;
    keep(clock, tick + clock->offset, ns, error_ns);
    measure_slope(clock);
    return PERFTRACE_CLOCK_TAKEN;
}

enum perftrace_clock_verdict perftrace_clock_read(struct perftrace_clock *clock, uint64_t tick, uint64_t ns,
                                                  uint32_t error_ns) {
    enum perftrace_clock_verdict verdict = PERFTRACE_CLOCK_TAKEN;
    if (ns > PERFTRACE_CLOCK_NS_MAX)
        return PERFTRACE_CLOCK_WRONG;
    if (!clock->identity) {
        if (clock->count == 0)
            take_first(clock, tick, ns, error_ns);
        else
            verdict = take_next(clock, tick, ns, error_ns);
        clock->ready |= clock->count > 1;
    }
    if (verdict == PERFTRACE_CLOCK_TAKEN)
        clock->pairs++;
    return verdict;
}

bool perftrace_clock_force(struct perftrace_clock *clock) {
    bool assumed = !clock->ready;
    if (assumed)
        clock->slope = 1;
    clock->ready = true;
    return assumed;
}

double perftrace_clock_ticks_per_second(const struct perftrace_clock *clock) {
    if (clock->identity)
        return 1e9;
    if (clock->count < 2)
        return 0;
    const struct perftrace_clock_point *last = &clock->kept[clock->count - 1];
    return (double)(last->ticks - clock->first.ticks) / (double)(last->ns - clock->first.ns) * 1e9;
}

uint64_t perftrace_clock_known_ticks(const struct perftrace_clock *clock) {
    if (clock->identity)
        return UINT64_MAX;
    return clock->count == 0 ? 0 : clock->kept[clock->count - 1].ticks;
}

/* Which of the two offsets a tick wants. What is on from before the jump is not later than the reading after it, and what
 * came since is not before the reading before it. */
uint64_t perftrace_clock_straight_after_jump(const struct perftrace_clock *clock, uint64_t tick) {
    uint64_t before = tick + clock->old_offset, after = tick + clock->offset;
    if ((int64_t)(after - clock->jumped_after) < 0)
        return before;
    if (!clock->went_back)
        return (int64_t)(before - clock->jumped_after) <= 0 ? before : after;
    uint64_t last = clock->kept[clock->count - 1].ticks;
    int64_t beyond = (int64_t)(after - last);
    return beyond > 0 && distance(before, last) / BEYOND_PARTS < (uint64_t)beyond ? before : after;
}

/* Of the chosen piece as much as is less than 2^52 ticks and 2^61 nanoseconds long: then no limit is near. */
static void choose_quick_span(struct perftrace_clock *clock) {
    double ticks = clock->piece_slope > 0x1p9 ? 0x1p61 / clock->piece_slope : 0x1p52;
    clock->quick_span = (double)clock->span < ticks ? clock->span : (uint64_t)ticks;
}

static void choose(struct perftrace_clock *clock, uint64_t ticks) {
    static const struct perftrace_clock_point nothing;
    uint32_t at = clock->count;
    while (at > 1 && clock->kept[at - 1].ticks > ticks)
        at--;
    if (at == clock->count) { /* beyond the last */
        clock->piece = at > 0 ? clock->kept[at - 1] : nothing;
        clock->piece_slope = clock->slope;
        clock->span = UINT64_MAX - clock->piece.ticks;
        return;
    }
    const struct perftrace_clock_point *from = &clock->kept[at - 1], *to = &clock->kept[at];
    clock->piece = *from;
    clock->piece_slope = (double)(to->ns - from->ns) / difference(to->ticks, from->ticks);
    clock->span = to->ticks - from->ticks;
}

void perftrace_clock_choose_piece(struct perftrace_clock *clock, uint64_t ticks) {
    choose(clock, ticks);
    choose_quick_span(clock);
}
