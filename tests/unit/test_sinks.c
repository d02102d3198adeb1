/* runtime/sinks.c: what comes out of a trace, while it grows and at the end; and that neither a slow, a full nor a
 * broken place to write to holds anybody up. */
#define _GNU_SOURCE /* F_SETPIPE_SZ */
#include "../../runtime/sinks.h"
#include "json_check.h"
#include "make_trace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define TRACE "sinks.ptrace"
#define CHROME "sinks.json"
#define LINES "sinks.lines"

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void sleep_ms(long ms) {
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* ---- traces ------------------------------------------------------------------------------------------ */

/* Spans "outer" and, within it, "inner", on one track; the clock's ticks are nanoseconds. */
static void make_beginning(struct made *made) {
    made_header(made, 1);
    made_process(made, PERFTRACE_CLOCK_MONOTONIC);
    made_clock(made, 0, 0);
    made_span_site(made, 1, "outer");
    made_span_site(made, 2, "inner");
    made_track(made, 1, PERFTRACE_TRACK_THREAD, "main");
}

static void make_spans(struct made *made) {
    const uint64_t words[] = {BEGIN(1, 0, 1000), BEGIN(2, 1, 2000), END(2, 1, 3000), END(1, 0, 5000)};
    made_chunk(made, 1, 0, 0, 0, WORDS(words));
    made_sync(made, 6000);
    made_end(made, 4);
}

/* `count` chunks of 4000 short spans each, every one followed by a SYNC. */
static void make_many(struct made *made, unsigned count) {
    enum { SPANS = 4000 };
    static uint64_t words[2 * SPANS];
    for (unsigned i = 0; i < 2 * SPANS; i++)
        words[i] = i % 2 == 0 ? BEGIN(1, 0, i * 10) : END(1, 0, i * 10);
    for (unsigned i = 0; i < count; i++) {
        uint64_t base = (uint64_t)(i + 1) * 1000000;
        made_chunk(made, 1, i, 0, base, WORDS(words));
        made_sync(made, base + 999999);
    }
}

static int write_trace(const struct made *made) {
    int fd = open(TRACE, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, made->bytes, made->length), made->length);
    return fd;
}

/* ---- standard error ---------------------------------------------------------------------------------- */

static int saved_stderr;

static void redirect_stderr(int fd) {
    saved_stderr = dup(STDERR_FILENO);
    assert_true(saved_stderr >= 0);
    assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    close(fd);
}

static void restore_stderr(void) {
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
}

static void stderr_to_file(void) {
    int fd = open(LINES, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    redirect_stderr(fd);
}

/* Returns the end to read from. */
static int stderr_to_pipe(void) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    redirect_stderr(ends[1]);
    return ends[0];
}

/* ---- helpers ----------------------------------------------------------------------------------------- */

static struct perftrace_sinks *open_sinks(int fd, bool chrome, bool log, bool console) {
    const struct perftrace_sinks_options options = {
        .trace_fd = fd,
        .chrome_path = chrome ? CHROME : NULL,
        .lines = log || console ? perftrace_stderr_lines_open() : NULL,
        .log = log,
        .console = console,
    };
    struct perftrace_sinks *sinks = perftrace_sinks_open(&options);
    assert_non_null(sinks);
    return sinks;
}

static unsigned count_in_file(const char *path, const char *what) {
    char *text = read_whole_file(path, NULL);
    assert_non_null(text);
    unsigned count = 0;
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        const char *end = strchr(line, '\n');
        count += memmem(line, end == NULL ? strlen(line) : (size_t)(end - line), what, strlen(what)) != NULL;
    }
    free(text);
    return count;
}

static void assert_chrome_spans(unsigned all, unsigned unfinished) {
    assert_true(json_check_file(CHROME));
    assert_int_equal(count_in_file(CHROME, "\"ph\":\"X\""), all);
    assert_int_equal(count_in_file(CHROME, "\"unfinished\":true"), unfinished);
}

static void close_fully(struct perftrace_sinks *sinks) {
    int error = -1;
    assert_int_equal(perftrace_sinks_close(sinks, 20000, &error), 0);
    assert_int_equal(error, 0);
}

/* ---- all goes well ----------------------------------------------------------------------------------- */

