/* runtime/page_file.c: the file is JSON at every moment, holds every event that was not reported as lost, and
 * no fault of the disk or of other people changes that. */
#define _GNU_SOURCE /* unshare, memfd_create's flags */
#include "../../runtime/page_file.h"
#include "json_check.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PATH "page_file.json"
#define EVENT_MAX PERFTRACE_PAGE_FILE_EVENT_BYTES

/* ---- faults: these stand before libc's ------------------------------------------------------------- */

static struct {
    long after;  /* pwrites from now on that go well; < 0: all */
    long faults; /* then so many go wrong … */
    int error;   /* … with this; 0: they write only a part */
    bool no_memfd;
} fault = {.after = -1};

ssize_t pwrite(int fd, const void *buf, size_t n, off_t offset) {
    if (fault.after > 0)
        fault.after--;
    else if (fault.after == 0 && fault.faults > 0) {
        fault.faults--;
        if (fault.error != 0) {
            errno = fault.error;
            return -1;
        }
        n = (n + 1) / 2;
    }
    return syscall(SYS_pwrite64, fd, buf, n, offset);
}

int memfd_create(const char *name, unsigned flags) {
    if (!fault.no_memfd)
        return (int)syscall(SYS_memfd_create, name, flags);
    errno = ENOSYS;
    return -1;
}

/* ---- events ---------------------------------------------------------------------------------------- */

static uint64_t random_state = 1;

static unsigned random_below(unsigned limit) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state % limit);
}

/* An event of so many bytes, at least 30, that tells its number. */
static const char *make_event(unsigned number, size_t length) {
    static char text[EVENT_MAX + 100];
    int used = snprintf(text, sizeof text, "{\"i\":%u,\"s\":\"", number);
    memset(text + used, 'x', length - (size_t)used - 2);
    memcpy(text + length - 2, "\"}", 3);
    return text;
}

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define FILLER X50 X50 X50 X50

static int write_event(struct perftrace_page_file *file, unsigned number, size_t length) {
    struct perftrace_output *output = perftrace_page_file_output(file);
    return output->write(output, make_event(number, length), length);
}

/* Events that hold for the moment, which tell their numbers otherwise: as many as fit of `count`. Returns how many did. */
static unsigned write_provisional(struct perftrace_page_file *file, unsigned count) {
    if (random_below(3) == 0)
        perftrace_page_file_make_room(file);
    struct perftrace_output *output = perftrace_page_file_provisional(file);
    for (unsigned i = 0; i < count; i++) {
        char text[300];
        int length =
            snprintf(text, sizeof text, "{\"p\":%u,\"s\":\"%.*s\"}", i, (int)random_below(200), FILLER);
        if (output->write(output, text, (size_t)length) != 0)
            return i;
    }
    return count;
}

/* Mostly like real ones, some tiny, some as long as can be. */
static size_t random_length(void) {
    unsigned kind = random_below(10);
    return 30 + (kind == 0 ? random_below(EVENT_MAX - 29) : kind == 1 ? random_below(4) : random_below(200));
}

/* The file is JSON and tells of events 0, 1, 2 … but for those that are `missing` (may be NULL). Returns how
 * many there are, which is `expected` unless that is ANY. */
enum { ANY = 1 << 30 };
static unsigned assert_events(const char *path, unsigned expected, const bool *missing) {
    assert_true(json_check_file(path));
    size_t length;
    char *text = read_whole_file(path, &length);
    const char *at = text;
    unsigned next = 0, count = 0;
    while ((at = memchr(at, '\n', length - (size_t)(at - text))) != NULL) { /* each event begins a line */
        if (strncmp(++at, "{\"i\":", 5) != 0)
            continue;
        while (missing != NULL && missing[next])
            next++;
        if (strtoul(at + 5, NULL, 10) != next)
            fail_msg("event %u is not where it should be", next);
        next++;
        count++;
    }
    free(text);
    if (expected != ANY)
        assert_int_equal(count, expected);
    return count;
}

static struct perftrace_page_file *open_file(const char *path) {
    struct perftrace_page_file *file = perftrace_page_file_open(path);
    assert_non_null(file);
    return file;
}

static off_t size_of(const char *path) {
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_size;
}

/* ---- what is in the file --------------------------------------------------------------------------- */

static void without_events(void **state) {
    (void)state;
    struct perftrace_page_file *file = open_file(PATH);
    assert_events(PATH, 0, NULL);
    assert_int_equal(perftrace_page_file_flush(file), 0);
    assert_int_equal(perftrace_page_file_close(file), 0);
    char *text = read_whole_file(PATH, NULL);
    assert_string_equal(text, "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n]}");
    free(text);
    assert_int_equal(perftrace_page_file_close(NULL), 0);
}

