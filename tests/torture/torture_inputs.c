/* Whatever can be named as an input: devices, folders, pipes, files of the kernel; files that grow, shrink and are replaced
 * while they are read; rings whose path leads anywhere. Reading ends, and says why. */
#include "reading.h"
#include "samples.h"
#include "torture.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* By the clock: nothing is waited for longer, but pipes that somebody holds open. */
#define WAITED_MAX 5.0

static struct reading *shared;

static void read_path(void *path) {
    *shared = reading_of(path, 0);
}

/* In a child, which is not waited for longer than that. */
static struct reading read_in_time(const char *path, double *seconds) {
    if (shared == NULL)
        shared = torture_shared(sizeof *shared);
    memset(shared, 0, sizeof *shared);
    double start = torture_now();
    int status = torture_run(read_path, (void *)(uintptr_t)path, WAITED_MAX * 4);
    *seconds = torture_now() - start;
    torture_check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: reading ended with %x", path,
                  (unsigned)status);
    reading_is_bounded(shared, path);
    return *shared;
}

static void make_socket(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    torture_check(fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0, "a socket");
    close(fd);
}

static void make_strange_files(void) {
    torture_fresh_folder();
    make_socket("socket");
    torture_check(mkfifo("fifo", 0600) == 0 && mkdir("folder", 0700) == 0 &&
                      symlink("nowhere", "dangling") == 0 && symlink("loop", "loop") == 0,
                  "strange files");
    write_bytes("empty", "", 0);
}

static const char *const strange[] = {"/dev/zero",
                                      "/dev/null",
                                      "/dev/full",
                                      "/dev/urandom",
                                      "/proc/self/mem",
                                      "/proc/self/maps",
                                      "/proc/kmsg",
                                      "/proc/kcore",
                                      "/proc/self/pagemap",
                                      "/proc/self/environ",
                                      "/proc/self/fd",
                                      "/dev/fd/99",
                                      "socket",
                                      "folder",
                                      "dangling",
                                      "loop",
                                      "empty",
                                      "fifo"};

/* None of them is a trace or a log: that is said, soon. */
static void no_input(void) {
    make_strange_files();
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
        double seconds;
        struct reading reading = read_in_time(strange[i], &seconds);
        torture_check(reading.items == 0 && seconds < WAITED_MAX, "%s: %" PRIu64 " items, %.1f s", strange[i],
                      reading.items, seconds);
        if (strcmp(strange[i], "empty") != 0 && strcmp(strange[i], "/dev/null") != 0)
            torture_check(reading.error != 0 && reading.why[0] != 0, "%s: nothing is told", strange[i]);
        static const char *const commands[] = {"info", "analyze", "convert"};
        const char *const arguments[] = {commands[i % 3], strange[i], NULL};
        struct ran ran = ran_perftrace(arguments, WAITED_MAX * 4);
        torture_check(ran.status == 2 && ran.err.length > 0, "%s %s: %d", commands[i % 3], strange[i],
                      ran.status);
        ran_free(&ran);
    }
}

/* A folder takes what is in it for inputs, but not pipes and folders that are called like one. */
static void folder_of_strange_files(void) {
    make_strange_files();
    struct made trace = sample_of_all(true);
    torture_check(mkfifo("folder/fifo.log", 0600) == 0 && mkdir("folder/folder.ptrace", 0700) == 0, "made");
    write_bytes("folder/trace.ptrace", trace.bytes, trace.length);
    made_free(&trace);
    const char *const arguments[] = {"analyze", "folder", NULL};
    struct ran ran = ran_perftrace(arguments, WAITED_MAX * 4);
    torture_check(ran.status == 0 && ran.err.length == 0, "%d: %s", ran.status, ran.err.bytes);
    ran_free(&ran);
    unlink("folder/trace.ptrace");
    ran = ran_perftrace(arguments, WAITED_MAX * 4);
    torture_check(ran.status == 2 && ran.err.length > 0, "%d", ran.status);
    ran_free(&ran);
}

/* ---- pipes ---- */

struct writer {
    const struct made *bytes;
    size_t piece;
    long pause_ms;
    const char *path; /* of a FIFO, or NULL */
    int fd;           /* else of a pipe */
};

static void write_pieces(void *argument) {
    const struct writer *writer = argument;
    nanosleep(&(struct timespec){writer->pause_ms / 1000, writer->pause_ms % 1000 * 1000000}, NULL);
    int fd = writer->path != NULL ? open(writer->path, O_WRONLY | O_CLOEXEC) : writer->fd;
    for (size_t at = 0; at < writer->bytes->length;) {
        size_t left = writer->bytes->length - at, some = left < writer->piece ? left : writer->piece;
        ssize_t wrote = write(fd, writer->bytes->bytes + at, some);
        if (wrote <= 0)
            exit(1);
        at += (size_t)wrote;
    }
}

