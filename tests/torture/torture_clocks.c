/* The real recorder under clocks that do as they please: what it records has the times that CLOCK_MONOTONIC said just before
 * and after each record, as far as the readings are certain, and whatever was odd is told. */
#define PERF_TRACE 1
#define PERF_TARGET "torture"
#include "perftrace.h"
#include "torture.h"

#include "fake_clocks.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

enum { MARKS_MAX = 2000000, THREADS_MAX = 4 };

/* Shared with the processes that record. */
struct shared {
    unsigned count;  /* marks made so far */
    bool stop, rest; /* rest: nothing is to be recorded for a while */
    struct mark {
        uint64_t before, after; /* what perftrace_now_ns said */
    } marks[MARKS_MAX];
};
static struct shared *shared;

/* How the recording goes. */
struct plan {
    struct perftrace_config config;
    unsigned threads;
    unsigned pause_us; /* between records */
    int64_t skew_ticks;
    bool ticks_are_real; /* only the clocks are fake */
    bool before_init;    /* the first change comes before perftrace_init */
    void (*world)(void); /* changes the world meanwhile; returns when the recording is to stop */
    bool kill;           /* and it does not stop, but is killed */
};

static void sleep_ms(double ms) {
    nanosleep(&(struct timespec){(time_t)(ms / 1e3), (long)((uint64_t)(ms * 1e6) % 1000000000)}, NULL);
}

/* ---- the program ---------------------------------------------------------------------------------- */

static void mark(void) {
    unsigned number = __atomic_fetch_add(&shared->count, 1, __ATOMIC_RELAXED);
    if (number >= MARKS_MAX)
        exit(94);
    shared->marks[number].before = perftrace_now_ns();
    PERF_EVENT("mark", "number", number);
    shared->marks[number].after = perftrace_now_ns();
}

static void *make_marks(void *argument) {
    const struct plan *plan = argument;
    PERF_SPAN("thread");
    for (unsigned i = 0; !__atomic_load_n(&shared->stop, __ATOMIC_RELAXED); i++) {
        fake_tick_skew = i % 2 == 0 ? 0 : plan->skew_ticks;
        { PERF_SPAN("one"); }
        mark();
        if (plan->pause_us > 0)
            sleep_ms(plan->pause_us / 1e3);
        while (__atomic_load_n(&shared->rest, __ATOMIC_RELAXED))
            sleep_ms(1);
    }
    return NULL;
}

static void program(void *argument) {
    const struct plan *plan = argument;
    if (!plan->ticks_are_real && !fake_ticks_here())
        exit(95);
    if (plan->before_init)
        fake_clocks_change((struct fake_change){.ticks_per_ns = -1});
    if (perftrace_init(&plan->config) != 0)
        exit(90);
    pthread_t threads[THREADS_MAX];
    for (unsigned i = 1; i < plan->threads; i++)
        if (pthread_create(&threads[i], NULL, make_marks, argument) != 0)
            exit(96);
    make_marks(argument);
    for (unsigned i = 1; i < plan->threads; i++)
        pthread_join(threads[i], NULL);
}

static struct plan new_plan(void (*world)(void)) {
    struct plan plan = {.config = PERFTRACE_CONFIG_DEFAULT, .threads = 1, .pause_us = 200, .world = world};
    plan.config.chrome_output = false;
    return plan;
}

/* Runs it in a fresh folder; false: this machine can't fake ticks. */
static bool run(struct plan *plan) {
    torture_fresh_folder();
    if (shared == NULL)
        shared = torture_shared(sizeof *shared);
    memset(shared, 0, sizeof *shared);
    fake_clocks_begin();
    pid_t child = torture_start(program, plan);
    while (__atomic_load_n(&shared->count, __ATOMIC_RELAXED) < 10 && waitpid(child, NULL, WNOHANG) == 0)
        sleep_ms(1);
    plan->world();
    if (plan->kill)
        kill(child, SIGKILL);
    __atomic_store_n(&shared->stop, true, __ATOMIC_RELAXED);
    int status = torture_wait(child, 20);
    fake_clocks_end();
    if (WIFEXITED(status) && WEXITSTATUS(status) == 95) {
        torture_left_out("rdtsc can't be made to fault here");
        return false;
    }
    torture_check(plan->kill ? WIFSIGNALED(status) : status == 0, "status %x", (unsigned)status);
    return true;
}