static void valid_after_each_write(void **state) {
    (void)state;
    for (unsigned round = 0; round < 8; round++) {
        fault.no_memfd = round % 4 == 3;
        struct perftrace_page_file *file = open_file(PATH);
        unsigned written = 0, flushed = 0;
        while (written < 100) {
            assert_int_equal(write_event(file, written++, random_length()), 0);
            if (round % 2 == 0 && random_below(3) == 0)
                write_provisional(file, random_below(10));
            bool flush = random_below(4) == 0;
            if (flush)
                assert_int_equal(perftrace_page_file_flush(file), 0);
            flushed = flush ? written : flushed;
            unsigned count = assert_events(PATH, ANY, NULL);
            assert_in_range(count, flushed, written);
        }
        assert_int_equal(perftrace_page_file_lost(file), 0);
        assert_int_equal(perftrace_page_file_close(file), 0);
        assert_events(PATH, written, NULL);
    }
    fault.no_memfd = false;
}

static unsigned count_provisional(void) {
    unsigned count = 0;
    char *text = read_whole_file(PATH, NULL);
    for (const char *at = text; (at = strstr(at, "\n{\"p\":")) != NULL; at++)
        count++;
    free(text);
    return count;
}

/* What holds for the moment is in the file after a flush, behind all else, until something else comes or goes. */
static void provisional_events(void **state) {
    (void)state;
    struct perftrace_page_file *file = open_file(PATH);
    unsigned number = 0, shown = write_provisional(file, 3); /* nothing before them */
    assert_int_equal(shown, 3);
    for (unsigned round = 0; round < 300; round++) {
        assert_int_equal(perftrace_page_file_flush(file), 0);
        assert_events(PATH, number, NULL);
        assert_int_equal(count_provisional(), shown);
        off_t size = size_of(PATH);
        assert_int_equal(perftrace_page_file_flush(file), 0); /* nothing to do */
        assert_int_equal(size_of(PATH), size);
        switch (random_below(3)) {
        case 0: /* an event takes their place */
            assert_int_equal(write_event(file, number++, random_length()), 0);
            shown = 0;
            break;
        case 1: /* others do, fewer ones perhaps */
            shown = write_provisional(file, random_below(8));
            break;
        default: /* events, and others after them */
            for (unsigned i = 0; i < 3; i++)
                assert_int_equal(write_event(file, number++, random_length()), 0);
            shown = write_provisional(file, 5);
        }
    }
    perftrace_page_file_make_room(file);
    assert_true(write_provisional(file, 1000) >= 9); /* half a page, at 220 bytes each */
    assert_false(perftrace_page_file_make_room(file) && perftrace_page_file_make_room(file));
    assert_true(write_provisional(file, 1000) >= 9);
    assert_int_equal(perftrace_page_file_flush(file), 0);
    assert_true(count_provisional() >= 9);
    assert_int_equal(perftrace_page_file_close(file), 0);
    assert_events(PATH, number, NULL);
    assert_int_equal(count_provisional(), 0);
}

/* The closing moves on from every place that it can be at in a page. */
static void every_alignment(void **state) {
    (void)state;
    const size_t head = strlen("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[") + 1;
    for (size_t length = 30; length <= EVENT_MAX; length++) {
        struct perftrace_page_file *file = open_file(PATH);
        assert_int_equal(write_event(file, 0, length), 0);
        if (length % 2 == 0)
            assert_int_equal(perftrace_page_file_flush(file), 0);
        /* what remains of the page is one byte too small for the next */
        size_t remains = 4096 - head - length - 3;
        size_t next = remains - 2 + 1 < 30 ? 30 : remains - 2 + 1;
        assert_int_equal(write_event(file, 1, next > EVENT_MAX ? EVENT_MAX : next), 0);
        assert_events(PATH, next > EVENT_MAX ? ANY : 1, NULL);
        assert_int_equal(perftrace_page_file_close(file), 0);
        assert_events(PATH, 2, NULL);
        if (next <= EVENT_MAX)
            assert_true(size_of(PATH) > 4096);
    }
}

static void longest_events(void **state) {
    (void)state;
    struct perftrace_page_file *file = open_file(PATH);
    for (unsigned i = 0; i < 40; i++)
        assert_int_equal(write_event(file, i, EVENT_MAX), 0);
    assert_int_equal(write_event(file, 40, EVENT_MAX + 1), -EMSGSIZE);
    assert_int_equal(perftrace_page_file_lost(file), 1);
    assert_int_equal(perftrace_page_file_close(file), 0);
    assert_events(PATH, 40, NULL);
    assert_in_range(size_of(PATH), 39 * 4096, 40 * 4096);
}

