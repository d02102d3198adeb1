/* Programs killed at random instants: all that had been recorded is read back, and nothing is torn. */
#define PERF_TRACE 1
#define PERF_TARGET "lanes"
#include "killed.h"
#include "perftrace.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What the program to be killed tells of itself, in shared memory. */
static struct told {
    int begun;  /* perftrace_init has returned */
    int ending; /* perftrace_shutdown is about to be called */
    int counted;
    unsigned rings_before; /* … its beginning, when counted */
    uint32_t lanes;
    struct lane lane[LANES_MAX];
    uint64_t completed_before[LANES_MAX]; /* … that call */
} * told;

/* When, counted from what, it is killed. */
enum moment {
    BEGINNING, /* from the fork on: within perftrace_init, mostly */
    FIRST,     /* from when perftrace_init has returned: around the threads' first records */
    AT_WORK,
    ENDING, /* from when perftrace_shutdown is called */
    MOMENTS,
};

struct program {
    unsigned threads;
    bool short_threads; /* they end after some rounds, and others begin */
    bool hurry;         /* they do not pause: segments fill up, one after the other */
    bool small;         /* buffers: there are too few of them at times */
    enum perftrace_when_full when_full;
    enum moment moment;
    bool flushes;
};

static struct lanes_heard heard;
static unsigned long kills[MOMENTS], rounds_read, records_lost;

/* ---- the program ---------------------------------------------------------------------------------- */

static const struct program *self;

static void pause_ns(long ns) {
    nanosleep(&(struct timespec){0, ns}, NULL);
}

static void work(struct lane *lane, uint32_t id) {
    PERF_SPAN("around", "lane", id);
    for (uint64_t i = 0; !self->short_threads || i < 20; i++) {
        lane_round(lane, id);
        if (!self->hurry && i % 16 == 0)
            pause_ns(200000);
    }
}

static uint32_t new_lane(void) {
    return __atomic_fetch_add(&told->lanes, 1, __ATOMIC_SEQ_CST);
}

static void *work_in_thread(void *argument) {
    uint32_t id = new_lane();
    if (id < LANES_MAX)
        work(&told->lane[id], id);
    return argument;
}

static void *work_in_short_threads(void *argument) {
    for (pthread_t thread; told->lanes < LANES_MAX;)
        if (pthread_create(&thread, NULL, work_in_thread, NULL) == 0)
            pthread_join(thread, NULL);
    return argument;
}

static void start_threads(void) {
    pthread_t thread;
    for (unsigned i = 0; i < self->threads; i++)
        if (pthread_create(&thread, NULL, self->short_threads ? work_in_short_threads : work_in_thread,
                           NULL) != 0)
            _exit(91);
}

static void run(void *program) {
    self = program;
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.when_full = self->when_full;
    if (self->small) {
        config.process_buffer_bytes = 1 << 20;
        config.thread_buffer_bytes = 256 << 10;
    }
    config.flush_ms = 5;
    told->rings_before = killed_rings_left(getpid());
    __atomic_store_n(&told->counted, 1, __ATOMIC_SEQ_CST);
    if (perftrace_init(&config) != 0)
        _exit(90);
    __atomic_store_n(&told->begun, 1, __ATOMIC_SEQ_CST);
    start_threads();
    if (self->moment == ENDING) {
        pause_ns(3000000);
        for (uint32_t i = 0; i < LANES_MAX; i++)
            told->completed_before[i] = __atomic_load_n(&told->lane[i].completed, __ATOMIC_SEQ_CST);
        __atomic_store_n(&told->ending, 1, __ATOMIC_SEQ_CST);
        perftrace_shutdown();
        _exit(0);
    }
    for (;;) {
        pause_ns(1000000);
        if (self->flushes)
            perftrace_flush();
    }
}

/* ---- the kill ------------------------------------------------------------------------------------- */

static uint64_t random_state;

static unsigned random_below(unsigned limit) { /* xorshift64, Marsaglia 2003 */
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 16) % limit;
}