/* Through pipes, in pieces of any length: the same comes out as of a file. */
static void pipes(void) {
    static const size_t pieces[] = {1, 7, 4096, 1 << 20};
    torture_fresh_folder();
    struct made samples[] = {sample_of_all(true), sample_log(), {0}};
    for (size_t i = 0; i < 2 * 4; i++) {
        const struct made *sample = &samples[i % 2];
        struct reading whole = reading_of_bytes(sample->bytes, sample->length, READING_TEXT);
        struct writer writer = {.bytes = sample, .piece = pieces[i / 2], .pause_ms = i % 3 == 0 ? 100 : 0};
        int ends[2];
        char path[32];
        torture_check(pipe(ends) == 0, "pipe");
        writer.fd = ends[1];
        pid_t child = torture_start(write_pieces, &writer);
        close(ends[1]);
        snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
        struct reading reading = reading_of(path, READING_TEXT);
        torture_check(reading_same(&reading, &whole) && reading.complaints == whole.complaints,
                      "pieces of %zu", writer.piece);
        torture_check(torture_wait(child, 10) == 0, "the writer");
        close(ends[0]);
        reading_free(&reading);
        reading_free(&whole);
    }
    made_free(&samples[0]);
    made_free(&samples[1]);
}

/* FIFOs whose writer comes late, brings nothing, or never comes. */
static void fifos(void) {
    torture_fresh_folder();
    struct made trace = sample_of_all(true), nothing = {0};
    torture_check(mkfifo("fifo", 0600) == 0, "fifo");
    struct writer late = {.bytes = &trace, .piece = 1000, .pause_ms = 500, .path = "fifo"};
    pid_t child = torture_start(write_pieces, &late);
    struct reading reading = reading_of("fifo", 0);
    torture_check(reading.error == 0 && reading.items > 10 && torture_wait(child, 10) == 0, "late: %s",
                  reading.why);
    struct writer leaves = {.bytes = &nothing, .piece = 1, .pause_ms = 100, .path = "fifo"};
    child = torture_start(write_pieces, &leaves);
    double seconds;
    reading = read_in_time("fifo", &seconds);
    torture_check(reading.items == 0 && seconds < 2 && torture_wait(child, 10) == 0, "leaves: %.1f s",
                  seconds);
    reading = read_in_time("fifo", &seconds);
    torture_check(reading.error == PERFTRACE_ERROR_SYSTEM && seconds < WAITED_MAX, "nobody: %.1f s, %s",
                  seconds, reading.why);
    made_free(&trace);
}

/* ---- files that change ---- */

static const struct made *appended;

static void append_for_ever(void *path) {
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    for (uint64_t sum = 0; fd >= 0 && sum < UINT64_C(2) << 30; sum += appended->length)
        if (write(fd, appended->bytes, appended->length) <= 0)
            exit(1);
}

/* A file that grows faster than it is read is read up to where it was. */
static void files_that_grow(void) {
    torture_fresh_folder();
    struct made log = sample_log(), many = {0}, trace = sample_of_all(true), garbage = {0};
    made_add(&log, "\n", 1);
    for (int i = 0; i < 2000; i++)
        made_add(&many, log.bytes, log.length);
    struct sample_part parts[256];
    size_t count = sample_parts(&trace, parts, 256);
    for (int i = 0; i < 300000; i++) /* SYNCs */
        made_add(&garbage, trace.bytes + parts[count - 2].begin,
                 parts[count - 2].end - parts[count - 2].begin);
    for (int i = 0; i < 2; i++) {
        const char *path = i == 0 ? "growing.log" : "growing.ptrace";
        const struct made *begun = i == 0 ? &many : &trace;
        write_bytes(path, begun->bytes, begun->length);
        struct reading before = reading_of(path, 0);
        appended = i == 0 ? &many : &garbage;
        pid_t child = torture_start(append_for_ever, (void *)(uintptr_t)path);
        double seconds;
        struct reading reading = read_in_time(path, &seconds);
        kill(child, SIGKILL);
        torture_wait(child, 10);
        torture_check(reading.items >= before.items, "%s: %" PRIu64 " of %" PRIu64, path, reading.items,
                      before.items);
        torture_check(reading.info.bytes < UINT64_C(1) << 30, "%s: %" PRIu64 " bytes were read", path,
                      reading.info.bytes);
        torture_note("%s: %.1f s", path, seconds);
        unlink(path);
    }
    made_free(&log);
    made_free(&many);
    made_free(&trace);
    made_free(&garbage);
}

static const char *const changing = "changing";
static struct made versions[2];