/* ---- killed ---------------------------------------------------------------------------------------- */

static void sleep_us(long us) {
    nanosleep(&(struct timespec){.tv_sec = 0, .tv_nsec = us * 1000}, NULL);
}

static void write_until_killed(const char *path) {
    struct perftrace_page_file *file = perftrace_page_file_open(path);
    if (file == NULL)
        _exit(1);
    for (unsigned i = 0;; i++) {
        if (write_event(file, i, random_length()) != 0)
            _exit(1);
        if (random_below(20) == 0)
            write_provisional(file, random_below(10));
        if (random_below(30) == 0 && perftrace_page_file_flush(file) != 0)
            _exit(1);
    }
}

#ifdef PERFTRACE_SANITIZED /* forks and checks are slow then */
enum { KILLS = 20 };
#else
enum { KILLS = 200 };
#endif

static void killed_at_random(void **state) {
    (void)state;
    char path[64];
    snprintf(path, sizeof path, "/dev/shm/perftrace-test-%d.json", (int)getpid());
    unsigned beyond_first_page = 0;
    for (unsigned round = 0; round < KILLS; round++) {
        const char *here = round % 2 == 0 || access("/dev/shm", W_OK) != 0 ? PATH : path;
        unlink(here);
        random_state = round + 1;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            write_until_killed(here);
        while (access(here, F_OK) != 0)
            sched_yield();
        sleep_us((long)random_below(3000));
        assert_int_equal(kill(child, SIGKILL), 0);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        assert_events(here, ANY, NULL);
        beyond_first_page += size_of(here) > 8192;
    }
    unlink(path);
    assert_true(beyond_first_page > KILLS / 2);
}

/* ---- a disk that is full, or worse ------------------------------------------------------------------ */

/* Writes events until `count` of them failed. Marks those in `missing`, and returns the next number. */
static unsigned write_until_failing(struct perftrace_page_file *file, unsigned number, unsigned count,
                                    bool *missing) {
    for (; count > 0; number++)
        if (write_event(file, number, random_length()) != 0) {
            missing[number] = true;
            count--;
            assert_true(json_check_file(PATH));
        } else if (random_below(5) == 0) {
            write_provisional(file, 3);
            assert_true(perftrace_page_file_flush(file) != 0 || json_check_file(PATH));
        }
    return number;
}

static void limited_file_size(void **state) {
    (void)state;
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    static bool missing[20000];
    for (unsigned pages = 1; pages < 6; pages++) {
        memset(missing, 0, sizeof missing);
        struct perftrace_page_file *file = open_file(PATH);
        limit = before;
        limit.rlim_cur = pages * 4096 + random_below(4096);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        unsigned next = write_until_failing(file, 0, 20, missing);
        int flushed = perftrace_page_file_flush(file);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(flushed, 0); /* what was taken has its place */
        assert_events(PATH, next - 20, missing);
        for (unsigned i = 0; i < 50; i++) /* there is room again */
            assert_int_equal(write_event(file, next++, 200), 0);
        assert_int_equal(perftrace_page_file_lost(file), 20);
        assert_int_equal(perftrace_page_file_close(file), 0);
        assert_events(PATH, next - 20, missing);
    }
    signal(SIGXFSZ, SIG_DFL);
}

enum { CHILD_FINE = 0, CHILD_SKIPS = 77 };

static int fill_small_disk(void) {
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        (mkdir("small", 0700) != 0 && errno != EEXIST) || mount("none", "small", "tmpfs", 0, "size=64k") != 0)
        return CHILD_SKIPS;
    struct perftrace_page_file *file = perftrace_page_file_open("small/trace.json");
    if (file == NULL)
        return 1;
    int result = 0;
    for (unsigned i = 0; result == 0 && i < 10000; i++)
        result = write_event(file, i, random_length());
    if (result != -ENOSPC || !json_check_file("small/trace.json"))
        return 2;
    if (perftrace_page_file_close(file) != 0 || !json_check_file("small/trace.json"))
        return 3;
    return CHILD_FINE;
}

static void full_disk(void **state) {
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(fill_small_disk());
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    rmdir("small");
    if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_SKIPS)
        skip(); /* no right to mount one */
    assert_int_equal(status, 0);
}