/* ---- what its trace says -------------------------------------------------------------------------- */

struct seen {
    double allowed_ns; /* by so much a time may be off */
    uint64_t from, to; /* ns: only marks outside are checked */
    uint64_t marks, off, worst;
    bool seen[MARKS_MAX];
};

static void note_mark(void *context, const struct perftrace_item *item) {
    struct seen *seen = context;
    if (item->kind != PERFTRACE_ITEM_EVENT || !torture_is_named(item, "mark"))
        return;
    uint64_t number = item->values[0].u;
    if (!torture_check(number < shared->count && !seen->seen[number], "mark %llu",
                       (unsigned long long)number))
        return;
    seen->seen[number] = true;
    seen->marks++;
    const struct mark *mark = &shared->marks[number];
    if (mark->before >= seen->from && mark->before <= seen->to)
        return;
    uint64_t off = item->time_ns < mark->before                      ? mark->before - item->time_ns
                   : mark->after != 0 && item->time_ns > mark->after ? item->time_ns - mark->after
                                                                     : 0;
    if (off > seen->worst)
        seen->worst = off;
    if ((double)off > seen->allowed_ns && seen->off++ < 3)
        torture_check(false, "mark %llu is off by %llu ns, more than %.0f", (unsigned long long)number,
                      (unsigned long long)off, seen->allowed_ns);
}

/* The widest bracket and the longest time between two readings. */
static void measure_readings(const char *path, double *error_ns, double *between_ns) {
    size_t count;
    struct torture_reading *readings = torture_read_clocks(path, &count);
    *error_ns = *between_ns = 0;
    for (size_t i = 0; i < count; i++) {
        if (readings[i].error_ns > *error_ns)
            *error_ns = readings[i].error_ns;
        if (i > 0 && (double)(readings[i].ns - readings[i - 1].ns) > *between_ns)
            *between_ns = (double)(readings[i].ns - readings[i - 1].ns);
    }
    torture_check(count > 2, "%zu readings", count);
    free(readings);
}

/* Reads the trace and checks its times; those of the readings that the bound needs are in the trace. `rate_range`: how much
 * the clock's rate varied, in ns a ns. `more_ns`: what else they may be off. */
static struct torture_trace read_and_check(const struct plan *plan, double rate_range, double more_ns,
                                           uint64_t except_from, uint64_t except_to) {
    static struct seen seen;
    double error_ns, between_ns;
    measure_readings("trace.ptrace", &error_ns, &between_ns);
    seen = (struct seen){.from = except_from, .to = except_to};
    seen.allowed_ns = 50 + error_ns + rate_range * between_ns / 4 + more_ns;
    struct torture_trace trace = torture_read_intact("trace.ptrace", note_mark, &seen);
    torture_check(trace.lost == 0, "%llu records lost", (unsigned long long)trace.lost);
    torture_check(plan->kill || seen.marks == shared->count, "%llu marks of %u",
                  (unsigned long long)seen.marks, shared->count);
    torture_check(seen.marks > 10, "%llu marks", (unsigned long long)seen.marks);
    torture_check(seen.off == 0, "%llu times are off", (unsigned long long)seen.off);
    torture_note("%llu marks off by %.2f us at most (%.2f allowed), readings within %.2f us, %.0f ms apart",
                 (unsigned long long)seen.marks, (double)seen.worst / 1e3, seen.allowed_ns / 1e3,
                 error_ns / 1e3, between_ns / 1e6);
    return trace;
}

static struct torture_trace read_all(const struct plan *plan, double rate_range, double more_ns) {
    return read_and_check(plan, rate_range, more_ns, 1, 0);
}

static void nothing_odd(const struct torture_trace *trace, unsigned clock) {
    const struct perftrace_trace_info *info = &trace->info;
    torture_check(info->clock == clock, "clock %u", info->clock);
    torture_check(info->clock_jumps == 0 && info->suspended_ns == 0 && info->realtime_set_ns == 0,
                  "%u jumps, suspended for %llu ns, set by %lld ns", info->clock_jumps,
                  (unsigned long long)info->suspended_ns, (long long)info->realtime_set_ns);
    torture_check(info->clock_adjusted == 0, "%llu times moved", (unsigned long long)info->clock_adjusted);
}

