/* Forks of all kinds from a program whose threads are recording: each process has a trace of its own, which is right, and nothing
 * hangs. */
#define _GNU_SOURCE /* _Fork */
#define PERF_TRACE 1
#define PERF_TARGET "torture"
#include "perftrace.h"
#include "torture.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum kind { FORK, FORK_WITHOUT_HANDLERS, CLONE, KINDS };
enum end { EXITS, LEAVES, IS_KILLED, ENDS };

#define CHILDREN_MAX 4096

/* What a process has done, told as it goes. */
struct child {
    unsigned number; /* from 1; pids come again */
    pid_t pid;
    unsigned parent; /* the number of the nearest process above it that has recorded; 0: the first */
    uint64_t made;
    int end;
    unsigned found;   /* traces of it */
    uint8_t uuid[16]; /* of its trace */
};

static struct {
    uint64_t made, lost, recorded; /* by the first process */
    unsigned count;
    unsigned hung;
    unsigned died; /* of what they were not told to */
    bool stop;
    struct child children[CHILDREN_MAX];
} * told;

static void pause_us(long us) {
    nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL);
}

static void init(void) {
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.flush_ms = 10;
    if (perftrace_init(&config) != 0)
        exit(90);
}

/* ---- children ---- */

static void record(struct child *child, uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        PERF_SPAN("child", "who", child->number);
        __atomic_add_fetch(&child->made, 1, __ATOMIC_RELAXED);
    }
}

static void *record_in_thread(void *child) {
    record(child, 500);
    return NULL;
}

static struct child *new_child(unsigned parent) {
    unsigned index = __atomic_fetch_add(&told->count, 1, __ATOMIC_RELAXED);
    if (index >= CHILDREN_MAX)
        abort();
    struct child *child = &told->children[index];
    child->number = index + 1;
    child->pid = getpid();
    child->parent = parent;
    return child;
}

static pid_t make_process(enum kind kind) {
    if (kind == FORK)
        return fork();
    if (kind == FORK_WITHOUT_HANDLERS)
        return _Fork();
#ifdef __x86_64__
    return (pid_t)syscall(SYS_fork);
#else
    return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
#endif
}

static void end(const struct child *child) {
    if (child->end == EXITS)
        exit(0);
    if (child->end == LEAVES)
        _exit(0);
    kill(getpid(), SIGKILL);
}

/* Waits for a child that was told how to end. */
static void wait_for(pid_t pid, bool killed) {
    int status = 0;
    double deadline = torture_now() + 30;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (torture_now() > deadline) {
            __atomic_add_fetch(&told->hung, 1, __ATOMIC_RELAXED);
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            return;
        }
        pause_us(500);
    }
    if (killed ? !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL : status != 0)
        __atomic_add_fetch(&told->died, 1, __ATOMIC_RELAXED);
}

static void be_child(enum kind kind, unsigned number, unsigned parent, unsigned depth) {
    if (number % 7 == 3)
        _exit(0); /* one that does not record */
    struct child *child = new_child(parent);
    child->end = (int)(number / 7 % ENDS);
    bool records = number % 7 != 5 || depth > 0;
    if (records)
        record(child, number % 7 == 0 ? 100000 : 1 + number % 50);
    if (kind == FORK && number % 7 == 1) { /* POSIX lets no other child do this */
        pthread_t threads[3];
        for (int i = 0; i < 3; i++)
            pthread_create(&threads[i], NULL, record_in_thread, child);
        for (int i = 0; i < 3; i++)
            pthread_join(threads[i], NULL);
    }
    if (depth == 0 &&
        (number % 7 == 2 || number % 7 == 5)) { /* a child's child; of one that has not recorded too */
        pid_t grandchild = make_process(kind);
        if (grandchild == 0)
            be_child(kind, number % 7 == 2 ? 2 : 7 * 8 + 4, records ? child->number : parent, 1);
        wait_for(grandchild, number % 7 != 2 && (7 * 8 + 4) / 7 % ENDS == IS_KILLED);
    }
    if (records)
        record(child, 1);
    end(child);
}

/* ---- the first process ---- */

static void *record_on(void *argument) {
    (void)argument;
    while (!__atomic_load_n(&told->stop, __ATOMIC_RELAXED)) {
        for (int i = 0; i < 20; i++) {
            PERF_SPAN("parent");
            __atomic_add_fetch(&told->made, 1, __ATOMIC_RELAXED);
        }
        pause_us(200);
    }
    return NULL;
}

static void *nothing(void *argument) {
    return argument;
}

/* Holds the locks of malloc and of threads as often as it can. */
static void *allocate_on(void *argument) {
    while (!__atomic_load_n(&told->stop, __ATOMIC_RELAXED)) {
        void *volatile blocks[40];
        pthread_t thread;
        for (size_t i = 0; i < 40; i++)
            blocks[i] = malloc(i * 100);
        for (size_t i = 0; i < 40; i++)
            free(blocks[i]);
        if (pthread_create(&thread, NULL, nothing, argument) == 0)
            pthread_join(thread, NULL);
    }
    return NULL;
}

struct forking {
    enum kind kind;
    unsigned first, count;
};