/* Each pwrite in turn fails (also three in a row), or writes only a part. */
static void every_write_fails(void **state) {
    (void)state;
    enum { EVENTS = 150, WRITES = 40 };
    static const struct {
        int error;
        long times;
    } faults[] = {{0, 1}, {ENOSPC, 1}, {ENOSPC, 3}, {EIO, 1}, {EIO, 3}, {EINTR, 3}};
    bool missing[EVENTS + 1];
    for (unsigned round = 0; round < 2 * 6 * WRITES; round++) {
        memset(missing, 0, sizeof missing);
        fault.no_memfd = round % 2 != 0;
        struct perftrace_page_file *file = open_file(PATH);
        fault.error = faults[round / 2 % 6].error;
        fault.faults = faults[round / 2 % 6].times;
        fault.after = round / 12;
        unsigned lost = 0;
        for (unsigned i = 0; i < EVENTS; i++) {
            missing[i] = write_event(file, i, 500 + i % 300) != 0;
            lost += missing[i];
            if (missing[i])
                assert_true(json_check_file(PATH));
            /* Many that hold for the moment, then few. */
            for (unsigned count = 6; round % 4 < 2 && i % 3 == 0 && count > 0; count -= 3) {
                write_provisional(file, count);
                if (perftrace_page_file_flush(file) != 0)
                    assert_true(json_check_file(PATH));
            }
        }
        fault.after = -1;
        assert_int_equal(fault.faults, 0);
        assert_int_equal(perftrace_page_file_lost(file), lost);
        assert_int_equal(perftrace_page_file_close(file), 0);
        assert_events(PATH, EVENTS - lost, missing);
    }
    fault.no_memfd = false;
}

static void open_fails_on_a_full_disk(void **state) {
    (void)state;
    unlink(PATH);
    fault.after = 0;
    fault.faults = 1;
    fault.error = ENOSPC;
    assert_null(perftrace_page_file_open(PATH));
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(access(PATH, F_OK), -1);
    fault.after = -1;
    glob_t left;
    assert_int_equal(glob(PATH ".*", 0, NULL, &left), GLOB_NOMATCH);
}

/* ---- other people ----------------------------------------------------------------------------------- */

static void truncated_by_somebody(void **state) {
    (void)state;
    struct perftrace_page_file *file = open_file(PATH);
    for (unsigned i = 0; i < 300; i++) {
        write_event(file, i, 400); /* may fail; the point is that nothing raises SIGBUS */
        if (i % 50 == 49)
            assert_int_equal(truncate(PATH, 10), 0);
    }
    perftrace_page_file_close(file);
}

static void only_regular_files(void **state) {
    (void)state;
    unlink("link.json");
    assert_int_equal(symlink(PATH, "link.json"), 0);
    assert_null(perftrace_page_file_open("link.json"));
    assert_int_equal(errno, ELOOP);
    unlink("link.json");
    assert_null(perftrace_page_file_open("."));
    assert_int_equal(errno, EISDIR);
    assert_null(perftrace_page_file_open("/dev/null"));
    assert_int_equal(errno, EINVAL);
    assert_null(perftrace_page_file_open("no/such/folder.json"));
    assert_int_equal(errno, ENOENT);
}

static void replaces_and_closes_to_others(void **state) {
    (void)state;
    unlink(PATH);
    FILE *old = fopen(PATH, "w");
    assert_non_null(old);
    for (unsigned i = 0; i < 5000; i++)
        fputs("old text ", old);
    fclose(old);
    assert_int_equal(chmod(PATH, 0666), 0);
    struct perftrace_page_file *file = open_file(PATH);
    struct stat status;
    assert_int_equal(stat(PATH, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(write_event(file, 0, 100), 0);
    assert_int_equal(perftrace_page_file_close(file), 0);
    assert_events(PATH, 1, NULL);
}

static void leaves_the_standard_streams_free(void **state) {
    (void)state;
    int saved = dup(STDIN_FILENO);
    assert_true(saved >= 0);
    close(STDIN_FILENO);
    struct perftrace_page_file *file = perftrace_page_file_open(PATH);
    bool taken = fcntl(STDIN_FILENO, F_GETFD) >= 0;
    dup2(saved, STDIN_FILENO);
    close(saved);
    assert_non_null(file);
    assert_false(taken);
    assert_int_equal(perftrace_page_file_close(file), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_events),
        cmocka_unit_test(valid_after_each_write),
        cmocka_unit_test(provisional_events),
        cmocka_unit_test(every_alignment),
        cmocka_unit_test(longest_events),
        cmocka_unit_test(killed_at_random),
        cmocka_unit_test(limited_file_size),
        cmocka_unit_test(full_disk),
        cmocka_unit_test(every_write_fails),
        cmocka_unit_test(open_fails_on_a_full_disk),
        cmocka_unit_test(truncated_by_somebody),
        cmocka_unit_test(only_regular_files),
        cmocka_unit_test(replaces_and_closes_to_others),
        cmocka_unit_test(leaves_the_standard_streams_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
