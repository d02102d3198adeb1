/* The simulated machine, and how far a time may be off: docs/decisions/0004-time.md. */
#include "simulated_clocks.h"

#include "torture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SETTLE_NS 40000

static void *grow(void *array, size_t count, size_t *capacity, size_t size) {
    if (count < *capacity)
        return array;
    *capacity = *capacity == 0 ? 1024 : *capacity * 2;
    array = realloc(array, *capacity * size);
    if (array == NULL)
        abort();
    return array;
}

static double random_part(struct sim *sim) {
    sim->random = sim->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(sim->random >> 11) * 0x1p-53;
}

static bool one_in(struct sim *sim, unsigned n) {
    return random_part(sim) * n < 1;
}

/* ---- the world ------------------------------------------------------------------------------------ */

static void set_slew(struct sim *sim, double slew) {
    sim->slew = slew;
    sim->slews = grow(sim->slews, sim->slew_count, &sim->slew_capacity, sizeof *sim->slews);
    sim->slews[sim->slew_count++] = (struct slew){sim->now, slew};
}

static void suspend(struct sim *sim) {
    sim->ticks = sim->plan->resets ? 0 : sim->ticks + (long double)(HOUR * sim->ticks_per_ns);
    sim->boottime_ahead += HOUR;
    sim->realtime_ahead += HOUR;
}

static void do_something_odd(struct sim *sim) {
    const struct plan *plan = sim->plan;
    sim->suspends_done++;
    sim->jump_due += plan->seconds * S / (plan->suspends + 1);
    sim->jumped = true;
    if (plan->jump_ns > 0) {
        double jump = plan->jump_ns * (2 * random_part(sim) - 1);
        sim->ticks += (long double)(jump * sim->ticks_per_ns);
        sim->slack = fabs(jump);
    } else if (plan->stop_ns > 0) {
        sim->ticks_per_ns = 0;
        sim->go_on_due = sim->now + plan->stop_ns;
    } else if (plan->rate_changes) {
        sim->ticks_per_ns = sim->suspends_done % 2 == 0 ? plan->ticks_per_ns : plan->ticks_per_ns * 3;
        sim->go_on_due = sim->now + 4 * plan->cycle_ns;
    } else {
        suspend(sim);
    }
}

/* Time passes. */
static void pass(struct sim *sim, double ns) {
    const struct plan *plan = sim->plan;
    sim->now += ns;
    sim->monotonic += (long double)(ns * (1 + sim->slew * 1e-6));
    sim->ticks += (long double)(ns * sim->ticks_per_ns);
    if (plan->slew_ppm > 0 && plan->slew_each_ns == 0) {
        double slew = sim->slew + (random_part(sim) - 0.5) * 2;
        set_slew(sim, fmax(-plan->slew_ppm, fmin(plan->slew_ppm, slew)));
    } else if (plan->slew_ppm > 0 && sim->now >= sim->slew_due) {
        set_slew(sim, one_in(sim, 2) ? plan->slew_ppm : -plan->slew_ppm);
        sim->slew_due = sim->now + plan->slew_each_ns * 2 * random_part(sim);
    }
    if (sim->suspends_done < plan->suspends && sim->now >= sim->jump_due)
        do_something_odd(sim);
    if (sim->go_on_due != 0 && sim->now >= sim->go_on_due) {
        sim->go_on_due = 0;
        if (plan->stop_ns > 0)
            sim->ticks_per_ns = plan->ticks_per_ns;
    }
    if (plan->set_ns != 0 && sim->sets_done < 2 && sim->now >= sim->set_due) {
        sim->realtime_ahead += sim->sets_done++ == 0 ? plan->set_ns : -plan->set_ns;
        sim->set_due += plan->seconds / 3 * S;
    }
}

/* ---- the recorder --------------------------------------------------------------------------------- */