/* Waits, without sleeping, until a flag is set. */
static void await(const int *flag) {
    for (double end = torture_now() + 5; !__atomic_load_n(flag, __ATOMIC_SEQ_CST) && torture_now() < end;)
        continue;
}

static void await_moment(const struct program *program) {
    static const double latest[MOMENTS] = {0.004, 0.001, 0.020, 0.004};
    if (program->moment == FIRST || program->moment == AT_WORK)
        await(&told->begun);
    if (program->moment == ENDING)
        await(&told->ending);
    double end = torture_now() + latest[program->moment] * random_below(1000) / 1000;
    while (torture_now() < end)
        continue;
}

static void check_threads(const struct killed *killed, const struct program *program, uint64_t lost) {
    for (size_t i = 0; i < killed->lane_count; i++) {
        const struct lane_heard *lane = &heard.lane[i];
        rounds_read += lane->whole;
        if (lane->begun == 0 || program->short_threads || lost > 0)
            continue;
        torture_check(lane->next >= killed->lanes[i].completed,
                      "lane %zu: the last round is %llu of %llu completed", i, (unsigned long long)lane->next,
                      (unsigned long long)killed->lanes[i].completed);
        torture_check(program->when_full == PERFTRACE_FULL_OVERWRITE ||
                          (lane->around == 1 && lane->around_at_end == 1),
                      "lane %zu: the span around it is not open at the end", i);
    }
}

static void kill_one(struct program *program) {
    torture_fresh_folder();
    memset(told, 0, sizeof *told);
    pid_t child = torture_start(run, program);
    await_moment(program);
    kill(child, SIGKILL);
    int status = torture_wait(child, 10);
    torture_check((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
                      (program->moment == ENDING && status == 0),
                  "status %x", (unsigned)status);
    struct killed killed = {.pid = child,
                            .lanes = told->lane,
                            .lane_count = told->lanes < LANES_MAX ? told->lanes : LANES_MAX,
                            .begun = told->begun,
                            .rings_before = told->counted ? told->rings_before : killed_rings_left(child),
                            .chrome = true};
    if (program->when_full == PERFTRACE_FULL_OVERWRITE)
        killed.kept = program->flushes ? LANES_DUMPS : LANES_NEWEST;
    else if (told->ending)
        killed.kept = LANES_ALL_BEFORE_SHUTDOWN;
    if (told->ending)
        for (size_t i = 0; i < killed.lane_count; i++)
            told->lane[i].completed = told->completed_before[i];
    struct torture_trace trace = killed_check(&killed, &heard);
    check_threads(&killed, program, trace.lost);
    torture_check(program->when_full != PERFTRACE_FULL_WAIT || trace.lost == 0 || told->ending,
                  "%llu records are lost though a full ring waits", (unsigned long long)trace.lost);
    kills[program->moment]++;
    records_lost += trace.lost;
}

static bool one_in(unsigned n) {
    return random_below(n) == 0;
}

static void kill_many(unsigned threads) {
    told = torture_shared(sizeof *told);
    random_state = threads;
    memset(kills, 0, sizeof kills);
    rounds_read = records_lost = 0;
    for (unsigned long i = 0; i < torture_times(32, 1000); i++) {
        struct program program = {.threads = threads,
                                  .moment = (enum moment)(i % MOMENTS),
                                  .short_threads = one_in(3),
                                  .hurry = one_in(4),
                                  .small = one_in(3),
                                  .flushes = one_in(3)};
        if (program.small)
            program.when_full = (enum perftrace_when_full)random_below(3);
        kill_one(&program);
    }
    torture_note("%lu kills while it began, %lu at first records, %lu at work, %lu at shutdown",
                 kills[BEGINNING], kills[FIRST], kills[AT_WORK], kills[ENDING]);
    torture_note("%lu rounds read back, %lu records counted as lost", rounds_read, records_lost);
}

static void one_thread(void) {
    kill_many(1);
}

static void eight_threads(void) {
    kill_many(8);
}

int main(int argc, char **argv) {
    static const struct torture_case cases[] = {{"one thread", one_thread}, {"eight threads", eight_threads}};
    return torture_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