/* Whether `perftrace info` says so. */
static void info_says(const char *what) {
    char command[512], line[512];
    bool said = false;
    snprintf(command, sizeof command, "COLUMNS=200 '%s' info trace.ptrace", getenv("PERFTRACE"));
    FILE *output = popen(command, "r");
    while (output != NULL && fgets(line, sizeof line, output) != NULL)
        said |= strstr(line, what) != NULL;
    torture_check(output != NULL && pclose(output) == 0 && said, "info does not say: %s", what);
}

/* The other clocks are read one after the other. */
static bool is_near(double ns, double expected) {
    return ns > expected - 100000 && ns < expected + 100000;
}

/* ---- cases ---------------------------------------------------------------------------------------- */

static double seconds(void) {
    return torture_is_full() ? 10 : 1;
}

static void go_on(void) {
    sleep_ms(seconds() * 1e3);
}

static void as_they_are(void) {
    struct plan plan = new_plan(go_on);
    if (!run(&plan))
        return;
    struct torture_trace trace = read_all(&plan, 0, 0);
    nothing_odd(&trace, 1);
}

static void slew_at_once(void) {
    for (double end = torture_now() + seconds(), ppm = 500; torture_now() < end; ppm = -ppm) {
        fake_clocks_change((struct fake_change){.slew_ppm = ppm});
        sleep_ms(170);
    }
}

static void slew_gradually(void) {
    double ppm = 0, step = 10;
    for (double end = torture_now() + seconds(); torture_now() < end; ppm += step) {
        if (ppm >= 500 || ppm <= -500)
            step = -step;
        fake_clocks_change((struct fake_change){.slew_ppm = ppm});
        sleep_ms(5);
    }
}

static void slewed(void) {
    struct plan plan = new_plan(slew_at_once);
    if (!run(&plan))
        return;
    struct torture_trace trace = read_all(&plan, 1000e-6, 0);
    nothing_odd(&trace, 1);
    plan = new_plan(slew_gradually);
    run(&plan);
    trace = read_all(&plan, 1000e-6, 0);
    nothing_odd(&trace, 1);
}

/* The drainer comes but every half second, and in between the rate changes. */
static void slewed_and_starved(void) {
    struct plan plan = new_plan(slew_at_once);
    plan.config.flush_ms = 500;
    if (!run(&plan))
        return;
    struct torture_trace trace = read_all(&plan, 1000e-6, 0);
    nothing_odd(&trace, 1);
}

#define HOUR_NS 3600000000000

static uint64_t suspended_at;

static void suspend_going_on(void) {
    sleep_ms(1200);
    suspended_at = perftrace_now_ns();
    fake_clocks_change((struct fake_change){.suspended_ns = HOUR_NS, .tick_step = HOUR_NS / 2 * 5});
    sleep_ms(500);
}

static void suspend_from_zero(void) {
    sleep_ms(1200);
    suspended_at = perftrace_now_ns();
    fake_clocks_change((struct fake_change){.suspended_ns = HOUR_NS, .tick_reset = true});
    sleep_ms(500);
}

static void longest_span(void *context, const struct perftrace_item *item) {
    if (item->kind == PERFTRACE_ITEM_SPAN_END && torture_is_named(item, "thread"))
        *(uint64_t *)context = item->call->elapsed_ns;
}

