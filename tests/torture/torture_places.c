/* Places where a trace can't be, or not for long: full disks and memories, limits, folders that are closed to it, files that
 * somebody cuts off or takes away, a standard error that nobody reads. The program runs on, and what was made is read or counted. */
#define _GNU_SOURCE /* unshare */
#define PERF_TRACE 1
#define PERF_TARGET "torture"
#include "perftrace.h"
#include "torture.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EVENTS = 60000, EXIT_CODE = 37, SECONDS = 30 };

/* What a program is asked to do, and what it tells. Shared with it. */
static struct told {
    void (*before)(void), (*halfway)(void); /* in the program */
    bool chrome, log, die;
    enum perftrace_when_full when_full;
    int init_result;
    char init_text[256];
    uint64_t made;
    struct perftrace_statistics statistics;
} * told;

static bool may_mount;

static void record(void *unused) {
    (void)unused;
    if (told->before != NULL)
        told->before();
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.chrome_output = told->chrome;
    config.log_output = told->log;
    config.when_full = told->when_full;
    config.chrome_path = "place/trace.json";
    config.shutdown_ms = 2000;
    told->init_result = perftrace_init(&config);
    snprintf(told->init_text, sizeof told->init_text, "%s", perftrace_error_text(told->init_result));
    for (int i = 0; i < EVENTS; i++) {
        if (i == EVENTS / 2 && told->halfway != NULL) {
            perftrace_flush();
            told->halfway();
        }
        PERF_EVENT("event", "number", i);
        told->made++;
        if (i % 5000 == 0)
            perftrace_flush();
    }
    if (told->log) {
        PERF_SPAN("span");
    }
    perftrace_flush();
    if (told->die)
        raise(SIGKILL);
    perftrace_shutdown();
    perftrace_statistics(&told->statistics);
    _exit(EXIT_CODE);
}

static void begin(void) {
    torture_fresh_folder();
    mkdir("place", 0700);
    *told = (struct told){.chrome = false};
}

/* Runs the program; it ends as it would without us. */
static void run(const char *what) {
    int status = torture_run(record, NULL, SECONDS);
    if (told->die)
        torture_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%s: status %x", what,
                      (unsigned)status);
    else
        torture_check(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CODE, "%s: status %x", what,
                      (unsigned)status);
}

static struct torture_trace check_counts(const char *what, bool may_lose) {
    struct torture_trace trace = {0};
    if (!torture_check(told->init_result == 0, "%s: init gave %d, %s", what, told->init_result,
                       told->init_text))
        return trace;
    trace = torture_read_intact("place/trace.ptrace", NULL, NULL);
    torture_check(trace.info.records + trace.lost == told->made, "%s: %llu read + %llu lost of %llu made",
                  what, (unsigned long long)trace.info.records, (unsigned long long)trace.lost,
                  (unsigned long long)told->made);
    torture_check(may_lose || trace.lost == 0, "%s: %llu lost", what, (unsigned long long)trace.lost);
    torture_check(trace.info.finished || told->die, "%s: not finished", what);
    if (!told->die)
        torture_check(memcmp(trace.info.lost, told->statistics.lost, sizeof trace.info.lost) == 0 &&
                          trace.info.records == told->statistics.recorded,
                      "%s: the statistics say something else", what);
    return trace;
}

static void check_refused(const char *what) {
    torture_check(told->init_result < 0 && told->init_text[0] != '\0', "%s: init gave %d, %s", what,
                  told->init_result, told->init_text);
    torture_check(told->statistics.recorded == 0, "%s: something was recorded", what);
}

static bool mount_at(const char *type, const char *path, const char *options) {
    return torture_check(mount("none", path, type, 0, options) == 0, "%s at %s: %s", type, path,
                         strerror(errno));
}

static bool can_mount(void) {
    if (!may_mount)
        torture_left_out("nothing may be mounted here");
    return may_mount;
}

/* ---- full disks ------------------------------------------------------------------------------------ */

static void on_full_disk(const char *what) {
    struct torture_trace trace = check_counts(what, true);
    torture_check(trace.info.lost[PERFTRACE_LOST_DISK] > 0 &&
                      trace.info.lost[PERFTRACE_LOST_DISK] == trace.lost,
                  "%s: %llu lost, %llu of them for the disk", what, (unsigned long long)trace.lost,
                  (unsigned long long)trace.info.lost[PERFTRACE_LOST_DISK]);
    torture_check(trace.info.records > 0, "%s: nothing was recorded", what);
}

static void full_tmpfs(void) {
    static const char *const sizes[] = {"size=64k", "size=256k", "size=400k"};
    for (unsigned i = 0; i < 12 && can_mount(); i++) {
        begin();
        if (!mount_at("tmpfs", "place", sizes[i % 3]))
            return;
        told->chrome = (i & 4) != 0 && i % 3 > 0;
        told->die = i >= 6; /* the counts are where a kill leaves them */
        told->when_full = i % 2 == 0 ? PERFTRACE_FULL_WAIT : PERFTRACE_FULL_DROP;
        run(sizes[i % 3]);
        on_full_disk(sizes[i % 3]);
        umount("place");
    }
}