static void everything_at_once(void **state) {
    (void)state;
    struct made made = {0};
    make_beginning(&made);
    make_spans(&made);
    int fd = write_trace(&made);
    stderr_to_file();
    struct perftrace_sinks *sinks = open_sinks(fd, true, true, true);
    perftrace_sinks_advance(sinks, made.length);
    bool done = perftrace_sinks_wait(sinks, 20000);
    int error;
    uint64_t missing = perftrace_sinks_close(sinks, 20000, &error);
    restore_stderr();
    assert_true(done);
    assert_int_equal(missing, 0);
    assert_int_equal(error, 0);
    assert_chrome_spans(2, 0);
    assert_int_equal(count_in_file(CHROME, "\"pid\":4711"), count_in_file(CHROME, "\"ph\":"));
    assert_int_equal(count_in_file(LINES, "PERF_TRACE|"), 2);
    assert_int_equal(count_in_file(LINES, "PERF_TRACE|2|inner|caller=outer|elapsed_ms=0|elapsed_us=1|"), 1);
    assert_int_equal(count_in_file(LINES, "[main]"), 2);
    close(fd);
    made_free(&made);
}

static void nothing_at_all(void **state) {
    (void)state;
    struct made made = {0};
    made_header(&made, 1);
    int fd = write_trace(&made);
    close_fully(open_sinks(fd, true, false, false)); /* never told of anything */
    assert_chrome_spans(0, 0);
    struct perftrace_sinks *sinks = open_sinks(fd, true, true, true);
    assert_true(perftrace_sinks_wait(sinks, 0));
    perftrace_sinks_advance(sinks, made.length);
    assert_true(perftrace_sinks_wait(sinks, 20000));
    close_fully(sinks);
    assert_chrome_spans(0, 0);
    close(fd);
    made_free(&made);
}

/* The file grows block by block; it is JSON all the time, and what a SYNC covers is in it. */
static void follows_a_growing_trace(void **state) {
    (void)state;
    struct made made = {0};
    make_beginning(&made);
    const uint64_t first[] = {BEGIN(1, 0, 1000)};
    const uint64_t then[] = {BEGIN(2, 1, 2000), END(2, 1, 3000)};
    int fd = write_trace(&made);
    struct perftrace_sinks *sinks = open_sinks(fd, true, false, false);
    for (unsigned step = 0; step < 4; step++) {
        size_t before = made.length;
        if (step == 1)
            made_chunk(&made, 1, 0, 0, 0, WORDS(first));
        if (step == 2)
            made_sync(&made, 1500);
        if (step == 3) {
            made_chunk(&made, 1, 0, 8, 0, WORDS(then));
            made_sync(&made, 4000);
        }
        if (made.length > before)
            assert_int_equal(write(fd, made.bytes + before, made.length - before), made.length - before);
        perftrace_sinks_advance(sinks, made.length);
        assert_true(perftrace_sinks_wait(sinks, 20000));
        assert_chrome_spans(step < 2 ? 0 : step - 1, step < 2 ? 0 : 1); /* what is open is shown */
    }
    close_fully(sinks);
    assert_chrome_spans(2, 1); /* "outer" has no end: it is seen as open */
    close(fd);
    made_free(&made);
}

/* A block longer than the buffer is to begin with, and blocks across its end. */
static void long_blocks(void **state) {
    (void)state;
    struct made made = {0};
    make_beginning(&made);
    static char padding[700000];
    made_block(&made, 999, padding, sizeof padding); /* of a kind not known */
    make_many(&made, 12);
    made_block(&made, 999, padding, 300000);
    int fd = write_trace(&made);
    struct perftrace_sinks *sinks = open_sinks(fd, true, false, false);
    perftrace_sinks_advance(sinks, made.length);
    close_fully(sinks);
    assert_chrome_spans(12 * 4000, 0);
    close(fd);
    made_free(&made);
}

/* Of the thread named perftrace-sink. */
static bool find_blocked_signals(unsigned long long *blocked) {
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    bool found = false;
    for (struct dirent *entry; !found && (entry = readdir(tasks)) != NULL;) {
        char path[300];
        snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
        char *status = read_whole_file(path, NULL);
        const char *mask = status == NULL ? NULL : strstr(status, "\nSigBlk:");
        if (mask != NULL && strncmp(status, "Name:\tperftrace-sink\n", 21) == 0) {
            *blocked = strtoull(mask + 8, NULL, 16);
            found = true;
        }
        free(status);
    }
    closedir(tasks);
    return found;
}