/* The times are right again at once; a span across it lasts as long as CLOCK_MONOTONIC went on. */
static void suspended(void) {
    void (*const worlds[])(void) = {suspend_going_on, suspend_from_zero};
    for (unsigned i = 0; i < 2; i++) {
        struct plan plan = new_plan(worlds[i]);
        plan.threads = 2;
        plan.config.chrome_output = true;
        if (!run(&plan))
            return;
        /* In the half second before it the rate was known as well as two readings allow. */
        struct torture_trace trace = read_all(&plan, 0, 2000);
        uint64_t elapsed = 0;
        torture_read("trace.ptrace", longest_span, &elapsed);
        torture_check(elapsed > 1500000000 && elapsed < 10000000000, "a span across it lasts %llu ns",
                      (unsigned long long)elapsed);
        torture_check(trace.info.clock_jumps == 1, "%u jumps", trace.info.clock_jumps);
        torture_check(is_near((double)trace.info.suspended_ns, HOUR_NS), "suspended for %llu ns",
                      (unsigned long long)trace.info.suspended_ns);
        torture_check(trace.info.realtime_set_ns == 0, "set by %lld ns",
                      (long long)trace.info.realtime_set_ns);
        info_says("the tick counter jumped once, which times leave out");
        info_says("the machine was suspended for 1.00 h");
        torture_check(torture_shell("jq -e '.traceEvents | length > 0' trace.json >jq.out 2>&1"),
                      "trace.json is not complete");
    }
}

/* What it recorded since has no reading after it that tells of the suspend. */
static void suspend_and_die(void) {
    sleep_ms(1000);
    suspended_at = perftrace_now_ns();
    fake_clocks_change((struct fake_change){.suspended_ns = HOUR_NS, .tick_reset = true});
    sleep_ms(8);
}

static void killed_after_a_suspend(void) {
    struct plan plan = new_plan(suspend_and_die);
    plan.kill = true;
    if (run(&plan))
        read_and_check(&plan, 0, 2000, suspended_at - 60000000, UINT64_MAX);
}

/* The last reading in the trace is from before the suspend; the ring file has a later one. */
static void rest_suspend_and_die(void) {
    sleep_ms(600);
    __atomic_store_n(&shared->rest, true, __ATOMIC_RELAXED);
    sleep_ms(300);
    fake_clocks_change((struct fake_change){.suspended_ns = HOUR_NS, .tick_reset = true});
    sleep_ms(1700);
    __atomic_store_n(&shared->rest, false, __ATOMIC_RELAXED);
    sleep_ms(8);
}

static void killed_after_a_rest(void) {
    struct plan plan = new_plan(rest_suspend_and_die);
    plan.kill = true;
    if (!run(&plan))
        return;
    for (unsigned i = 0; i < 2; i++) {
        struct torture_trace trace = read_all(&plan, 0, 5000);
        torture_check(trace.info.clock_jumps == 1, "%u jumps", trace.info.clock_jumps);
        if (i == 0) /* and the same when the rings have been folded in */
            torture_check(perftrace_reader_fold("trace.ptrace", NULL) == 1, "not folded");
    }
}

/* Nothing but a reading now and then is in the trace before its end. */
static void flight_recorder(void) {
    void (*const worlds[])(void) = {suspend_from_zero, slew_at_once};
    for (unsigned i = 0; i < 2; i++) {
        struct plan plan = new_plan(worlds[i]);
        plan.config.when_full = PERFTRACE_FULL_OVERWRITE;
        if (!run(&plan))
            return;
        struct torture_trace trace = read_all(&plan, i == 0 ? 0 : 1000e-6, 30000);
        torture_check(trace.info.clock_jumps == 1 - i, "%u jumps", trace.info.clock_jumps);
    }
}

/* Threads move between processors whose counters differ, across the boundary of the ticks' upper half too. */
static void ticks_run_backwards(void) {
    const int64_t skews[] = {-50000, 50000, -5000000, -8589934592 /* 2^33 */};
    for (size_t i = 0; i < sizeof skews / sizeof skews[0]; i++) {
        struct plan plan = new_plan(go_on);
        plan.threads = 2;
        plan.skew_ticks = skews[i];
        plan.pause_us = 0;
        if (!run(&plan))
            return;
        double skew_ns = skews[i] < 0 ? (double)-skews[i] / 2.5 : (double)skews[i] / 2.5;
        struct torture_trace trace = read_all(&plan, 0, skew_ns);
        torture_check(trace.info.clock == 1, "clock %u", trace.info.clock);
        torture_check(trace.info.clock_adjusted > 0, "it does not say that times were moved");
        info_says("times moved so as not to run backwards");
    }
}