static void *fork_on(void *argument) {
    const struct forking *forking = argument;
    for (unsigned i = 0; i < forking->count; i++) {
        unsigned number = forking->first + i;
        PERF_SPAN("forks");
        __atomic_add_fetch(&told->made, 1, __ATOMIC_RELAXED);
        pid_t child = make_process(forking->kind);
        if (child == 0)
            be_child(forking->kind, number, 0, 0);
        bool killed = number % 7 != 3 && number / 7 % ENDS == IS_KILLED;
        wait_for(child, number % 7 == 3 ? false : killed);
    }
    return NULL;
}

static void storms(void *argument) {
    enum { RECORDING = 3, ALLOCATING = 2, FORKING = 3 };
    const enum kind kind = *(enum kind *)argument;
    pthread_t recording[RECORDING], allocating[ALLOCATING], threads[FORKING];
    struct forking forking[FORKING];
    unsigned count = (unsigned)torture_times(14, 200);
    init();
    for (int i = 0; i < RECORDING; i++)
        pthread_create(&recording[i], NULL, record_on, NULL);
    for (int i = 0; i < ALLOCATING; i++)
        pthread_create(&allocating[i], NULL, allocate_on, NULL);
    for (int i = 0; i < FORKING; i++) {
        forking[i] = (struct forking){kind, (unsigned)i * count, count};
        pthread_create(&threads[i], NULL, fork_on, &forking[i]);
    }
    for (int i = 0; i < FORKING; i++)
        pthread_join(threads[i], NULL);
    told->stop = true;
    for (int i = 0; i < RECORDING; i++)
        pthread_join(recording[i], NULL);
    for (int i = 0; i < ALLOCATING; i++)
        pthread_join(allocating[i], NULL);
}

/* ---- what they left ---- */

struct expected {
    unsigned who;       /* as the first span says; 0: none says it */
    uint64_t strangers; /* spans of others */
};

static void hear(void *context, const struct perftrace_item *item) {
    struct expected *expected = context;
    if (item->kind != PERFTRACE_ITEM_SPAN_END)
        return;
    bool of_child = torture_is_named(item, "child") && item->call->parameter_count == 1;
    unsigned who = of_child ? (unsigned)item->call->parameters[0].u : 0;
    if (expected->who == 0)
        expected->who = who;
    expected->strangers += who != expected->who;
}

static void check_rings(const struct torture_trace *trace) {
    char name[64];
    const uint8_t *id = trace->info.uuid;
    snprintf(name, sizeof name, "perftrace-%u-%u-%02x%02x%02x%02x", (unsigned)geteuid(), trace->info.pid,
             id[0], id[1], id[2], id[3]);
    torture_check(torture_count_files("/dev/shm", name) == 0, "%s is left", name);
}

/* The child whose trace this is. */
static struct child *read_child(const char *path, struct torture_trace *trace) {
    struct expected expected = {0};
    *trace = torture_read_intact(path, hear, &expected);
    if (!torture_check(expected.who >= 1 && expected.who <= told->count, "%s: of nobody", path))
        return NULL;
    struct child *child = &told->children[expected.who - 1];
    torture_check(expected.strangers == 0, "%s: %llu spans of others", path,
                  (unsigned long long)expected.strangers);
    torture_check(trace->ended + trace->lost == child->made, "%s: %llu spans and %llu lost, of %llu", path,
                  (unsigned long long)trace->ended, (unsigned long long)trace->lost,
                  (unsigned long long)child->made);
    torture_check(trace->info.pid == (uint32_t)child->pid, "%s: of process %u", path, trace->info.pid);
    torture_check(!trace->info.live, "%s: still being written?", path);
    torture_check(trace->info.finished == (child->end == EXITS), "%s: finished: %d", path,
                  trace->info.finished);
    return child;
}

static void check_trace(const char *path) {
    struct torture_trace trace;
    struct child *child = read_child(path, &trace);
    if (child == NULL)
        return;
    child->found++;
    memcpy(child->uuid, trace.info.uuid, sizeof child->uuid);
    if (child->end != EXITS) { /* and the same when its rings are in it */
        struct perftrace_error_info error;
        int folded = perftrace_reader_fold(path, &error);
        torture_check(folded == 1, "%s: %d: %s", path, folded, error.message);
        read_child(path, &trace);
    }
    check_rings(&trace);
}

static bool is_childs(const char *name) {
    return strncmp(name, "trace.", 6) == 0 && name[6] >= '0' && name[6] <= '9' &&
           strstr(name, ".ptrace") != NULL;
}

