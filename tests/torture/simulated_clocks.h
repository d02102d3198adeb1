/* A simulated machine: its clocks with all that clocks do, threads that record, and the drainer; and a check of what is read of
 * the trace against when things really were. */
#ifndef PERFTRACE_TESTS_SIMULATED_CLOCKS_H
#define PERFTRACE_TESTS_SIMULATED_CLOCKS_H

#include "../unit/make_trace.h"

#define MS 1000000.0
#define S (1000 * MS)
#define HOUR (3600 * S)

enum { TRACKS = 4, READINGS_MAX = 20000 };

/* What CLOCK_MONOTONIC does beside real time, and what the tick counter does beside both. Real time is the number of
 * nanoseconds for which the machine was awake. */
struct plan {
    const char *name;
    double ticks_per_ns;
    double seconds;
    double step_ns;      /* between records, on average */
    double slew_ppm;     /* the most, both ways … */
    double slew_each_ns; /* … changed so often; 0: a little with each record */
    double cycle_ns;     /* of the drainer */
    double starved_ns;   /* each tenth cycle comes so much later, at most */
    double wide_ns;      /* half of the bracket of each third reading, at most */
    double skew_ns;      /* between the processors' counters, at most; threads move all the time */
    double late_ns;      /* one record in a hundred is only there so much later, at most */
    double idle_ns;      /* one record in five hundred comes after so long, at most */
    unsigned suspends;   /* so many, each of an hour */
    bool resets;         /* in which the counter begins with zero; else it goes on */
    /* Instead of them the counter jumps, by so many ns' worth of ticks at most, both ways … */
    double jump_ns;
    double stop_ns;    /* … or stands still so long … */
    bool rate_changes; /* … or goes on at three times the rate, and then the old one */
    double set_ns;     /* by so much the time of day is set, once forward and then back */
    bool cut;          /* the program is killed: no reading follows */
};

struct reading {
    double at;
    uint64_t ns;
    uint32_t error;
    bool jumped;  /* the counter, since the last */
    double slack; /* what can't be told of that by its ticks: by so much times may be off besides */
};

struct sim {
    const struct plan *plan;
    uint64_t random;
    double now; /* real time */
    long double monotonic, ticks;
    double slew, slew_due, boottime_ahead, realtime_ahead;
    double jump_due, set_due, go_on_due, ticks_per_ns, slack;
    bool jumped;
    unsigned suspends_done, sets_done;
    struct made made;

    /* What was recorded: by number. */
    struct truth {
        double at;
        long double monotonic;
        uint32_t track;
    } * truth;
    size_t count, capacity;
    struct pending {
        size_t number;
        uint64_t tick;
        double there_at;
    } * pending[TRACKS];
    size_t pending_count[TRACKS], pending_capacity[TRACKS];
    uint64_t sequence[TRACKS];
    uint64_t skewed;

    /* The drainer. */
    double cycle_due, read_at;
    uint64_t ticks_before;
    struct reading readings[READINGS_MAX]; /* those that count */
    size_t reading_count;
    struct slew {
        double at, slew;
    } * slews; /* at which rate the clock went from when on */
    size_t slew_count, slew_capacity;

    /* What was read back. */
    struct perftrace_trace_info info;
    uint64_t heard, beyond, backwards, out_of_order;
    uint64_t last_ns[TRACKS + 1], last_of_all;
    size_t last_number[TRACKS + 1];
    double worst, worst_share; /* error, and error by its bound */
};

/* Runs the machine and reads its trace; what is not as it should be is a failed check. */
void simulate(struct sim *sim, const struct plan *plan, uint64_t seed);
void simulate_forget(struct sim *sim);

#endif