static void make_room(void) {
    unlink("place/ballast");
}

static void fill_up(void) {
    static const char bytes[4096];
    int fd = open("place/ballast", O_WRONLY | O_CREAT, 0600);
    while (write(fd, bytes, sizeof bytes) > 0)
        continue;
    unlink("place/ballast.room");
    close(fd);
}

static void room_again(void) {
    if (!can_mount())
        return;
    begin();
    if (!mount_at("tmpfs", "place", "size=4m"))
        return;
    int room = open("place/ballast.room", O_WRONLY | O_CREAT, 0600);
    torture_check(ftruncate(room, 300 << 10) == 0 && fallocate(room, 0, 0, 300 << 10) == 0, "no room");
    close(room);
    told->before = fill_up;
    told->halfway = make_room;
    run("room again");
    struct torture_trace trace = check_counts("room again", true);
    torture_check(trace.lost > 0 && trace.info.records > EVENTS / 2 - 1, "%llu lost, %llu recorded",
                  (unsigned long long)trace.lost, (unsigned long long)trace.info.records);
    umount("place");
}

static void full_ext4(void) {
    if (!can_mount())
        return;
    begin();
    if (!torture_shell(
            "truncate -s 2M image && mkfs.ext4 -q -O ^has_journal image && mount -o loop image place")) {
        torture_left_out("no loop device can be mounted");
        return;
    }
    for (int die = 0; die < 2; die++) {
        told->die = die != 0;
        told->made = 0;
        told->before = fill_up;
        int room = open("place/ballast.room", O_WRONLY | O_CREAT, 0600);
        torture_check(fallocate(room, 0, 0, 200 << 10) == 0, "no room");
        close(room);
        run("ext4");
        on_full_disk("ext4");
        unlink("place/trace.ptrace");
        unlink("place/ballast");
    }
    torture_check(umount("place") == 0, "umount");
}

/* ---- no room for the rings ------------------------------------------------------------------------- */

static void rings(void) {
    static const struct {
        const char *type, *options;
        bool everywhere, safe;
    } memories[] = {{"tmpfs", "size=64k", false, true}, {"tmpfs", "size=2200k", false, true},
                    {"tmpfs", "size=3m", false, true},  {"ramfs", "", false, true},
                    {"ramfs", "", true, false},         {"tmpfs", "ro", false, true}};
    for (size_t i = 0; i < sizeof memories / sizeof memories[0] && can_mount(); i++) {
        begin();
        char what[64];
        snprintf(what, sizeof what, "%s %s in /dev/shm", memories[i].type, memories[i].options);
        if (!mount_at(memories[i].type, "/dev/shm",
                      strcmp(memories[i].options, "ro") == 0 ? "" : memories[i].options))
            return;
        if (strcmp(memories[i].options, "ro") == 0)
            mount("none", "/dev/shm", NULL, MS_REMOUNT | MS_RDONLY, NULL);
        if (memories[i].everywhere)
            mount_at("ramfs", "place", "");
        run(what);
        struct torture_trace trace = check_counts(what, true); /* rings that can't grow may be full */
        torture_check(trace.info.crash_safe == memories[i].safe, "%s: crash safe: %d", what,
                      trace.info.crash_safe);
        torture_check(torture_count_files("/dev/shm", "perftrace-") == 0 &&
                          torture_count_files("place", "trace.ptrace.") == 0,
                      "%s: a ring file is left", what);
        if (memories[i].everywhere)
            umount("place");
        umount("/dev/shm");
    }
}

/* ---- limits ---------------------------------------------------------------------------------------- */

static void limit(unsigned which, rlim_t value) {
    const struct rlimit both = {value, value};
    setrlimit(which, &both);
}

static void limit_file(void) {
    signal(SIGXFSZ, SIG_DFL);
    limit(RLIMIT_FSIZE, 300 << 10);
}

static void limit_descriptors(void) {
    limit(RLIMIT_NOFILE, 4);
}

static void limit_memory(void) {
    limit(RLIMIT_AS, 64 << 20);
}

static void no_memory(void) {
    limit(RLIMIT_AS, 1 << 20);
}

static void limits(void) {
    begin();
    told->before = limit_file;
    run("RLIMIT_FSIZE");
    on_full_disk("RLIMIT_FSIZE");
    begin();
    told->before = limit_file;
    told->chrome = true;
    run("RLIMIT_FSIZE");
    on_full_disk("RLIMIT_FSIZE");
    void (*const others[])(void) = {limit_descriptors, limit_memory, no_memory};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        begin();
        told->before = others[i];
        run("a limit");
        if (told->init_result == 0)
            check_counts("a limit", true);
        else
            check_refused("a limit");
    }
}

/* ---- folders --------------------------------------------------------------------------------------- */

static void become_nobody(void) {
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
        _exit(90);
}