/* Returns how many have recorded. */
static unsigned check_children(const uint8_t first_uuid[16]) {
    unsigned recorded = 0;
    DIR *folder = opendir(".");
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;)
        if (is_childs(entry->d_name))
            check_trace(entry->d_name);
    if (folder != NULL)
        closedir(folder);
    for (unsigned i = 0; i < told->count; i++) {
        const struct child *child = &told->children[i];
        recorded += child->made > 0;
        torture_check(child->found == (child->made > 0), "child %u (process %d): %u traces, %llu spans",
                      child->number, (int)child->pid, child->found, (unsigned long long)child->made);
    }
    for (unsigned i = 0; i < told->count; i++) {
        char path[64];
        const struct child *child = &told->children[i];
        const uint8_t *above = child->parent == 0 ? first_uuid : told->children[child->parent - 1].uuid;
        for (unsigned again = 1; child->found > 0 && again < 10; again++) {
            snprintf(path, sizeof path, again == 1 ? "trace.%d.ptrace" : "trace.%d-%u.ptrace",
                     (int)child->pid, again);
            struct torture_trace trace = torture_read(path, NULL, NULL);
            if (trace.error == 0 && memcmp(trace.info.uuid, child->uuid, 16) == 0)
                torture_check(memcmp(trace.info.parent_uuid, above, 16) == 0, "%s: another parent", path);
        }
    }
    return recorded;
}

static void storm(enum kind kind) {
    torture_fresh_folder();
    memset(told, 0, sizeof *told);
    pid_t first = torture_start(storms, &kind);
    int status = torture_wait(first, torture_is_full() ? 300 : 60);
    torture_check(status == 0, "status %x", (unsigned)status);
    torture_check(told->hung == 0, "%u processes hang", told->hung);
    torture_check(told->died == 0, "%u processes died", told->died);
    struct expected expected = {0};
    struct torture_trace trace = torture_read_intact("trace.ptrace", hear, &expected);
    torture_check(expected.who == 0, "spans of children in their parent's trace");
    torture_check(trace.info.finished, "the parent's trace has no end");
    torture_check(trace.ended + trace.lost == told->made, "the parent's %llu spans and %llu lost, of %llu",
                  (unsigned long long)trace.ended, (unsigned long long)trace.lost,
                  (unsigned long long)told->made);
    check_rings(&trace);
    unsigned recorded = check_children(trace.info.uuid);
    torture_check(recorded > 0, "no child has recorded");
    torture_note("%u children, of which %u recorded", told->count, recorded);
}

static void storm_of_fork(void) {
    storm(FORK);
}

static void storm_of_other_fork(void) {
    storm(FORK_WITHOUT_HANDLERS);
}

static void storm_of_clone(void) {
    storm(CLONE);
}

/* ---- a child that shares its parent's memory ---- */

__attribute__((noinline)) static void record_number(uint64_t number) {
    PERF_SPAN("child", "who", number);
}

__attribute__((noinline)) static void record_at_new_place(void) {
    PERF_SPAN("never seen before");
}

static void vforks(void *argument) {
    (void)argument;
    init();
    record_number(0);
    for (volatile uint64_t i = 1; i <= 5000; i++) {
        pid_t child = vfork();
        if (child == 0) {
            record_number(i); /* in the parent's name, whose thread waits */
            if (i % 1000 == 7)
                record_at_new_place(); /* needs what a process that may be killed must not touch */
            if (i % 3 == 0)
                kill((pid_t)syscall(SYS_getpid), SIGKILL);
            _exit(0);
        }
        int status;
        waitpid(child, &status, 0);
        record_number(i);
    }
    record_at_new_place();
    struct perftrace_statistics statistics;
    perftrace_flush();
    perftrace_statistics(&statistics);
    for (unsigned i = 0; i < PERFTRACE_LOST_CAUSES; i++)
        told->lost += statistics.lost[i];
    told->recorded = statistics.recorded;
}

static void hear_numbers(void *context, const struct perftrace_item *item) {
    uint64_t *next = context;
    if (item->kind == PERFTRACE_ITEM_SPAN_END && torture_is_named(item, "child")) {
        torture_check(item->call->parameters[0].u >= *next, "out of order");
        *next = item->call->parameters[0].u;
    }
}

static void shared_memory(void) {
    torture_fresh_folder();
    memset(told, 0, sizeof *told);
    uint64_t next = 0;
    int status = torture_run(vforks, NULL, 60);
    torture_check(status == 0, "status %x", (unsigned)status);
    struct torture_trace trace = torture_read_intact("trace.ptrace", hear_numbers, &next);
    torture_check(trace.ended + trace.lost == 10001 + 6, "%llu spans and %llu lost",
                  (unsigned long long)trace.ended, (unsigned long long)trace.lost);
    torture_check(told->lost == trace.lost && told->recorded == 2 * trace.ended, "told %llu lost",
                  (unsigned long long)told->lost);
    torture_check(next == 5000 && trace.lost < 20, "the last is %llu, %llu lost", (unsigned long long)next,
                  (unsigned long long)trace.lost);
    torture_check(trace.info.finished && trace.tracks == 1, "finished: %d, %llu tracks", trace.info.finished,
                  (unsigned long long)trace.tracks);
    torture_note("%llu of %u lost", (unsigned long long)trace.lost, 10001 + 6);
}

int main(int argc, char **argv) {
    static const struct torture_case cases[] = {
        {"a storm of fork", storm_of_fork},
        {"a storm of _Fork", storm_of_other_fork},
        {"a storm of clone", storm_of_clone},
        {"vfork", shared_memory},
    };
    told = torture_shared(sizeof *told);
    return torture_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
