/* One page of C with perftrace: a little simulation that records where its time goes.
 *
 *     cc quickstart.c -DPERF_TRACE $(pkg-config --cflags --libs perftrace) -o quickstart && ./quickstart
 *     perftrace analyze trace.ptrace       or load trace.json in Chrome DevTools (Performance panel)
 */
#define PERF_TARGET "quickstart" /* what filters choose by, as in PERF_TRACE_FILTER=quickstart=debug,off */
#include <perftrace.h>

#include <stdio.h>
#include <stdlib.h>

enum { BODIES = 2000, FRAMES = 60 };

struct body {
    double position, speed;
};

static void load(struct body *bodies, const char *level) {
    PERF_SPAN("load", "level", level); /* lasts until the end of this block; "level" is a parameter */
    for (int i = 0; i < BODIES; i++)
        bodies[i] = (struct body){.position = i, .speed = (i % 7) - 3};
    PERF_METRIC("bodies", BODIES); /* a metric: something that is known only now */
}

static double energy(const struct body *bodies) {
    double sum = 0;
    for (int i = 0; i < BODIES; i++)
        sum += bodies[i].speed * bodies[i].speed / 2;
    return sum;
}

static void step(struct body *bodies, int frame) {
    PERF_SPAN("step", "frame", frame);
    int bounced = 0;
    for (int i = 0; i < BODIES; i++) {
        bodies[i].position += bodies[i].speed;
        if (bodies[i].position < 0 || bodies[i].position > BODIES) {
            bodies[i].speed = -bodies[i].speed;
            bounced++;
        }
    }
    PERF_METRIC("bounced", bounced);
    PERF_COUNTER("bounced", bounced); /* the same over time, drawn as a curve */
}

int main(void) {
    static struct body bodies[BODIES];
    int result = perftrace_init_default(); /* ./trace.ptrace and ./trace.json; TRACE_FILE says where else */
    if (result != 0)
        fprintf(stderr, "not traced: %s\n", perftrace_error_text(result));

    load(bodies, "meadow");
    PERF_EVENT("started", "frames", FRAMES);
    double total = 0;
    for (int frame = 0; frame < FRAMES; frame++) {
        step(bodies, frame);
        total += PERF_TIME("energy", energy(bodies)); /* an expression, timed */
        PERF_FRAME();                                 /* the end of a frame */
    }
    printf("mean energy %g\n", total / FRAMES);
    return EXIT_SUCCESS; /* the trace is completed at exit */
}