static void folders(void) {
    begin();
    rmdir("place");
    run("no folder");
    check_refused("no folder");
    begin();
    rmdir("place");
    close(open("place", O_WRONLY | O_CREAT, 0600));
    run("a file for a folder");
    check_refused("a file for a folder");
    begin();
    chmod("place", 0500);
    told->before = become_nobody;
    run("a folder of others");
    check_refused("a folder of others");
    begin();
    torture_check(symlink("/dev/null", "place/trace.ptrace") == 0, "symlink");
    run("a link");
    check_refused("a link");
    if (!may_mount)
        return;
    begin();
    mount_at("tmpfs", "place", "size=1m");
    torture_check(mount("none", "place", NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0, "remount");
    run("read-only");
    check_refused("read-only");
    umount("place");
}

/* ---- meddling -------------------------------------------------------------------------------------- */

static void cut_to_nothing(void) {
    torture_check(truncate("place/trace.ptrace", 0) == 0, "truncate");
}

static void cut_in_half(void) {
    struct stat status;
    if (stat("place/trace.ptrace", &status) == 0)
        torture_check(truncate("place/trace.ptrace", status.st_size / 2 + 3) == 0, "truncate");
}

static void take_away(void) {
    unlink("place/trace.ptrace");
}

static void put_another(void) {
    close(open("place/another", O_WRONLY | O_CREAT, 0600));
    rename("place/another", "place/trace.ptrace");
}

static void meddling(void) {
    for (int i = 0; i < 4; i++) { /* with a kill, with the Chrome file */
        begin();
        told->halfway = i % 2 == 0 ? cut_to_nothing : cut_in_half;
        told->die = i >= 2;
        told->chrome = i == 0;
        run("cut off");
        struct torture_trace trace = check_counts("cut off", true);
        torture_check(trace.info.lost[PERFTRACE_LOST_DISK] > 0 && trace.info.records >= EVENTS / 2 - 5001,
                      "cut off: %llu of it lost, %llu recorded",
                      (unsigned long long)trace.info.lost[PERFTRACE_LOST_DISK],
                      (unsigned long long)trace.info.records);
    }
    for (int i = 0; i < 2; i++) {
        begin();
        told->halfway = i == 0 ? take_away : put_another;
        run("taken away");
        torture_check(told->statistics.recorded == 0 &&
                          told->statistics.lost[PERFTRACE_LOST_DISK] == told->made,
                      "taken away: %llu recorded, %llu lost", (unsigned long long)told->statistics.recorded,
                      (unsigned long long)told->statistics.lost[PERFTRACE_LOST_DISK]);
    }
}

/* ---- standard error -------------------------------------------------------------------------------- */

static int pipe_ends[2];

static void stderr_closed_pipe(void) {
    signal(SIGPIPE, SIG_DFL);
    dup2(pipe_ends[1], STDERR_FILENO);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    setenv("PERF_TRACE_FILTER", "=nonsense=", 1); /* something to complain of */
}

static void stderr_unread_pipe(void) {
    static const char bytes[4096];
    dup2(pipe_ends[1], STDERR_FILENO);
    fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK);
    while (write(STDERR_FILENO, bytes, sizeof bytes) > 0)
        continue;
    fcntl(STDERR_FILENO, F_SETFL, 0);
    setenv("PERF_TRACE_FILTER", "=nonsense=", 1);
}

static void stderr_at_its_limit(void) {
    int fd = open("errors", O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(fd, STDERR_FILENO);
    setenv("PERF_TRACE_FILTER", "=nonsense=", 1);
    struct rlimit none = {0, 0};
    signal(SIGXFSZ, SIG_DFL);
    setrlimit(RLIMIT_FSIZE, &none);
}

static void no_standard_streams(void) {
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    close(STDERR_FILENO);
}

static void standard_error(void) {
    void (*const befores[])(void) = {stderr_closed_pipe, stderr_unread_pipe, stderr_at_its_limit,
                                     no_standard_streams};
    for (size_t i = 0; i < sizeof befores / sizeof befores[0]; i++)
        for (int log = 0; log < 2; log++) {
            begin();
            if (pipe(pipe_ends) != 0)
                return;
            told->before = befores[i];
            told->log = log != 0;
            if (i == 0)
                close(pipe_ends[0]);
            run("standard error");
            if (i == 2)
                check_refused("no byte may be written");
            else if (told->init_result == 0) {
                told->made += 2 * told->log;
                check_counts("standard error", false);
            }
            if (i != 0)
                close(pipe_ends[0]);
            close(pipe_ends[1]);
        }
}

int main(int argc, char **argv) {
    static const struct torture_case cases[] = {
        {"a full tmpfs", full_tmpfs},
        {"a disk that has room again", room_again},
        {"a full ext4", full_ext4},
        {"no room for the rings", rings},
        {"limits", limits},
        {"folders", folders},
        {"cut off, taken away", meddling},
        {"standard error", standard_error},
    };
    told = torture_shared(sizeof *told);
    may_mount = geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
                mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    return torture_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