static void record(struct sim *sim) {
    const struct plan *plan = sim->plan;
    uint32_t track = (uint32_t)(random_part(sim) * TRACKS);
    double skew = plan->skew_ns * random_part(sim) * sim->ticks_per_ns;
    double late = plan->late_ns > 0 && one_in(sim, 100) ? plan->late_ns * random_part(sim) : 0;
    sim->truth = grow(sim->truth, sim->count, &sim->capacity, sizeof *sim->truth);
    sim->truth[sim->count] = (struct truth){sim->now, sim->monotonic, track};
    struct pending **pending = &sim->pending[track];
    *pending = grow(*pending, sim->pending_count[track], &sim->pending_capacity[track], sizeof **pending);
    (*pending)[sim->pending_count[track]++] =
        (struct pending){sim->count++, (uint64_t)(sim->ticks - (long double)skew), sim->now + 1000 + late};
}

/* A CHUNK as the recorder makes it, with rebases where the ticks' upper half changes. Those records that are not there yet
 * hold back those behind them. */
static void drain_track(struct sim *sim, uint32_t track) {
    struct pending *pending = sim->pending[track];
    size_t count = 0, words = 0;
    while (count < sim->pending_count[track] && pending[count].there_at <= sim->now)
        count++;
    if (count == 0)
        return;
    uint64_t *chunk = malloc(count * 4 * sizeof *chunk);
    uint64_t base = pending[0].tick & ~(uint64_t)UINT32_MAX, first = base;
    for (size_t i = 0; i < count; i++) {
        if (pending[i].tick >> 32 != base >> 32) {
            base = pending[i].tick & ~(uint64_t)UINT32_MAX;
            chunk[words++] = made_word(PERFTRACE_RECORD_REBASE, 0, 0, 0);
            chunk[words++] = base;
        }
        chunk[words++] = made_word(PERFTRACE_RECORD_EVENT, 1, 0, (uint32_t)pending[i].tick);
        chunk[words++] = pending[i].number;
    }
    made_chunk(&sim->made, track + 1, sim->sequence[track]++, 0, first, chunk, words);
    free(chunk);
    sim->pending_count[track] -= count;
    memmove(pending, pending + count, sim->pending_count[track] * sizeof *pending);
}

/* A reading whose nanoseconds are off by as much as its error says, at most. */
static void read_clocks(struct sim *sim) {
    bool wide = sim->plan->wide_ns > 0 && one_in(sim, 3);
    double error = wide ? sim->plan->wide_ns * random_part(sim) : 15 + 25 * random_part(sim);
    double off = error * (2 * random_part(sim) - 1);
    struct perftrace_block_clock clock = {.ticks = (uint64_t)sim->ticks,
                                          .monotonic_ns = (uint64_t)(sim->monotonic + (long double)off),
                                          .error_ns = (uint32_t)error + 1};
    clock.realtime_ns = clock.monotonic_ns + (uint64_t)(1e18 + sim->realtime_ahead);
    clock.boottime_ns = clock.monotonic_ns + (uint64_t)sim->boottime_ahead;
    made_block(&sim->made, PERFTRACE_BLOCK_CLOCK, &clock, sizeof clock);
    sim->read_at = sim->now;
    const struct reading *last = &sim->readings[sim->reading_count - 1];
    if (sim->go_on_due != 0 && sim->reading_count > 0)
        sim->slack = 2 * (sim->now - last->at);
    /* Readers pass over what is too vague for the time since the last. */
    if (sim->reading_count > 0 &&
        (clock.monotonic_ns <= last->ns ||
         16 * ((uint64_t)clock.error_ns + last->error) > clock.monotonic_ns - last->ns))
        return;
    if (sim->reading_count == READINGS_MAX)
        abort();
    sim->readings[sim->reading_count++] =
        (struct reading){sim->now, clock.monotonic_ns, clock.error_ns, sim->jumped, sim->slack};
    sim->jumped = sim->go_on_due != 0;
    sim->slack = 0;
}

static void cycle(struct sim *sim) {
    const struct plan *plan = sim->plan;
    double settle = SETTLE_NS * sim->ticks_per_ns;
    uint64_t settled = sim->ticks > (long double)settle ? (uint64_t)(sim->ticks - (long double)settle) : 0;
    if ((uint64_t)sim->ticks == sim->ticks_before)
        settled = (uint64_t)sim->ticks + 1; /* the counter stands still */
    sim->ticks_before = (uint64_t)sim->ticks;
    for (uint32_t track = 0; track < TRACKS; track++)
        drain_track(sim, track);
    if (sim->now >= sim->read_at + 10 * MS) {
        pass(sim, 20000 * random_part(sim));
        read_clocks(sim);
        made_sync(&sim->made, settled);
    }
    sim->cycle_due = sim->now + plan->cycle_ns * (0.5 + random_part(sim));
    if (plan->starved_ns > 0 && one_in(sim, 10))
        sim->cycle_due += plan->starved_ns * random_part(sim);
}

