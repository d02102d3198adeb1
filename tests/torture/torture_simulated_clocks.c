/* Traces of simulated clocks, with all that clocks do: each record's time is compared with when it really was, and the bound
 * that docs/decisions/0004-time.md gives holds; time never runs backwards on a track; and what was odd is told. */
#include "simulated_clocks.h"

#include "torture.h"

#include <math.h>

/* Runs a plan with several seeds; then `and_check` looks at each. */
static void run_plan(struct plan plan, void (*and_check)(const struct sim *sim)) {
    static struct sim sim;
    double worst = 0, share = 0;
    uint64_t records = 0;
    if (plan.ticks_per_ns == 0)
        plan.ticks_per_ns = 2.5;
    if (plan.seconds == 0)
        plan.seconds = 5;
    if (plan.step_ns == 0)
        plan.step_ns = 200000;
    if (plan.cycle_ns == 0)
        plan.cycle_ns = 50 * MS;
    for (unsigned long seed = 1; seed <= torture_times(3, 100); seed++) {
        simulate(&sim, &plan, seed);
        if (and_check != NULL)
            and_check(&sim);
        worst = fmax(worst, sim.worst);
        share = fmax(share, sim.worst_share);
        records += sim.heard;
        simulate_forget(&sim);
    }
    torture_note("%s: off by %.2f us at most, %.0f %% of the bound", plan.name, worst / 1e3, share * 100);
    torture_check(records > 0, "%s: nothing", plan.name);
}

/* ---- cases ---------------------------------------------------------------------------------------- */

static void nothing_odd(const struct sim *sim) {
    torture_check(sim->info.clock_jumps == 0 && sim->info.suspended_ns == 0 && sim->info.realtime_set_ns == 0,
                  "%s: %u jumps, suspended for %llu ns, set by %lld ns", sim->plan->name,
                  sim->info.clock_jumps, (unsigned long long)sim->info.suspended_ns,
                  (long long)sim->info.realtime_set_ns);
    torture_check(sim->info.clock_adjusted == 0, "%s: %llu times moved", sim->plan->name,
                  (unsigned long long)sim->info.clock_adjusted);
}

static void counters_slow_and_fast(void) {
    run_plan((struct plan){.name = "1 MHz", .ticks_per_ns = 0.001}, nothing_odd);
    run_plan((struct plan){.name = "24 MHz", .ticks_per_ns = 0.024}, nothing_odd);
    run_plan((struct plan){.name = "1 GHz", .ticks_per_ns = 1}, nothing_odd);
    run_plan((struct plan){.name = "6 GHz", .ticks_per_ns = 6}, nothing_odd);
    run_plan((struct plan){.name = "1 THz", .ticks_per_ns = 1000}, nothing_odd);
}

static void slewed(void) {
    run_plan((struct plan){.name = "500 ppm, little by little", .slew_ppm = 500}, nothing_odd);
    run_plan((struct plan){.name = "500 ppm at once", .slew_ppm = 500, .slew_each_ns = S}, nothing_odd);
    run_plan((struct plan){.name = "10 % at once", .slew_ppm = 1e5, .slew_each_ns = S}, nothing_odd);
}

static void a_starved_drainer(void) {
    run_plan((struct plan){.name = "starved", .starved_ns = 3 * S, .seconds = 20, .step_ns = 1e6},
             nothing_odd);
    run_plan((struct plan){.name = "starved and slewed",
                           .starved_ns = 3 * S,
                           .seconds = 20,
                           .step_ns = 1e6,
                           .slew_ppm = 500,
                           .slew_each_ns = S},
             nothing_odd);
    run_plan((struct plan){.name = "busy", .cycle_ns = 200000, .step_ns = 20000, .seconds = 1}, nothing_odd);
}

static void wide_brackets(void) {
    run_plan((struct plan){.name = "preempted readings", .wide_ns = 3 * MS}, nothing_odd);
    run_plan((struct plan){.name = "and slewed", .wide_ns = 3 * MS, .slew_ppm = 500, .slew_each_ns = S},
             nothing_odd);
}

/* Ticks that pass 2^32 many times between two records. */
static void long_pauses(void) {
    run_plan((struct plan){.name = "pauses", .idle_ns = 100 * S, .seconds = 2000, .step_ns = 10 * MS},
             nothing_odd);
    run_plan(
        (struct plan){
            .name = "at 6 GHz", .ticks_per_ns = 6, .idle_ns = 100 * S, .seconds = 2000, .step_ns = 10 * MS},
        nothing_odd);
}

static void was_suspended(const struct sim *sim) {
    const struct plan *plan = sim->plan;
    torture_check(sim->info.clock_jumps == plan->suspends, "%s: %u jumps of %u", plan->name,
                  sim->info.clock_jumps, plan->suspends);
    double off = (double)sim->info.suspended_ns - plan->suspends * HOUR;
    torture_check(fabs(off) < 1e4, "%s: suspended for %llu ns", plan->name,
                  (unsigned long long)sim->info.suspended_ns);
    torture_check(sim->info.realtime_set_ns > -10000 && sim->info.realtime_set_ns < 10000,
                  "%s: set by %lld ns", plan->name, (long long)sim->info.realtime_set_ns);
}