static void takes_no_signals(void **state) {
    (void)state;
#ifdef PERFTRACE_EMULATED /* qemu needs some signals itself */
    skip();
#endif
    struct made made = {0};
    made_header(&made, 1);
    int fd = write_trace(&made);
    struct perftrace_sinks *sinks = open_sinks(fd, true, false, false);
    perftrace_sinks_advance(sinks, made.length);
    assert_true(perftrace_sinks_wait(sinks, 20000)); /* now it has its name */
    unsigned long long blocked = 0;
    assert_true(find_blocked_signals(&blocked));
    const int signals[] = {SIGINT, SIGTERM, SIGCHLD, SIGALRM, SIGPROF, SIGUSR1, SIGPIPE, SIGXFSZ, SIGSEGV};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        assert_true((blocked >> (signals[i] - 1) & 1) != 0);
    sigset_t own;
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &own), 0);
    assert_false(sigismember(&own, SIGTERM)); /* the caller's mask is as before */
    close_fully(sinks);
    close(fd);
    made_free(&made);
}

/* ---- time runs out ----------------------------------------------------------------------------------- */

static void stops_in_the_middle(void **state) {
    (void)state;
    struct made made = {0};
    make_beginning(&made);
    make_many(&made, 600); /* a second's work, at least */
    int fd = write_trace(&made);
    struct perftrace_sinks *sinks = open_sinks(fd, true, false, false);
    perftrace_sinks_advance(sinks, made.length);
    assert_false(perftrace_sinks_wait(sinks, 20));
    uint64_t before = now_ms();
    int error = -1;
    uint64_t missing = perftrace_sinks_close(sinks, 20, &error);
    assert_true(now_ms() - before < 400);
    assert_int_equal(error, 0);
    assert_in_range(missing, 1, made.length);
    assert_true(json_check_file(CHROME));
    unsigned spans = count_in_file(CHROME, "\"ph\":\"X\"");
    assert_in_range(spans, 0, 600 * 4000 - 1);
    assert_true((uint64_t)spans * 16 + missing >=
                (uint64_t)600 * 4000 * 16); /* what is not missing is there */
    close(fd);
    made_free(&made);
}

static void stderr_that_nobody_reads(void **state) {
    (void)state;
    struct made made = {0};
    make_beginning(&made);
    make_many(&made, 1);
    int fd = write_trace(&made);
    int reading = stderr_to_pipe();
    struct perftrace_sinks *sinks = open_sinks(fd, true, true, false);
    perftrace_sinks_advance(sinks, made.length);
    uint64_t before = now_ms();
    bool done = perftrace_sinks_wait(sinks, 100);
    int error = -1;
    uint64_t missing = perftrace_sinks_close(sinks, 100, &error);
    uint64_t took = now_ms() - before;
    bool json = json_check_file(CHROME);
    /* Let the thread go, that it may free everything: the leak checker looks. */
    fcntl(reading, F_SETFL, O_NONBLOCK);
    static char lines[1 << 16];
    for (unsigned i = 0; i < 20; i++, sleep_ms(10))
        while (read(reading, lines, sizeof lines) > 0)
            ;
    restore_stderr();
    assert_false(done);
    assert_in_range(missing, 1, made.length);
    assert_true(json);
    assert_true(took < 2000);
    close(reading);
    close(fd);
    made_free(&made);
}

/* ---- places that fail -------------------------------------------------------------------------------- */

static void broken_stderr(void **state) {
    (void)state;
    struct made made = {0};
    make_beginning(&made);
    make_many(&made, 2);
    int fd = write_trace(&made);
    for (unsigned chrome = 0; chrome < 2; chrome++) {
        close(stderr_to_pipe()); /* EPIPE, and SIGPIPE for whoever has not blocked it */
        struct perftrace_sinks *sinks = open_sinks(fd, chrome != 0, true, true);
        perftrace_sinks_advance(sinks, made.length);
        int error = -1;
        uint64_t missing = perftrace_sinks_close(sinks, 20000, &error);
        restore_stderr();
        assert_int_equal(missing, 0);
        assert_int_equal(error, 0);
        if (chrome != 0)
            assert_chrome_spans(2 * 4000, 0);
    }
    close(fd);
    made_free(&made);
}