static void begin(struct sim *sim, const struct plan *plan, uint64_t seed) {
    static const struct made_argument argument = {"number", PERFTRACE_TYPE_U64, PERFTRACE_ROLE_PARAMETER};
    *sim = (struct sim){.plan = plan, .random = seed * UINT64_C(0x9e3779b97f4a7c15)};
    random_part(sim);
    sim->now = 5 * S;
    sim->monotonic = 1e12L + (long double)(1e13 * random_part(sim));
    sim->ticks_per_ns = plan->ticks_per_ns;
    sim->ticks = sim->monotonic * (long double)plan->ticks_per_ns;
    sim->jump_due = sim->now + plan->seconds * S / (plan->suspends + 1);
    sim->set_due = sim->now + plan->seconds / 3 * S;
    set_slew(sim, 0);
    made_header(&sim->made, 7);
    made_process(&sim->made, PERFTRACE_CLOCK_TSC);
    for (uint32_t track = 0; track < TRACKS; track++)
        made_track(&sim->made, track + 1, PERFTRACE_TRACK_THREAD, "t");
    made_site(&sim->made, 1, PERFTRACE_RECORD_EVENT, 0, "e", &argument, 1);
    read_clocks(sim);
    pass(sim, (1 + 4 * random_part(sim)) * MS);
    read_clocks(sim);
    sim->cycle_due = sim->now;
}

/* ---- what is read --------------------------------------------------------------------------------- */

/* How much the clock's rate differs within [from, to], in ns a ns. */
static double rate_range(const struct sim *sim, double from, double to) {
    size_t at = 0;
    for (size_t low = 0, high = sim->slew_count; low < high;) { /* the last not after `from` */
        size_t middle = (low + high) / 2;
        if (sim->slews[middle].at <= from)
            at = middle, low = middle + 1;
        else
            high = middle;
    }
    double least = sim->slews[at].slew, most = least;
    for (; at < sim->slew_count && sim->slews[at].at <= to; at++) {
        least = fmin(least, sim->slews[at].slew);
        most = fmax(most, sim->slews[at].slew);
    }
    return (most - least) * 1e-6;
}

/* By how much the time of a record may be off. */
static double bound_of(const struct sim *sim, double at) {
    const struct plan *plan = sim->plan;
    size_t low = 0, high = sim->reading_count;
    while (low < high) { /* the first reading after it */
        size_t middle = (low + high) / 2;
        if (sim->readings[middle].at <= at)
            low = middle + 1;
        else
            high = middle;
    }
    /* Ticks are whole, those of readings too; skewed ones are off by that, and by what they were held up behind others. */
    double bound = 3 + 2 / plan->ticks_per_ns + plan->skew_ns;
    if (low == sim->reading_count) { /* killed: how the clock went during the last two seconds */
        const struct reading *last = &sim->readings[low - 1];
        double over = fmin(last->at - sim->readings[0].at, S);
        return bound + last->error +
               (at - last->at) * (rate_range(sim, last->at - 2 * S, at) + (80 + plan->wide_ns * 2) / over);
    }
    if (low == 0)
        low = 1;
    const struct reading *before = &sim->readings[low - 1], *after = &sim->readings[low];
    double between = after->at - before->at;
    /* What waited when the counter jumped may have been taken for what came after, and holds up what really did. The rate
     * is off by jumps that were too small to be seen: by less than a quarter. */
    double slack = after->slack + (low + 1 < sim->reading_count ? after[1].slack : 0);
    for (size_t i = low; i-- > 0 && sim->readings[i].at + 2 * between + plan->jump_ns > at;)
        slack += sim->readings[i].slack;
    bound += fmax(before->error, after->error) + 1.25 * slack;
    if (!after->jumped)
        return bound + rate_range(sim, before->at, after->at) * between / 4;
    /* The counter jumped in between: the rate is that of the last two seconds. */
    double over = fmin(before->at - sim->readings[0].at, S);
    return bound +
           between * (rate_range(sim, before->at - 2 * S, after->at) + (80 + plan->wide_ns * 2) / over);
}

