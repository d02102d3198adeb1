/* Programs that execute programs, themselves above all, with the same path for the trace: nobody's records are lost, and no path is
 * held by the dead. */
#define _GNU_SOURCE /* _Fork */
#define PERF_TRACE 1
#define PERF_TARGET "torture"
#include "perftrace.h"
#include "torture.h"

#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void pause_ms(long ms) {
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static void init(void) {
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.chrome_output = false;
    if (perftrace_init(&config) != 0)
        _exit(90);
}

static void record(unsigned image, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        PERF_SPAN("image", "number", image);
    }
}

static void execute_self(unsigned image, unsigned last) {
    char number[16], end[16];
    snprintf(number, sizeof number, "%u", image);
    snprintf(end, sizeof end, "%u", last);
    execl("/proc/self/exe", "torture_images", "image", number, end, (char *)NULL);
    _exit(91);
}

struct next {
    unsigned image, last;
};

static void *execute_in_thread(void *argument) {
    const struct next *next = argument;
    execute_self(next->image, next->last);
    return NULL;
}

static void *record_on(void *argument) {
    for (;;)
        record(*(unsigned *)argument, 100);
    return NULL;
}

/* One image: records 100 spans times its number at least, and executes the next one, from a thread every second time, while another
 * records. */
static int be_image(unsigned image, unsigned last) {
    struct next next = {image + 1, last};
    pthread_t thread;
    init();
    record(image, 100 * image);
    if (image == last) { /* it is looked at meanwhile */
        for (int i = 0; last > 1 && i < 10000 && access("seen", F_OK) != 0; i++)
            pause_ms(1);
        return 0;
    }
    if (image % 2 == 1)
        execute_self(image + 1, last);
    pthread_create(&thread, NULL, record_on, &image);
    pause_ms(20);
    pthread_create(&thread, NULL, execute_in_thread, &next);
    pause();
    return 92;
}

struct heard {
    uint64_t image, spans, strangers;
};

static void hear(void *context, const struct perftrace_item *item) {
    struct heard *heard = context;
    if (item->kind != PERFTRACE_ITEM_SPAN_END || item->call->unfinished)
        return;
    bool right = torture_is_named(item, "image") && item->call->parameters[0].u == heard->image;
    heard->spans += right;
    heard->strangers += !right;
}

static void image_path(char path[64], pid_t pid, unsigned image) {
    if (image == 1)
        snprintf(path, 64, "trace.ptrace");
    else
        snprintf(path, 64, image == 2 ? "trace.%d.ptrace" : "trace.%d-%u.ptrace", (int)pid, image - 1);
}

static struct torture_trace check_image(pid_t pid, unsigned image) {
    char path[64];
    struct heard heard = {.image = image};
    image_path(path, pid, image);
    struct torture_trace trace = torture_read_intact(path, hear, &heard);
    bool enough = image % 2 == 1 ? heard.spans == 100 * image : heard.spans >= 100 * image;
    torture_check(enough && heard.strangers == 0, "%s: %llu spans, and %llu of others", path,
                  (unsigned long long)heard.spans, (unsigned long long)heard.strangers);
    torture_check(trace.info.pid == (uint32_t)pid, "%s: of process %u", path, trace.info.pid);
    return trace;
}

static void executes(void *argument) {
    execute_self(1, *(unsigned *)argument);
}

static void one_after_the_other(void) {
    unsigned last = 5;
    torture_fresh_folder();
    pid_t pid = torture_start(executes, &last);
    char path[64];
    image_path(path, pid, last);
    for (int i = 0; i < 5000 && access(path, F_OK) != 0; i++)
        pause_ms(1);
    pause_ms(50);
    /* The process lives; the images before its last are dead, and can be folded. */
    for (unsigned image = 1; image < last; image++) {
        struct torture_trace trace = check_image(pid, image);
        torture_check(!trace.info.live && !trace.info.finished, "image %u: live: %d, finished: %d", image,
                      trace.info.live, trace.info.finished);
        image_path(path, pid, image);
        torture_check(perftrace_reader_fold(path, NULL) == 1, "%s is not folded", path);
        check_image(pid, image);
    }
    image_path(path, pid, last);
    struct torture_trace live = torture_read(path, NULL, NULL);
    torture_check(live.info.live && perftrace_reader_fold(path, NULL) == 0, "the last image is not alive: %d",
                  live.info.live);
    fclose(fopen("seen", "w"));
    int status = torture_wait(pid, 20);
    torture_check(status == 0, "status %x", (unsigned)status);
    torture_check(check_image(pid, last).info.finished, "the last image's trace has no end");
}

/* ---- other programs ---- */

static void spawns(void *argument) {
    pid_t *pids = argument;
    char *arguments[] = {"torture_images", "image", "1", "1", NULL};
    init();
    record(7, 50);
    for (int i = 0; i < 3; i++)
        if (posix_spawn(&pids[i], "/proc/self/exe", NULL, NULL, arguments, environ) != 0)
            _exit(93);
    for (int i = 0; i < 3; i++)
        waitpid(pids[i], NULL, 0);
    record(7, 50);
}

static void spawned(void) {
    pid_t *pids = torture_shared(3 * sizeof *pids);
    struct heard heard = {.image = 7};
    torture_fresh_folder();
    int status = torture_run(spawns, pids, 20);
    torture_check(status == 0, "status %x", (unsigned)status);
    struct torture_trace trace = torture_read_intact("trace.ptrace", hear, &heard);
    torture_check(trace.info.finished && heard.spans == 100 && heard.strangers == 0,
                  "the parent has %llu spans", (unsigned long long)heard.spans);
    for (int i = 0; i < 3; i++) {
        char path[64];
        heard = (struct heard){.image = 1};
        snprintf(path, sizeof path, "trace.%d.ptrace", (int)pids[i]);
        trace = torture_read_intact(path, hear, &heard);
        torture_check(trace.info.finished && heard.spans == 100 && heard.strangers == 0, "%s: %llu spans",
                      path, (unsigned long long)heard.spans);
    }
}