/* Cuts it and makes it long again, with one content or the other. */
static void change_for_ever(void *replace) {
    for (unsigned i = 0;; i++) {
        const struct made *version = &versions[i % 2];
        if (replace != NULL) {
            write_bytes("next", version->bytes, version->length);
            rename("next", changing);
            continue;
        }
        int fd = open(changing, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (pwrite(fd, version->bytes, version->length, 0) < 0 ||
            ftruncate(fd, (off_t)(i * 7919 % version->length)) != 0)
            exit(1);
        close(fd);
    }
}

/* Nothing is promised but that it ends; a file that is replaced as a whole is one or the other. */
static void files_that_change(void) {
    torture_fresh_folder();
    versions[0] = sample_of_all(true);
    versions[1] = sample_log();
    struct reading whole[2];
    for (int i = 0; i < 2; i++)
        whole[i] = reading_of_bytes(versions[i].bytes, versions[i].length, READING_TEXT);
    for (int replaced = 0; replaced < 2; replaced++) {
        write_bytes(changing, versions[0].bytes, versions[0].length);
        pid_t child = torture_start(change_for_ever, replaced != 0 ? versions : NULL);
        for (unsigned long i = 0; i < torture_times(300, 5000); i++) {
            struct reading reading = reading_of(changing, READING_TEXT);
            reading_is_bounded(&reading, changing);
            torture_check(replaced == 0 || reading_same(&reading, &whole[0]) ||
                              reading_same(&reading, &whole[1]),
                          "neither the one nor the other");
            reading_free(&reading);
        }
        kill(child, SIGKILL);
        torture_wait(child, 10);
    }
    for (int i = 0; i < 2; i++) {
        reading_free(&whole[i]);
        made_free(&versions[i]);
    }
}

/* ---- rings and outputs ---- */

static void block_in_fifo(void *path) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    (void)fd;
    exit(7); /* somebody has opened the other end */
}

/* The trace says where its rings lie: anywhere. Nothing but a ring file is looked into, and nothing is changed. */
static void rings_anywhere(void) {
    char folder[4096];
    make_strange_files();
    torture_check(getcwd(folder, sizeof folder) != NULL, "folder");
    pid_t waits = torture_start(block_in_fifo, "fifo");
    for (size_t i = 0; i < sizeof strange / sizeof strange[0] + 1; i++) {
        char path[5000];
        const char *name = i < sizeof strange / sizeof strange[0] ? strange[i] : "itself.ptrace";
        snprintf(path, sizeof path, "%s%s%s", name[0] == '/' ? "" : folder, name[0] == '/' ? "" : "/", name);
        struct made trace = {0}, whole = sample_of_all(false);
        struct sample_part parts[256];
        size_t count = sample_parts(&whole, parts, 256);
        made_add(&trace, whole.bytes, parts[1].end); /* header and PROCESS */
        made_ring(&trace, path);
        made_add(&trace, whole.bytes + parts[1].end,
                 parts[count - 2].begin - parts[1].end); /* as if killed */
        write_bytes("itself.ptrace", trace.bytes, trace.length);
        double seconds;
        struct reading reading = read_in_time("itself.ptrace", &seconds);
        torture_check(reading.error == 0 && reading.items > 30 && seconds < WAITED_MAX,
                      "%s: %" PRIu64 " items, %.1f s", path, reading.items, seconds);
        torture_check(reading.complaints > 0, "%s: nothing is told", path);
        torture_check(perftrace_reader_fold("itself.ptrace", NULL) <= 0, "%s: folded", path);
        struct made after = read_bytes("itself.ptrace");
        torture_check(after.length == trace.length && memcmp(after.bytes, trace.bytes, trace.length) == 0,
                      "%s: changed", path);
        made_free(&after);
        made_free(&trace);
        made_free(&whole);
    }
    torture_check(waitpid(waits, NULL, WNOHANG) == 0, "the FIFO was opened");
    kill(waits, SIGKILL);
    waitpid(waits, NULL, 0);
}

static void outputs(void) {
    make_strange_files();
    struct made trace = sample_of_all(true);
    write_bytes("trace.ptrace", trace.bytes, trace.length);
    made_free(&trace);
    static const struct {
        const char *path;
        int status;
    } outputs_[] = {{"/dev/null", 0}, {"/dev/full", 2}, {"folder", 2},       {"socket", 2},
                    {"fifo", 2},      {"loop", 2},      {"trace.ptrace", 2}, {"no/such/folder", 2}};
    for (size_t i = 0; i < sizeof outputs_ / sizeof outputs_[0]; i++) {
        const char *const arguments[] = {"convert", "-o", outputs_[i].path, "trace.ptrace", NULL};
        struct ran ran = ran_perftrace(arguments, WAITED_MAX * 4);
        torture_check(ran.status == outputs_[i].status && (ran.status == 0 || ran.err.length > 0),
                      "-o %s: %d", outputs_[i].path, ran.status);
        ran_free(&ran);
    }
}

int main(int argc, char **argv) {
    static const struct torture_case cases[] = {
        {"no input", no_input},
        {"folder of strange files", folder_of_strange_files},
        {"pipes", pipes},
        {"FIFOs", fifos},
        {"files that grow", files_that_grow},
        {"files that change", files_that_change},
        {"rings anywhere", rings_anywhere},
        {"outputs", outputs},
    };
    return torture_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
