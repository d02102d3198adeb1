/* Processes that send each other messages, each traced by itself: on the time scale that their traces share, every
 * message is sent before it is received, however soon after their start, and whatever became of them. */
#define _GNU_SOURCE /* pipe2 */
#define PERF_TRACE 1
#define PERF_TARGET "torture"
#include "perftrace.h"
#include "torture.h"

#include "fake_clocks.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PROCESSES_MAX = 8, MESSAGES_MAX = 8000000 };
#define STOP UINT64_MAX

/* A token goes round: process i reads from channel i and writes to the next one's. Each hop has a number. */
struct ring {
    unsigned processes;
    uint64_t messages;
    bool sockets;
    bool forever;       /* until they are killed */
    unsigned pause_us;  /* process 0 sleeps so long … */
    unsigned pause_all; /* … each time that so many messages have been sent */
    int ends[PROCESSES_MAX][2];
    unsigned self;
    uint64_t *passed; /* shared: the last number received */
    uint64_t *stop;   /* shared: process 0 is to end it */
};

static uint64_t *sent_ns, *received_ns; /* by number */
static uint64_t greatest;               /* number that was sent */

/* ---- the processes -------------------------------------------------------------------------------- */

static void make_channels(struct ring *ring) {
    static uint64_t *passed;
    if (passed == NULL)
        passed = torture_shared(2 * sizeof *passed);
    passed[0] = passed[1] = 0;
    ring->passed = &passed[0];
    ring->stop = &passed[1];
    for (unsigned i = 0; i < ring->processes; i++)
        if (ring->sockets ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ring->ends[i])
                          : pipe2(ring->ends[i], O_CLOEXEC)) {
            perror("a channel");
            exit(2);
        }
}

static void close_channels(struct ring *ring) {
    for (unsigned i = 0; i < ring->processes; i++) {
        close(ring->ends[i][0]);
        close(ring->ends[i][1]);
    }
}

static void send_number(const struct ring *ring, uint64_t number) {
    if (number != STOP)
        PERF_EVENT("send", "number", number);
    if (write(ring->ends[(ring->self + 1) % ring->processes][1], &number, sizeof number) != sizeof number)
        exit(91);
}

static uint64_t receive_number(const struct ring *ring) {
    uint64_t number;
    if (read(ring->ends[ring->self][0], &number, sizeof number) != sizeof number)
        exit(92);
    if (number != STOP) {
        PERF_EVENT("receive", "number", number);
        __atomic_store_n(ring->passed, number, __ATOMIC_RELAXED);
    }
    return number;
}

static void pass_messages(const struct ring *ring) {
    if (ring->self == 0)
        send_number(ring, 0);
    for (;;) {
        uint64_t number = receive_number(ring);
        bool stop = number == STOP || (!ring->forever && ring->self == 0 && number >= ring->messages) ||
                    (ring->self == 0 && __atomic_load_n(ring->stop, __ATOMIC_RELAXED) != 0);
        if (ring->self == 0 && ring->pause_all > 0 && number % ring->pause_all < ring->processes)
            nanosleep(&(struct timespec){ring->pause_us / 1000000, ring->pause_us % 1000000 * 1000}, NULL);
        if (!stop || number != STOP || ring->self + 1 < ring->processes)
            send_number(ring, stop ? STOP : number + 1);
        if (stop)
            return;
    }
}

static void init(unsigned self) {
    char path[32];
    snprintf(path, sizeof path, "p%u.ptrace", self);
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.chrome_output = false;
    config.trace_path = path;
    config.when_full = PERFTRACE_FULL_WAIT;
    if (perftrace_init(&config) != 0)
        exit(90);
}

static void take_part(void *argument) {
    init(((struct ring *)argument)->self);
    pass_messages(argument);
}

/* Process 0 forks the others after it has recorded something; they go on in traces of their own. */
static void take_part_forked(void *argument) {
    struct ring *ring = argument;
    init(0);
    for (unsigned i = 0; i < 100; i++)
        PERF_EVENT("before");
    pid_t children[PROCESSES_MAX];
    for (unsigned i = 1; i < ring->processes; i++)
        if ((children[i] = fork()) == 0) {
            ring->self = i;
            pass_messages(ring);
            exit(0);
        }
    ring->self = 0;
    pass_messages(ring);
    for (unsigned i = 1; i < ring->processes; i++) {
        int status = -1;
        waitpid(children[i], &status, 0);
        if (status != 0)
            exit(93);
    }
}