static void check_item(void *context, const struct perftrace_item *item) {
    struct sim *sim = context;
    if (item->kind != PERFTRACE_ITEM_EVENT)
        return;
    size_t number = item->values[0].u;
    uint32_t track = item->track->id;
    const struct truth *truth = &sim->truth[number];
    sim->heard++;
    torture_check(truth->track + 1 == track, "%s: number %zu on track %u", sim->plan->name, number, track);
    torture_check(sim->last_number[track] <= number, "%s: number %zu after %zu", sim->plan->name, number,
                  sim->last_number[track]);
    sim->last_number[track] = number;
    sim->backwards += item->time_ns < sim->last_ns[track];
    sim->last_ns[track] = item->time_ns;
    sim->out_of_order += item->time_ns + 100 < sim->last_of_all;
    sim->last_of_all = item->time_ns;
    double error = fabs((double)((long double)item->time_ns - truth->monotonic));
    double bound = bound_of(sim, truth->at);
    if (error > bound && sim->beyond++ == 0)
        torture_check(false, "%s: at %.6f s a time is off by %.0f ns, more than %.0f", sim->plan->name,
                      truth->at / S, error, bound);
    sim->worst = fmax(sim->worst, error);
    sim->worst_share = fmax(sim->worst_share, error / bound);
}

static void tell_damage(void *context, const struct perftrace_error_info *what) {
    const struct sim *sim = context;
    torture_check(false, "%s: damage: %s", sim->plan->name, what->message);
}

void simulate(struct sim *sim, const struct plan *plan, uint64_t seed) {
    begin(sim, plan, seed);
    double end = sim->now + plan->seconds * S;
    while (sim->now < end) {
        double step = plan->step_ns * 2 * random_part(sim);
        if (plan->idle_ns > 0 && one_in(sim, 500))
            step = plan->idle_ns * random_part(sim);
        pass(sim, step);
        if (sim->now >= sim->cycle_due)
            cycle(sim);
        record(sim);
    }
    pass(sim, plan->late_ns + 2000);
    for (uint32_t track = 0; track < TRACKS; track++)
        drain_track(sim, track);
    if (!plan->cut) {
        read_clocks(sim);
        made_sync(&sim->made, UINT64_MAX);
        made_end(&sim->made, sim->count);
    }
    struct perftrace_stream *stream = perftrace_stream_open(
        &(struct perftrace_stream_options){.on_item = check_item, .on_damage = tell_damage, .context = sim});
    torture_check(made_feed(&sim->made, stream) == 0 && perftrace_stream_finish(stream) == 0, "%s: no memory",
                  plan->name);
    sim->info = *perftrace_stream_info(stream);
    perftrace_stream_close(stream);
    torture_check(sim->heard == sim->count, "%s: %llu of %zu records", plan->name,
                  (unsigned long long)sim->heard, sim->count);
    torture_check(sim->backwards == 0, "%s: time runs backwards %llu times", plan->name,
                  (unsigned long long)sim->backwards);
    torture_check(sim->beyond == 0, "%s, seed %llu: %llu of %zu times are off by more than they may be",
                  plan->name, (unsigned long long)seed, (unsigned long long)sim->beyond, sim->count);
    if (plan->late_ns == 0 && plan->skew_ns == 0 && plan->jump_ns == 0 && plan->stop_ns == 0 &&
        !plan->rate_changes)
        torture_check(sim->out_of_order == 0, "%s: %llu records before others that are earlier", plan->name,
                      (unsigned long long)sim->out_of_order);
}

void simulate_forget(struct sim *sim) {
    for (uint32_t track = 0; track < TRACKS; track++)
        free(sim->pending[track]);
    free(sim->slews);
    free(sim->truth);
    made_free(&sim->made);
}