static void becomes_daemon(void *argument) {
    pid_t *pid = argument;
    init();
    record(8, 60);
    if (daemon(0, 0) != 0) /* into the root folder, with /dev/null for standard streams */
        _exit(94);
    record(9, 70);
    exit((*pid = getpid(), 0));
}

static void daemons(void) {
    pid_t *pid = torture_shared(sizeof *pid);
    char path[64];
    torture_fresh_folder();
    int status = torture_run(becomes_daemon, pid, 20);
    torture_check(status == 0, "status %x", (unsigned)status);
    for (int i = 0; i < 5000 && __atomic_load_n(pid, __ATOMIC_RELAXED) == 0; i++)
        pause_ms(1);
    for (int i = 0; i < 5000 && kill(*pid, 0) == 0; i++)
        pause_ms(1);
    struct heard heard = {.image = 8};
    struct torture_trace parent = torture_read_intact("trace.ptrace", hear, &heard);
    torture_check(!parent.info.live && heard.spans == 60, "the parent has %llu spans",
                  (unsigned long long)heard.spans);
    heard = (struct heard){.image = 9};
    snprintf(path, sizeof path, "trace.%d.ptrace", (int)*pid);
    struct torture_trace trace = torture_read_intact(path, hear, &heard);
    torture_check(trace.info.finished && heard.spans == 70 && heard.strangers == 0, "%s: %llu spans", path,
                  (unsigned long long)heard.spans);
    torture_check(memcmp(trace.info.parent_uuid, parent.info.uuid, 16) == 0, "%s: another parent", path);
    perftrace_reader_fold("trace.ptrace", NULL);
}

/* ---- a child that does not record outlives its parent ---- */

static void leaves_child(void *argument) {
    pid_t *child = argument;
    bool first = child[1] == 0;
    init();
    record(1, 100);
    perftrace_flush();
    pid_t pid = first ? fork() : _Fork();
    if (pid == 0) {
        pause_ms(60000);
        _exit(0);
    }
    child[0] = pid;
    if (first)
        _exit(0);
    exit(0);
}

static void records_once(void *argument) {
    init();
    record(*(unsigned *)argument, 100);
}

static void path_of_the_dead(void) {
    pid_t *child = torture_shared(2 * sizeof *child);
    for (pid_t how = 0; how < 2; how++) {
        unsigned image = 2;
        torture_fresh_folder();
        child[1] = how;
        int status = torture_run(leaves_child, child, 20);
        torture_check(status == 0, "status %x", (unsigned)status);
        torture_check(child[0] > 0 && kill(child[0], 0) == 0, "the child is not there");
        struct torture_trace dead = torture_read("trace.ptrace", NULL, NULL);
        torture_check(!dead.info.live, "taken for a trace that is being written");
        if (how == 0)
            torture_check(perftrace_reader_fold("trace.ptrace", NULL) == 1, "can't be folded");
        status = torture_run(records_once, &image, 20);
        torture_check(status == 0, "status %x", (unsigned)status);
        struct heard heard = {.image = 2};
        struct torture_trace trace = torture_read_intact("trace.ptrace", hear, &heard);
        torture_check(trace.info.finished && heard.spans == 100, "the new run has %llu spans at its path",
                      (unsigned long long)heard.spans);
        if (child[0] > 0)
            kill(child[0], SIGKILL);
    }
}

/* ---- a child that begins by itself ---- */

static void begins_in_child(void *argument) {
    pid_t *pid = argument;
    init();
    record(1, 100);
    perftrace_shutdown();
    pid_t child = fork();
    if (child == 0) {
        init(); /* at its parent's path, which nobody holds any more */
        record(2, 100);
        exit(0);
    }
    int status;
    *pid = child;
    waitpid(child, &status, 0);
    if (status != 0)
        _exit(95);
}

static void begun_in_child(void) {
    pid_t *pid = torture_shared(sizeof *pid);
    char path[64];
    torture_fresh_folder();
    int status = torture_run(begins_in_child, pid, 20);
    torture_check(status == 0, "status %x", (unsigned)status);
    struct heard heard = {.image = 1};
    struct torture_trace parent = torture_read_intact("trace.ptrace", hear, &heard);
    torture_check(parent.info.finished && heard.spans == 100, "the parent's trace has %llu spans",
                  (unsigned long long)heard.spans);
    heard = (struct heard){.image = 2};
    snprintf(path, sizeof path, "trace.%d.ptrace", (int)*pid);
    struct torture_trace child = torture_read_intact(path, hear, &heard);
    torture_check(heard.spans == 100 && memcmp(child.info.parent_uuid, parent.info.uuid, 16) == 0,
                  "%s: %llu spans, or another parent", path, (unsigned long long)heard.spans);
}

int main(int argc, char **argv) {
    static const struct torture_case cases[] = {
        {"images one after the other", one_after_the_other},
        {"posix_spawn", spawned},
        {"daemon", daemons},
        {"the path of the dead", path_of_the_dead},
        {"begun in a child", begun_in_child},
    };
    if (argc == 4 && strcmp(argv[1], "image") == 0)
        return be_image((unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]));
    return torture_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