/* Runs them all; returns when they have ended. */
static void run_ring(struct ring *ring, double seconds) {
    pid_t children[PROCESSES_MAX];
    make_channels(ring);
    for (unsigned i = 0; i < ring->processes; i++) {
        ring->self = i;
        children[i] = torture_start(take_part, ring);
    }
    close_channels(ring);
    if (ring->forever) {
        double patience = torture_now() + 20;
        while (__atomic_load_n(ring->passed, __ATOMIC_RELAXED) < 10 && torture_now() < patience)
            nanosleep(&(struct timespec){0, 1000000}, NULL); /* not before all record */
        nanosleep(&(struct timespec){(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)},
                  NULL);
        for (unsigned i = 0; i < ring->processes; i++)
            kill(children[i], SIGKILL);
    }
    for (unsigned i = 0; i < ring->processes; i++) {
        int status = torture_wait(children[i], ring->forever ? 5 : seconds);
        torture_check(ring->forever ? WIFSIGNALED(status) : status == 0, "process %u ended with %x", i,
                      (unsigned)status);
    }
}

/* ---- what their traces say ------------------------------------------------------------------------ */

static void note_message(void *context, const struct perftrace_item *item) {
    (void)context;
    if (item->kind != PERFTRACE_ITEM_EVENT || item->value_count != 1)
        return;
    uint64_t number = item->values[0].u;
    if (!torture_check(number < MESSAGES_MAX, "message %llu", (unsigned long long)number))
        return;
    uint64_t *times = torture_is_named(item, "send") ? sent_ns : received_ns;
    torture_check(times[number] == 0, "message %llu twice", (unsigned long long)number);
    times[number] = item->time_ns;
    if (number > greatest)
        greatest = number;
}

static void forget_messages(void) {
    static const size_t bytes = MESSAGES_MAX * sizeof *sent_ns;
    if (sent_ns == NULL)
        sent_ns = malloc(bytes), received_ns = malloc(bytes);
    memset(sent_ns, 0, bytes);
    memset(received_ns, 0, bytes);
    greatest = 0;
}

static int is_trace(const struct dirent *entry) {
    size_t length = strlen(entry->d_name);
    return length > 7 && strcmp(entry->d_name + length - 7, ".ptrace") == 0;
}

static void read_all(unsigned processes) {
    struct dirent **entries;
    int count = scandir(".", &entries, is_trace, alphasort);
    uint8_t boot_id[16] = {0};
    torture_check(count == (int)processes, "%d traces of %u processes", count, processes);
    forget_messages();
    for (int i = 0; i < count; i++) {
        struct torture_trace trace = torture_read_intact(entries[i]->d_name, note_message, NULL);
        torture_check(trace.lost == 0, "%s: %llu records lost", entries[i]->d_name,
                      (unsigned long long)trace.lost);
        torture_check(trace.info.clock == 1, "%s: clock %u", entries[i]->d_name, trace.info.clock);
        torture_check(trace.info.clock_jumps == 0 && trace.info.clock_adjusted == 0,
                      "%s: %u jumps, %llu times moved", entries[i]->d_name, trace.info.clock_jumps,
                      (unsigned long long)trace.info.clock_adjusted);
        if (i > 0)
            torture_check(memcmp(boot_id, trace.info.boot_id, sizeof boot_id) == 0, "another boot");
        memcpy(boot_id, trace.info.boot_id, sizeof boot_id);
        free(entries[i]);
    }
    free(entries);
}