static void suspended(void) {
    run_plan((struct plan){.name = "an hour's suspend", .suspends = 1}, was_suspended);
    run_plan((struct plan){.name = "from zero", .suspends = 1, .resets = true}, was_suspended);
    run_plan((struct plan){.name = "three", .suspends = 3, .seconds = 20}, was_suspended);
    run_plan((struct plan){.name = "three from zero", .suspends = 3, .resets = true, .seconds = 20},
             was_suspended);
    run_plan((struct plan){.name = "slewed",
                           .suspends = 3,
                           .seconds = 20,
                           .slew_ppm = 500,
                           .slew_each_ns = S,
                           .late_ns = 30 * MS},
             was_suspended);
    run_plan(
        (struct plan){
            .name = "starved, from zero", .suspends = 2, .resets = true, .seconds = 20, .starved_ns = 2 * S},
        was_suspended);
}

static void told_of_jumps(const struct sim *sim) {
    torture_check(sim->info.clock_jumps > 0, "%s: it does not say that the counter jumped", sim->plan->name);
    torture_check(sim->info.suspended_ns == 0, "%s: suspended for %llu ns", sim->plan->name,
                  (unsigned long long)sim->info.suspended_ns);
}

/* Of jumps that are about as long as the time between two readings a record's tick does not tell whether it was before or
 * after. */
static void odd_counters(void) {
    run_plan(
        (struct plan){.name = "jumps by up to 200 ms", .suspends = 20, .seconds = 20, .jump_ns = 200 * MS},
        told_of_jumps);
    run_plan((struct plan){.name = "by up to 5 s", .suspends = 20, .seconds = 20, .jump_ns = 5 * S},
             told_of_jumps);
    run_plan((struct plan){.name = "stops for a second", .suspends = 5, .seconds = 20, .stop_ns = S},
             told_of_jumps);
    run_plan((struct plan){.name = "another rate", .suspends = 4, .seconds = 20, .rate_changes = true},
             told_of_jumps);
}

static void told_of_moves(const struct sim *sim) {
    torture_check(sim->info.clock_adjusted > 0, "%s: it does not say that times were moved", sim->plan->name);
    torture_check(sim->info.clock_jumps == 0, "%s: %u jumps", sim->plan->name, sim->info.clock_jumps);
}

/* Processors whose counters differ: a thread that moves sees ticks run backwards. */
static void ticks_run_backwards(void) {
    run_plan((struct plan){.name = "by 20 us", .skew_ns = 20000, .step_ns = 5000, .seconds = 1},
             told_of_moves);
    run_plan((struct plan){.name = "by 2 ms", .skew_ns = 2 * MS, .step_ns = 50000, .seconds = 2},
             told_of_moves);
}

static void late_records(void) {
    run_plan((struct plan){.name = "20 ms late", .late_ns = 20 * MS}, nothing_odd);
    run_plan((struct plan){.name = "300 ms late", .late_ns = 300 * MS, .slew_ppm = 500, .slew_each_ns = S},
             nothing_odd);
}

static void day_was_set(const struct sim *sim) {
    double off = (double)sim->info.realtime_set_ns - sim->plan->set_ns;
    torture_check(fabs(off) < 1e4, "%s: set by %lld ns", sim->plan->name,
                  (long long)sim->info.realtime_set_ns);
    torture_check(sim->info.clock_jumps == 0 && sim->info.suspended_ns == 0 && sim->info.clock_adjusted == 0,
                  "%s: %u jumps", sim->plan->name, sim->info.clock_jumps);
}

static void time_of_day_set(void) {
    run_plan((struct plan){.name = "forward", .set_ns = 5 * HOUR}, day_was_set);
    run_plan((struct plan){.name = "back", .set_ns = -5 * HOUR}, day_was_set);
}

static void killed_programs(void) {
    run_plan((struct plan){.name = "killed", .cut = true}, nothing_odd);
    run_plan((struct plan){.name = "killed, slewed", .cut = true, .slew_ppm = 500, .slew_each_ns = S},
             nothing_odd);
    run_plan((struct plan){.name = "killed, suspended before", .cut = true, .suspends = 1}, was_suspended);
}

int main(int argc, char **argv) {
    static const struct torture_case cases[] = {
        {"counters_slow_and_fast", counters_slow_and_fast},
        {"slewed", slewed},
        {"a_starved_drainer", a_starved_drainer},
        {"wide_brackets", wide_brackets},
        {"long_pauses", long_pauses},
        {"suspended", suspended},
        {"odd_counters", odd_counters},
        {"ticks_run_backwards", ticks_run_backwards},
        {"late_records", late_records},
        {"time_of_day_set", time_of_day_set},
        {"killed_programs", killed_programs},
    };
    return torture_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