/* A program has made its standard error non-blocking, and the reader is slow: no line is lost. */
static void stderr_that_says_try_again(void **state) {
    (void)state;
    struct made made = {0};
    make_beginning(&made);
    make_many(&made, 1);
    int fd = write_trace(&made);
    int reading = stderr_to_pipe();
    fcntl(STDERR_FILENO, F_SETPIPE_SZ, 4096);
    fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK);
    struct perftrace_sinks *sinks = open_sinks(fd, false, true, false);
    perftrace_sinks_advance(sinks, made.length);
    sleep_ms(20);
    unsigned lines = 0;
    static char text[1000];
    while (lines < 4000) {
        ssize_t got = read(reading, text, sizeof text);
        assert_true(got > 0);
        for (ssize_t i = 0; i < got; i++)
            lines += text[i] == '\n';
    }
    int error = -1;
    uint64_t missing = perftrace_sinks_close(sinks, 20000, &error);
    restore_stderr();
    assert_int_equal(missing, 0);
    assert_int_equal(error, 0);
    close(reading);
    close(fd);
    made_free(&made);
}

/* The Chrome file can't grow: it keeps what fits, and the trace is not held up; SIGXFSZ reaches nobody. */
static void full_disk(void **state) {
    (void)state;
    struct made made = {0};
    make_beginning(&made);
    make_many(&made, 2);
    int fd = write_trace(&made);
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct perftrace_sinks *sinks = open_sinks(fd, true, false, false);
    limit = before;
    limit.rlim_cur = 50000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    perftrace_sinks_advance(sinks, made.length);
    bool done = perftrace_sinks_wait(sinks, 20000);
    int error = -1;
    uint64_t missing = perftrace_sinks_close(sinks, 20000, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(done);
    assert_int_equal(missing, 0);
    assert_int_equal(error, EFBIG);
    assert_true(json_check_file(CHROME));
    assert_in_range(count_in_file(CHROME, "\"ph\":\"X\""), 100, 4000); /* the beginning of it all */
    close(fd);
    made_free(&made);
}

static void bad_trace(int fd, uint64_t told, int expected_error, unsigned spans) {
    struct perftrace_sinks *sinks = open_sinks(fd, true, false, false);
    perftrace_sinks_advance(sinks, told);
    uint64_t before = now_ms();
    bool done = perftrace_sinks_wait(sinks, 20000);
    int error = -1;
    uint64_t missing = perftrace_sinks_close(sinks, 20000, &error);
    assert_false(done);
    assert_in_range(missing, 1, told);
    assert_int_equal(error, expected_error);
    assert_true(now_ms() - before < 10000); /* it does not wait for what will not come */
    assert_chrome_spans(spans, 0);
}

static void traces_that_can_not_be_read(void **state) {
    (void)state;
    struct made made = {0};
    make_beginning(&made);
    size_t beginning = made.length;
    make_spans(&made);
    int fd = write_trace(&made);
    assert_null(
        perftrace_sinks_open(&(struct perftrace_sinks_options){.trace_fd = -1, .chrome_path = CHROME}));
    assert_int_equal(errno, EBADF);
    bad_trace(fd, made.length + 16, ENODATA, 2); /* it has shrunk */
    bad_trace(fd, 20, EBADMSG, 0);               /* not even a header */
    bad_trace(fd, beginning + 8, EBADMSG, 0);    /* not a block's end */
    assert_int_equal(ftruncate(fd, (off_t)beginning + 40), 0);
    bad_trace(fd, made.length, ENODATA, 0);
    memset(made.bytes + beginning + 12, 0, 4); /* the marker */
    assert_int_equal(pwrite(fd, made.bytes, made.length, 0), made.length);
    bad_trace(fd, made.length, EBADMSG, 0);
    close(fd);
    made_free(&made);
}

static void no_chrome_file(void **state) {
    (void)state;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const struct perftrace_sinks_options options = {.trace_fd = fd, .chrome_path = "no/such/folder.json"};
    assert_null(perftrace_sinks_open(&options));
    assert_int_equal(errno, ENOENT);
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_at_once),
        cmocka_unit_test(nothing_at_all),
        cmocka_unit_test(follows_a_growing_trace),
        cmocka_unit_test(long_blocks),
        cmocka_unit_test(takes_no_signals),
        cmocka_unit_test(stops_in_the_middle),
        cmocka_unit_test(stderr_that_nobody_reads),
        cmocka_unit_test(broken_stderr),
        cmocka_unit_test(stderr_that_says_try_again),
        cmocka_unit_test(full_disk),
        cmocka_unit_test(traces_that_can_not_be_read),
        cmocka_unit_test(no_chrome_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