static int by_value(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Of messages [from, to): each was sent before it was received, or after it by no more than is allowed. */
static void check_messages(const char *what, uint64_t from, uint64_t to, uint64_t least, double allowed_ns) {
    int64_t *latency = malloc((to - from + 1) * sizeof *latency);
    uint64_t count = 0, backwards = 0;
    for (uint64_t i = from; i < to; i++)
        if (sent_ns[i] != 0 && received_ns[i] != 0) {
            latency[count++] = (int64_t)(received_ns[i] - sent_ns[i]);
            if ((double)latency[count - 1] < -allowed_ns && backwards++ < 3)
                torture_check(false, "message %llu is received %lld ns before it is sent",
                              (unsigned long long)i, (long long)(sent_ns[i] - received_ns[i]));
        }
    torture_check(backwards == 0, "%llu of %llu messages are received before they are sent",
                  (unsigned long long)backwards, (unsigned long long)count);
    if (torture_check(count >= least, "only %llu messages", (unsigned long long)count)) {
        qsort(latency, count, sizeof *latency, by_value);
        torture_note("%s%llu messages, sent to received: least %.2f us, median %.2f us, most %.0f us", what,
                     (unsigned long long)count, (double)latency[0] / 1e3, (double)latency[count / 2] / 1e3,
                     (double)latency[count - 1] / 1e3);
        if (allowed_ns > 0)
            torture_note("least allowed -%.2f us", allowed_ns / 1e3);
    }
    free(latency);
}

/* ---- one process ---------------------------------------------------------------------------------- */

enum { MARKS_MAX = 4000000 };
static struct mark {
    uint64_t before, after, told;
} * marks; /* what perftrace_now_ns said around each record, and the trace */

static void make_marks(void *argument) {
    uint64_t count = *(uint64_t *)argument;
    init(0);
    for (uint64_t i = 0; i < count; i++) {
        marks[i].before = perftrace_now_ns();
        PERF_EVENT("mark", "number", i);
        marks[i].after = perftrace_now_ns();
        if (i % 1000 == 999)
            nanosleep(&(struct timespec){0, 2000000}, NULL);
    }
}

static void note_mark(void *context, const struct perftrace_item *item) {
    (void)context;
    if (item->kind == PERFTRACE_ITEM_EVENT && torture_check(item->values[0].u < MARKS_MAX, "a mark"))
        marks[item->values[0].u].told = item->time_ns;
}

/* A record's time lies between what the clock said before and after it, from the first on. */
static void as_clock_gettime_says(void) {
    torture_fresh_folder();
    uint64_t count = torture_times(200000, MARKS_MAX), outside = 0;
    marks = torture_shared(MARKS_MAX * sizeof *marks);
    int status = torture_run(make_marks, &count, 120);
    torture_check(status == 0, "status %x", (unsigned)status);
    struct torture_trace trace = torture_read_intact("p0.ptrace", note_mark, NULL);
    torture_check(trace.events == count && trace.lost == 0, "%llu of %llu marks",
                  (unsigned long long)trace.events, (unsigned long long)count);
    /* The brackets of the readings, and a tick that the processor reads a little out of order. */
    int64_t allowed = (int64_t)trace.info.clock_error_ns + 50, *apart = malloc(count * sizeof *apart);
    int64_t worst = 0;
    for (uint64_t i = 0; i < count; i++) {
        const struct mark *mark = &marks[i];
        int64_t early = (int64_t)(mark->before - mark->told), late = (int64_t)(mark->told - mark->after);
        worst = early > worst ? early : late > worst ? late : worst;
        outside += early > allowed || late > allowed;
        apart[i] = early < 0 ? -early : early;
    }
    torture_check(outside == 0,
                  "%llu times are more than %lld ns outside of what the clock said before and after",
                  (unsigned long long)outside, (long long)allowed);
    qsort(apart, count, sizeof *apart, by_value);
    torture_check(apart[count * 99 / 100] < 1000, "p99 of the difference is %lld ns",
                  (long long)apart[count * 99 / 100]);
    torture_note(
        "%llu records, time and clock before: median %lld, p99 %lld, most %lld ns; outside of both clocks by "
        "%lld ns at most (%lld allowed)",
        (unsigned long long)count, (long long)apart[count / 2], (long long)apart[count * 99 / 100],
        (long long)apart[count - 1], (long long)worst, (long long)allowed);
    free(apart);
    munmap(marks, MARKS_MAX * sizeof *marks);
}

/* ---- how far their mappings are apart ------------------------------------------------------------- */

/* Nanoseconds from `from` to the time at `ticks`, which lies between two readings; false: it does not. */
static bool interpolate(const struct torture_reading *readings, size_t count, size_t *at, uint64_t ticks,
                        uint64_t from, double *ns) {
    while (*at + 1 < count && readings[*at + 1].ticks < ticks)
        ++*at;
    if (*at + 1 >= count || readings[*at].ticks > ticks)
        return false;
    const struct torture_reading *a = &readings[*at], *b = a + 1;
    *ns = (double)(int64_t)(a->ns - from) +
          (double)(ticks - a->ticks) * (double)(b->ns - a->ns) / (double)(b->ticks - a->ticks);
    return true;
}

/* The times that two traces give to the same tick, over all of the time that they share. */
static void compare_mappings(const char *path_a, const char *path_b) {
    size_t count_a, count_b, at_a = 0, at_b = 0, n = 0;
    struct torture_reading *a = torture_read_clocks(path_a, &count_a),
                           *b = torture_read_clocks(path_b, &count_b);
    static int64_t apart[100000];
    if (torture_check(count_a > 2 && count_b > 2, "%zu and %zu readings", count_a, count_b)) {
        uint64_t first = a[0].ticks > b[0].ticks ? a[0].ticks : b[0].ticks;
        uint64_t last =
            a[count_a - 1].ticks < b[count_b - 1].ticks ? a[count_a - 1].ticks : b[count_b - 1].ticks;
        enum { PARTS = sizeof apart / sizeof *apart };
        for (size_t i = 0; i < PARTS; i++) {
            uint64_t ticks = first + (last - first) / PARTS * i;
            double x, y;
            if (interpolate(a, count_a, &at_a, ticks, a[0].ns, &x) &&
                interpolate(b, count_b, &at_b, ticks, a[0].ns, &y))
                apart[n++] = (int64_t)(x > y ? x - y : y - x);
        }
        torture_check(n > PARTS / 2, "they share %zu of %d", n, PARTS);
        qsort(apart, n, sizeof *apart, by_value);
        torture_note("mappings apart: median %lld, p99 %lld, most %lld ns", (long long)apart[n / 2],
                     (long long)apart[n * 99 / 100], (long long)apart[n - 1]);
    }
    free(a);
    free(b);
}

/* ---- cases ---------------------------------------------------------------------------------------- */

static void over_a_pipe(void) {
    torture_fresh_folder();
    struct ring ring = {.processes = 2, .messages = torture_times(50000, 1500000)};
    run_ring(&ring, 120);
    read_all(2);
    check_messages("", 0, greatest + 1, ring.messages, 0);
    compare_mappings("p0.ptrace", "p1.ptrace");
}

/* With two readings of the clocks each, which are a few milliseconds apart. */
static void in_the_first_milliseconds(void) {
    uint64_t first = UINT64_MAX;
    for (unsigned long i = 0; i < torture_times(30, 1000); i++) {
        torture_fresh_folder();
        struct ring ring = {.processes = 2, .messages = 500};
        run_ring(&ring, 20);
        read_all(2);
        for (uint64_t k = 0; k <= greatest; k++)
            if (received_ns[k] - sent_ns[k] < first)
                first = received_ns[k] - sent_ns[k];
        bool last = i + 1 == torture_times(30, 1000);
        if (last)
            check_messages("of the last run, ", 0, greatest + 1, 500, 0);
        else {
            for (uint64_t k = 0; k <= greatest; k++)
                torture_check(received_ns[k] >= sent_ns[k], "run %lu, message %llu: %lld ns", i,
                              (unsigned long long)k, (long long)(received_ns[k] - sent_ns[k]));
        }
    }
    torture_note("least of all runs %.2f us", (double)first / 1e3);
}

static void round_a_ring(void) {
    torture_fresh_folder();
    struct ring ring = {.processes = 6, .messages = torture_times(30000, 500000), .sockets = true};
    run_ring(&ring, 120);
    read_all(6);
    check_messages("", 0, greatest + 1, ring.messages, 0);
}

/* Bursts with pauses in which nothing is recorded. */
static void with_pauses(void) {
    torture_fresh_folder();
    struct ring ring = {
        .processes = 2, .messages = torture_times(2000, 30000), .pause_us = 100000, .pause_all = 100};
    run_ring(&ring, 120);
    read_all(2);
    check_messages("", 0, greatest + 1, ring.messages, 0);
    compare_mappings("p0.ptrace", "p1.ptrace");
}

/* ---- a clock that is slewed meanwhile ---- */

static void slew_to(double *ppm, double to) {
    *ppm = to;
    fake_clocks_change((struct fake_change){.slew_ppm = to});
}

/* By how much two lines through readings of a clock may differ whose rate varies by `range_per_s` in a second, and by
 * `range` at most. */
static double slew_bound(double range_per_s, double range) {
    double bound = 0;
    for (unsigned i = 0; i < 2; i++) {
        size_t count;
        struct torture_reading *readings = torture_read_clocks(i == 0 ? "p0.ptrace" : "p1.ptrace", &count);
        for (size_t k = 1; k < count; k++) {
            double between = (double)(readings[k].ns - readings[k - 1].ns);
            double varies = range_per_s * between / 1e9 < range ? range_per_s * between / 1e9 : range;
            double off = varies * between / 4 + readings[k].error_ns + readings[k - 1].error_ns;
            bound = off > bound ? off : bound;
        }
        free(readings);
    }
    return bound;
}

static void run_slewed(double step_ppm, long step_ms, double *bound, double range_per_s, double range) {
    torture_fresh_folder();
    struct ring ring = {.processes = 2, .forever = true};
    pid_t children[2];
    double ppm = 0, end = torture_now() + (torture_is_full() ? 12 : 2);
    fake_clocks_begin();
    make_channels(&ring);
    for (unsigned i = 0; i < 2; i++) {
        ring.self = i;
        children[i] = torture_start(take_part, &ring);
    }
    while (torture_now() < end) {
        if (ppm + step_ppm > 500 || ppm + step_ppm < -500)
            step_ppm = -step_ppm;
        slew_to(&ppm, ppm + step_ppm);
        nanosleep(&(struct timespec){0, step_ms * 1000000}, NULL);
    }
    __atomic_store_n(ring.stop, 1, __ATOMIC_RELAXED);
    close_channels(&ring);
    for (unsigned i = 0; i < 2; i++)
        torture_check(torture_wait(children[i], 20) == 0, "process %u ended with an error", i);
    fake_clocks_end();
    read_all(2);
    *bound = slew_bound(range_per_s, range);
}

/* Little by little, as NTP does it: each message is sent before it is received. At once, by 500 ppm: as far as two lines agree
 * whose readings are some 50 ms apart. */
static void over_a_slewed_clock(void) {
    double bound;
    run_slewed(1, 5, &bound, 200e-6, 1000e-6);
    check_messages("little by little: ", 0, greatest + 1, 1000, bound > 2000 ? bound : 0);
    run_slewed(500, 170, &bound, 1, 500e-6);
    check_messages("at once: ", 0, greatest + 1, 1000, bound);
}

static void parent_and_children(void) {
    torture_fresh_folder();
    struct ring ring = {.processes = 3, .messages = torture_times(30000, 300000)};
    make_channels(&ring);
    pid_t child = torture_start(take_part_forked, &ring);
    close_channels(&ring);
    int status = torture_wait(child, 120);
    torture_check(status == 0, "status %x", (unsigned)status);
    read_all(3);
    check_messages("", 0, greatest + 1, ring.messages, 0);
}

/* What was in the rings has no reading after it. */
static void killed(void) {
    uint64_t count = 0;
    for (unsigned long i = 0; i < torture_times(5, 100); i++) {
        torture_fresh_folder();
        struct ring ring = {.processes = 2, .forever = true};
        run_ring(&ring, 0.001 + 0.02 * (double)(i % 20));
        read_all(2);
        for (uint64_t k = 0; k <= greatest; k++)
            if (sent_ns[k] != 0 && received_ns[k] != 0) {
                torture_check(received_ns[k] >= sent_ns[k], "run %lu, message %llu: %lld ns", i,
                              (unsigned long long)k, (long long)(received_ns[k] - sent_ns[k]));
                count++;
            }
    }
    torture_note("%llu messages", (unsigned long long)count);
}

/* Killed after a long time in which nothing was recorded. */
static void killed_after_a_pause(void) {
    torture_fresh_folder();
    double pause = torture_is_full() ? 10 : 1;
    struct ring ring = {
        .processes = 2, .forever = true, .pause_us = (unsigned)(pause * 1e6), .pause_all = 1000};
    run_ring(&ring, pause * 1.0 + 0.5);
    read_all(2);
    check_messages("", 0, greatest + 1, 100, 0);
}

int main(int argc, char **argv) {
    static const struct torture_case cases[] = {
        {"as_clock_gettime_says", as_clock_gettime_says},
        {"over_a_pipe", over_a_pipe},
        {"in_the_first_milliseconds", in_the_first_milliseconds},
        {"round_a_ring", round_a_ring},
        {"with_pauses", with_pauses},
        {"over_a_slewed_clock", over_a_slewed_clock},
        {"parent_and_children", parent_and_children},
        {"killed", killed},
        {"killed_after_a_pause", killed_after_a_pause},
    };
    return torture_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