static void stop_the_counter(void) {
    sleep_ms(500);
    fake_clocks_change((struct fake_change){.ticks_per_ns = -1});
    sleep_ms(400);
    fake_clocks_change((struct fake_change){.ticks_per_ns = 2.5});
    sleep_ms(300);
}

/* What was recorded meanwhile is from the reading before or after. */
static void the_counter_stops(void) {
    struct plan plan = new_plan(stop_the_counter);
    if (!run(&plan))
        return;
    double error_ns, between_ns;
    measure_readings("trace.ptrace", &error_ns, &between_ns);
    struct torture_trace trace = read_all(&plan, 0, 3 * between_ns);
    torture_check(trace.info.clock_jumps > 1, "%u jumps", trace.info.clock_jumps);
    info_says("the tick counter jumped");
}

/* From the beginning: the recorder sees that it is no clock. */
static void the_counter_does_not_count(void) {
    struct plan plan = new_plan(go_on);
    plan.before_init = true;
    if (!run(&plan))
        return;
    struct torture_trace trace = read_all(&plan, 0, -50);
    nothing_odd(&trace, 2);
    info_says("clock_gettime");
}

/* The same without a fault, as the kernel says so. */
static void the_kernel_does_not_trust_it(void) {
    struct plan plan = new_plan(slew_at_once);
    plan.ticks_are_real = true;
    fake_distrusted_ticks = true;
    run(&plan);
    struct torture_trace trace = read_all(&plan, 0, -50);
    nothing_odd(&trace, 2);
    info_says("clock_gettime");
}

static void set_the_day(void) {
    sleep_ms(300);
    fake_clocks_change((struct fake_change){.realtime_set_ns = 5 * HOUR_NS});
    sleep_ms(300);
    fake_clocks_change((struct fake_change){.realtime_set_ns = -12 * HOUR_NS});
    sleep_ms(300);
}

static void time_of_day_set(void) {
    struct plan plan = new_plan(set_the_day);
    if (!run(&plan))
        return;
    struct torture_trace trace = read_all(&plan, 0, 0);
    torture_check(is_near((double)-trace.info.realtime_set_ns, 7.0 * HOUR_NS) &&
                      trace.info.suspended_ns == 0 && trace.info.clock_jumps == 0,
                  "set by %lld ns", (long long)trace.info.realtime_set_ns);
    info_says("the time of day was set back by 7.00 h");
}

static void count_very_fast(void) {
    fake_clocks_change((struct fake_change){.ticks_per_ns = 1000});
    go_on();
}

static void count_very_slowly(void) {
    fake_clocks_change((struct fake_change){.ticks_per_ns = 0.001});
    go_on();
}

/* Ticks whose upper half changes many times between two records; and some that are a microsecond long. */
static void counters_fast_and_slow(void) {
    void (*const worlds[])(void) = {count_very_fast, count_very_slowly};
    for (unsigned i = 0; i < 2; i++) {
        struct plan plan = new_plan(worlds[i]);
        plan.pause_us = 6000;
        if (!run(&plan))
            return;
        /* The rate changed in the first milliseconds: until that is clear, times are off by what is between readings. */
        double error_ns, between_ns;
        measure_readings("trace.ptrace", &error_ns, &between_ns);
        struct torture_trace trace = read_and_check(&plan, 0, i == 0 ? 0 : 3000, 0,
                                                    shared->marks[0].before + (uint64_t)(5 * between_ns));
        torture_check(trace.info.clock == 1, "clock %u", trace.info.clock);
    }
}

int main(int argc, char **argv) {
    static const struct torture_case cases[] = {
        {"as_they_are", as_they_are},
        {"slewed", slewed},
        {"slewed_and_starved", slewed_and_starved},
        {"suspended", suspended},
        {"killed_after_a_suspend", killed_after_a_suspend},
        {"killed_after_a_rest", killed_after_a_rest},
        {"flight_recorder", flight_recorder},
        {"ticks_run_backwards", ticks_run_backwards},
        {"the_counter_stops", the_counter_stops},
        {"the_counter_does_not_count", the_counter_does_not_count},
        {"the_kernel_does_not_trust_it", the_kernel_does_not_trust_it},
        {"time_of_day_set", time_of_day_set},
        {"counters_fast_and_slow", counters_fast_and_slow},
    };
    return torture_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
