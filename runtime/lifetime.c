/* The life of a recording: its beginning, by call, by environment or in a forked child; its end; and what can
 * be asked of it in between. */
#include "runtime.h"
#include "wait.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SINKS_GRACE_NS 2000000000u
/* A thread that was ended, or jumped away, while it changed segments never says that it is done. */
#define TAKING_WAITS 100
#define TAKING_WAIT_NS 100000
#define LOCK_SPINS 200
#define LOCK_WAIT_NS 10000000 /* whoever waits looks again after this, should a wake-up have been lost */

/* What a forked child remembers: it goes on by the same configuration under a name of its own. */
static struct {
    struct perftrace_config config;
    char chrome_path[PATH_MAX], trace_path[PATH_MAX], process_name[256];
    uint8_t uuid[16];
    uint32_t pid;          /* whose these are; 0: nobody has recorded */
    uint64_t run_start_ns; /* when the first process of this family began to */
    bool recording;
} remembered;

static struct perftrace_runtime *here;
static uint64_t image_start_ns;
static int automatic = -1; /* PERF_TRACE_AUTO; -1: not looked at yet */
static char last_error[PATH_MAX + 256];

/* A child that found its parent's state would write into its parent's rings. A kernel before Linux 4.14 can't do it, and qemu's
 * emulation of programs only says that it did: then in_child() has to (children that fork() did not make are at the program's own
 * risk there). A kernel that can may be out of memory for it. */
bool perftrace_wipe_on_fork(void *memory, size_t bytes) {
    return madvise(memory, bytes, MADV_WIPEONFORK) == 0 || errno == EINVAL;
}

struct perftrace_runtime *perftrace_here(void) {
    struct perftrace_runtime *runtime = __atomic_load_n(&here, __ATOMIC_ACQUIRE);
    if (runtime != NULL)
        return runtime;
    uint64_t not_told = 0;
    __atomic_compare_exchange_n(&image_start_ns, &not_told, perftrace_now_ns(), false, __ATOMIC_RELAXED,
                                __ATOMIC_RELAXED);
    size_t bytes = (sizeof *runtime + 4095) & ~(size_t)4095;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    struct perftrace_runtime *none = NULL;
    if (perftrace_wipe_on_fork(memory, bytes) &&
        __atomic_compare_exchange_n(&here, &none, memory, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return memory;
    munmap(memory, bytes);
    return none;
}

uint64_t perftrace_image_start_ns(void) {
    return image_start_ns;
}

void perftrace_futex_wait(int *word, int value, int64_t timeout_ns) {
    struct timespec timeout = {timeout_ns / 1000000000, timeout_ns % 1000000000};
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, timeout_ns < 0 ? NULL : &timeout, NULL, 0);
}

void perftrace_futex_wake(int *word) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

void perftrace_wake_drainer(struct perftrace_runtime *runtime) {
    if (__atomic_exchange_n(&runtime->wake, 1, __ATOMIC_ACQ_REL) == 0)
        perftrace_futex_wake(&runtime->wake);
}

void perftrace_urge_drainer(struct perftrace_runtime *runtime) {
    if (__atomic_exchange_n(&runtime->urgent, 1, __ATOMIC_ACQ_REL) == 0)
        perftrace_futex_wake(&runtime->urgent);
    perftrace_wake_drainer(runtime);
}

static void spin(void) {
#if defined(__x86_64__)
    __asm__ volatile("pause");
#else
    __asm__ volatile("yield");
#endif
}

/* A futex lock after Drepper, "Futexes Are Tricky" (2011), mutex 2: 0 free, 1 held, 2 held and waited for. */
static __thread int locks_held, cancel_state;

void perftrace_lock_word(int *lock, sigset_t *saved) {
    sigset_t all;
    sigfillset(&all);
    perftrace_signals_block(&all, saved);
    if (locks_held++ == 0) /* a thread that is cancelled would hold it for ever */
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    int state = 0;
    if (__atomic_compare_exchange_n(lock, &state, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return;
    /* It is held for a microsecond or so, and to be put to sleep and woken takes twenty. */
    for (int i = 0; i < LOCK_SPINS; i++) {
        state = 0;
        if (__atomic_load_n(lock, __ATOMIC_RELAXED) == 0 &&
            __atomic_compare_exchange_n(lock, &state, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return;
        spin();
    }
    while (__atomic_exchange_n(lock, 2, __ATOMIC_ACQUIRE) != 0)
        perftrace_futex_wait(lock, 2, LOCK_WAIT_NS);
}

void perftrace_unlock_word(int *lock, const sigset_t *saved) {
    if (__atomic_exchange_n(lock, 0, __ATOMIC_RELEASE) == 2)
        perftrace_futex_wake(lock);
    perftrace_signals_restore(saved);
    if (--locks_held == 0)
        pthread_setcancelstate(cancel_state, NULL);
}

void perftrace_lock(struct perftrace_runtime *runtime, sigset_t *saved) {
    perftrace_lock_word(&runtime->lock, saved);
}

void perftrace_unlock(struct perftrace_runtime *runtime, const sigset_t *saved) {
    perftrace_unlock_word(&runtime->lock, saved);
}

uint64_t perftrace_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t perftrace_ticks_now(const struct perftrace_runtime *runtime) {
    if (runtime->use_clock_gettime)
        return perftrace_now_ns();
    uint32_t epoch;
    uint64_t ticks = perftrace_stamp_(0, &epoch) >> 32;
    return (uint64_t)epoch << 32 | ticks;
}

int perftrace_fail(int result, const char *what, const char *path, int error) {
    snprintf(last_error, sizeof last_error, "%s%s%s%s%s", what, path != NULL ? " " : "",
             path != NULL ? path : "", error != 0 ? ": " : "", error != 0 ? strerror(error) : "");
    return -result;
}

const char *perftrace_error_text(int error) {
    if (error == 0)
        return "no error";
    if (error == -PERFTRACE_BUSY)
        return "recording has begun already";
    if (error == -PERFTRACE_LATE)
        return "not everything was written in the time given";
    return last_error[0] != '\0' ? last_error : "unknown error";
}

void perftrace_remember(const struct perftrace_runtime *runtime) {
    remembered.config = runtime->config;
    memcpy(remembered.process_name, runtime->process_name, sizeof remembered.process_name);
    memcpy(remembered.uuid, runtime->trace.uuid, sizeof remembered.uuid);
    remembered.pid = runtime->pid;
    __atomic_store_n(&remembered.recording, true, __ATOMIC_RELEASE);
}

void perftrace_forget(void) {
    __atomic_store_n(&remembered.recording, false, __ATOMIC_RELEASE);
}

static struct perftrace_stderr_lines *open_lines(void) {
    struct perftrace_stderr_lines *lines = perftrace_stderr_lines_open();
    if (lines == NULL)
        perftrace_say("perftrace: no lines: %s\n", strerror(errno));
    return lines;
}

bool perftrace_is_own_process(const struct perftrace_runtime *runtime) {
    return runtime->pid == (uint32_t)getpid() || runtime->pid == 0;
}

void perftrace_count_early(void) {
    struct perftrace_runtime *runtime = perftrace_here();
    if (runtime == NULL || __atomic_load_n(&runtime->state, __ATOMIC_ACQUIRE) != PERFTRACE_STATE_STARTING ||
        !(__atomic_load_n(&remembered.recording, __ATOMIC_RELAXED) || automatic > 0))
        return;
    __atomic_add_fetch(&runtime->lost_early, 1, __ATOMIC_SEQ_CST);
    perftrace_settle_early(runtime);
}

void perftrace_settle_early(struct perftrace_runtime *runtime) {
    if (__atomic_load_n(&runtime->state, __ATOMIC_SEQ_CST) == PERFTRACE_STATE_RECORDING)
        __atomic_add_fetch(&runtime->ring->lost[PERFTRACE_LOSS_NO_RING],
                           __atomic_exchange_n(&runtime->lost_early, 0, __ATOMIC_SEQ_CST), __ATOMIC_RELAXED);
}

static __thread bool holds_fork;

static void before_fork(void) {
    holds_fork = here != NULL && perftrace_fork_hold(here);
}

static void after_fork(void) {
    if (holds_fork)
        perftrace_fork_release(here);
}

/* What MADV_WIPEONFORK should have done. */
static void wipe(struct perftrace_runtime *runtime) {
    for (struct perftrace_thread *thread = runtime->threads, *next; thread != NULL; thread = next) {
        next = thread->next;
        memset(thread, 0, PERFTRACE_THREAD_BYTES);
    }
    memset(runtime, 0, sizeof *runtime);
}

static void in_child(void) {
    if (here == NULL)
        return;
    if (here->pid != 0) /* it should read as zeros */
        wipe(here);
    here->prepared = true;
}

/* With the thread that drains; 0 or an errno. */
static int start_recorder(struct perftrace_runtime *runtime) {
    if (runtime->config.log_output || runtime->config.console_output)
        runtime->lines = open_lines();
    int error = perftrace_quiet_thread(&runtime->drainer, perftrace_recorder_main, runtime);
    if (error != 0)
        perftrace_fail(PERFTRACE_SYSTEM, "no thread to record to", runtime->trace.path, error);
    while (error == 0 && __atomic_load_n(&runtime->begun, __ATOMIC_ACQUIRE) == 0)
        perftrace_futex_wait(&runtime->begun, 0, LOCK_WAIT_NS);
    if (error == 0 && runtime->begun < 0) {
        pthread_join(runtime->drainer, NULL);
        error = -runtime->begun;
    }
    perftrace_stderr_lines_close(runtime->lines); /* nobody has taken it */
    runtime->lines = NULL;
    if (error == 0 && runtime->chrome_error != 0)
        perftrace_say("perftrace: no Chrome file %s: %s (the trace is %s)\n", runtime->chrome_path,
                      strerror(runtime->chrome_error), runtime->trace.path);
    return error;
}

/* Everything after the configuration is known. The state is STARTING. */
static int start(struct perftrace_runtime *runtime, const struct perftrace_filter *filter) {
    static uint64_t generation;
    perftrace_quiet_threads_forget();
    runtime->pid = (uint32_t)getpid();
    /* A fork's child keeps away from its parent's files, even when those are closed. */
    bool child = remembered.pid != 0 && remembered.pid != runtime->pid;
    runtime->own_name = child && strcmp(runtime->trace.path, remembered.trace_path) == 0;
    if (child)
        memcpy(runtime->parent_uuid, remembered.uuid, sizeof runtime->parent_uuid);
    else if (remembered.run_start_ns == 0)
        remembered.run_start_ns = perftrace_now_ns();
    runtime->run_start_ns = child ? remembered.run_start_ns : UINT64_MAX;
    memcpy(remembered.chrome_path, runtime->chrome_path, sizeof remembered.chrome_path);
    memcpy(remembered.trace_path, runtime->trace.path, sizeof remembered.trace_path);
    runtime->use_clock_gettime = !perftrace_ticks_are_trusted();
    runtime->generation = ++generation;
    runtime->first_filter = filter;
    perftrace_sites_note_main_program();
    int error = runtime->threadless ? perftrace_begin_here(runtime) : start_recorder(runtime);
    if (error == 0 && !runtime->threadless)
        perftrace_expect_main_end(runtime);
    return error == 0 ? 0 : -PERFTRACE_SYSTEM;
}

/* Moves from one of two states to STARTING; false: it is in neither. */
static bool claim_start(struct perftrace_runtime *runtime) {
    int state = PERFTRACE_STATE_NONE, stopped = PERFTRACE_STATE_STOPPED;
    return __atomic_compare_exchange_n(&runtime->state, &state, PERFTRACE_STATE_STARTING, false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) ||
           __atomic_compare_exchange_n(&runtime->state, &stopped, PERFTRACE_STATE_STARTING, false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static void forget_previous(struct perftrace_runtime *runtime) {
    struct perftrace_thread *threads = runtime->threads;
    memset((char *)runtime + offsetof(struct perftrace_runtime, pid), 0,
           sizeof *runtime - offsetof(struct perftrace_runtime, pid));
    runtime->threads = threads;
}

int perftrace_init(const struct perftrace_config *given) {
    static bool registered;
    struct perftrace_runtime *runtime = perftrace_here();
    if (runtime == NULL)
        return perftrace_fail(PERFTRACE_NO_MEMORY, "no memory", NULL, 0);
    if (!claim_start(runtime))
        return -PERFTRACE_BUSY;
    forget_previous(runtime);
    struct perftrace_filter filter;
    const char *why = "";
    int result = perftrace_configure(runtime, given, &filter, &why)
                     ? start(runtime, &filter)
                     : perftrace_fail(PERFTRACE_INVALID, why, NULL, 0);
    if (result != 0)
        __atomic_store_n(&runtime->state, PERFTRACE_STATE_STOPPED, __ATOMIC_RELEASE);
    else if (!registered)
        registered =
            atexit(perftrace_shutdown) == 0 && pthread_atfork(before_fork, after_fork, in_child) == 0;
    return result;
}

int perftrace_init_default(void) {
    return perftrace_init(NULL);
}

/* A forked child records for the first time: into a trace of its own. */
static void start_child(struct perftrace_runtime *runtime) {
    runtime->config = remembered.config;
    memcpy(runtime->chrome_path, remembered.chrome_path, sizeof runtime->chrome_path);
    memcpy(runtime->trace.path, remembered.trace_path, sizeof runtime->trace.path);
    memcpy(runtime->process_name, remembered.process_name, sizeof runtime->process_name);
    runtime->threadless = !runtime->prepared;
    int result = start(runtime, perftrace_sites_filter());
    if (result != 0) {
        perftrace_say("perftrace: %s\n", perftrace_error_text(result));
        perftrace_forget();
        __atomic_store_n(&runtime->state, PERFTRACE_STATE_STOPPED, __ATOMIC_RELEASE);
    }
}

struct perftrace_runtime *perftrace_active(void) {
    struct perftrace_runtime *runtime = perftrace_here();
    if (runtime == NULL)
        return NULL;
    int state = __atomic_load_n(&runtime->state, __ATOMIC_ACQUIRE);
    if (state == PERFTRACE_STATE_NONE) {
        if (__atomic_load_n(&remembered.recording, __ATOMIC_ACQUIRE)) {
            if (claim_start(runtime))
                start_child(runtime);
        } else {
            if (automatic < 0) {
                const char *value = secure_getenv("PERF_TRACE_AUTO");
                automatic = value != NULL && strcmp(value, "1") == 0;
            }
            if (!automatic)
                return NULL;
            int result = perftrace_init(NULL);
            if (result != 0 && result != -PERFTRACE_BUSY)
                perftrace_say("perftrace: %s\n", perftrace_error_text(result));
        }
        state = __atomic_load_n(&runtime->state, __ATOMIC_ACQUIRE);
    }
    return state == PERFTRACE_STATE_RECORDING ? runtime : NULL;
}

static struct perftrace_runtime *recording_now(void) {
    struct perftrace_runtime *runtime = __atomic_load_n(&here, __ATOMIC_ACQUIRE);
    return runtime != NULL && __atomic_load_n(&runtime->state, __ATOMIC_ACQUIRE) == PERFTRACE_STATE_RECORDING
               ? runtime
               : NULL;
}

/* Waits for a cycle of the drainer that began after this call. */
static bool wait_for_drainer(struct perftrace_runtime *runtime, uint64_t deadline) {
    uint32_t wanted = __atomic_add_fetch(&runtime->flush_wanted, 1, __ATOMIC_ACQ_REL);
    for (;;) {
        int pulse = __atomic_load_n(&runtime->pulse, __ATOMIC_ACQUIRE);
        if ((int32_t)(__atomic_load_n(&runtime->flush_done, __ATOMIC_ACQUIRE) - wanted) >= 0)
            return true;
        uint64_t now = perftrace_now_ns();
        if (now >= deadline)
            return false;
        perftrace_urge_drainer(runtime);
        perftrace_futex_wait(&runtime->pulse, pulse, 5000000);
    }
}

static int flush(struct perftrace_runtime *runtime) {
    uint64_t deadline = perftrace_now_ns() + (uint64_t)runtime->config.shutdown_ms * 1000000u;
    if (runtime->threadless)
        return perftrace_drain_here(runtime, true) ? 0 : -PERFTRACE_LATE;
    if (!wait_for_drainer(runtime, deadline))
        return -PERFTRACE_LATE;
    uint64_t now = perftrace_now_ns();
    uint32_t left_ms = now < deadline ? (uint32_t)((deadline - now) / 1000000u) : 0;
    if (runtime->sinks != NULL && !perftrace_sinks_wait(runtime->sinks, left_ms))
        return -PERFTRACE_LATE;
    return 0;
}

int perftrace_flush(void) {
    struct perftrace_runtime *runtime = __atomic_load_n(&here, __ATOMIC_ACQUIRE);
    if (runtime == NULL)
        return 0;
    /* The sinks are closed only when nobody waits for them, and nobody begins to when they are being closed. */
    __atomic_add_fetch(&runtime->flushing, 1, __ATOMIC_SEQ_CST);
    bool recording = __atomic_load_n(&runtime->state, __ATOMIC_SEQ_CST) == PERFTRACE_STATE_RECORDING;
    int result = recording ? flush(runtime) : 0;
    __atomic_sub_fetch(&runtime->flushing, 1, __ATOMIC_SEQ_CST);
    return result;
}

/* What the sinks could not write, and how to get it. */
static void say_what_is_missing(const struct perftrace_runtime *runtime) {
    int error = runtime->sinks_error;
    if (runtime->gone)
        perftrace_say("perftrace: %s was removed while it was being written\n", runtime->trace.path);
    else if (!runtime->finished)
        perftrace_say("perftrace: %s could not be finished (%s)%s%s\n", runtime->trace.path,
                      strerror(runtime->trace.error),
                      runtime->ring_path[0] != '\0' ? "; what is missing is counted in " : "",
                      runtime->ring_path);
    if ((runtime->sinks_missing != 0 || error != 0) && runtime->config.chrome_output &&
        !runtime->threadless && runtime->chrome_error == 0)
        perftrace_say("perftrace: %s is not complete (%s); complete it with: perftrace convert %s -o %s\n",
                      runtime->chrome_path, error != 0 ? strerror(error) : "out of time", runtime->trace.path,
                      runtime->chrome_path);
    else if (error != 0)
        perftrace_say("perftrace: the lines end before the trace %s does (%s)\n", runtime->trace.path,
                      strerror(error));
    unsigned lines = __atomic_load_n(&runtime->lines_missing, __ATOMIC_RELAXED);
    if (lines != 0)
        perftrace_say("perftrace: %u lines are missing (%s)\n", lines, strerror(ENOMEM));
}

/* Waits for the recorder's end for as long as it gets on. False: it hangs in the kernel, on a disk that does not answer; what it
 * has not written stays in the rings. */
static bool join_recorder(struct perftrace_runtime *runtime) {
    uint64_t got_on = 0, deadline = 0, patience = (uint64_t)runtime->config.shutdown_ms * 1000000u;
    for (;;) {
        int pulse = __atomic_load_n(&runtime->pulse, __ATOMIC_ACQUIRE);
        if (__atomic_load_n(&runtime->ended, __ATOMIC_ACQUIRE))
            break;
        bool drained = __atomic_load_n(&runtime->drained, __ATOMIC_ACQUIRE);
        uint64_t bytes = __atomic_load_n(&runtime->trace.bytes, __ATOMIC_ACQUIRE), now = perftrace_now_ns();
        if (deadline == 0 || bytes + drained != got_on) /* the sinks have a time of their own, twice */
            deadline = now + (drained ? 3 * patience + SINKS_GRACE_NS : patience);
        else if (now >= deadline)
            return false;
        got_on = bytes + drained;
        perftrace_urge_drainer(runtime);
        perftrace_futex_wait(&runtime->pulse, pulse, LOCK_WAIT_NS);
    }
    pthread_join(runtime->drainer, NULL);
    return true;
}

/* Writes what is left, and closes everything. False: that hangs. */
static bool end_recorder(struct perftrace_runtime *runtime) {
    if (runtime->threadless)
        return perftrace_end_here(runtime);
    __atomic_store_n(&runtime->stop, true, __ATOMIC_RELEASE);
    return join_recorder(runtime);
}

void perftrace_shutdown(void) {
    struct perftrace_runtime *runtime = recording_now();
    if (runtime == NULL || !perftrace_is_own_process(runtime))
        return;
    sigset_t saved;
    perftrace_lock(runtime, &saved);
    bool mine = runtime->state == PERFTRACE_STATE_RECORDING;
    if (mine) {
        __atomic_store_n(&runtime->state, PERFTRACE_STATE_STOPPING, __ATOMIC_SEQ_CST);
        perftrace_sites_switch(NULL);
        for (struct perftrace_thread *thread = runtime->threads; thread != NULL; thread = thread->next)
            perftrace_writers_stop(thread);
    }
    perftrace_unlock(runtime, &saved);
    if (!mine)
        return;
    for (int i = 0; i < TAKING_WAITS && __atomic_load_n(&runtime->taking, __ATOMIC_SEQ_CST) != 0; i++)
        nanosleep(&(struct timespec){0, TAKING_WAIT_NS}, NULL);
    perftrace_forget();
    if (!end_recorder(runtime)) {
        perftrace_say("perftrace: %s: the disk does not answer; what was recorded last is not in it\n",
                      runtime->trace.path);
        return; /* all of this is still in use: nobody records any more, nor can begin to */
    }
    say_what_is_missing(runtime);
    perftrace_sites_free_shapes(runtime);
    __atomic_store_n(&runtime->state, PERFTRACE_STATE_STOPPED, __ATOMIC_RELEASE);
}

int perftrace_set_filter(const char *directives) {
    struct perftrace_runtime *runtime = recording_now();
    struct perftrace_filter filter;
    int wrong = perftrace_filter_parse(&filter, directives, perftrace_complain);
    if (runtime == NULL)
        return wrong;
    sigset_t saved;
    perftrace_lock(runtime, &saved);
    if (runtime->state == PERFTRACE_STATE_RECORDING)
        perftrace_sites_switch(&filter);
    perftrace_unlock(runtime, &saved);
    return wrong;
}

void perftrace_statistics(struct perftrace_statistics *statistics) {
    static const struct perftrace_statistics none = PERFTRACE_STATISTICS_NONE;
    *statistics = none;
    struct perftrace_runtime *runtime = __atomic_load_n(&here, __ATOMIC_ACQUIRE);
    if (runtime == NULL || runtime->ring == NULL)
        return;
    statistics->recorded = __atomic_load_n(&runtime->recorded, __ATOMIC_RELAXED);
    statistics->bytes = __atomic_load_n(&runtime->trace.bytes, __ATOMIC_ACQUIRE);
    sigset_t saved;
    perftrace_lock(runtime, &saved);
    for (unsigned i = 0; i < PERFTRACE_LOST_CAUSES && runtime->ring != NULL; i++) {
        statistics->lost[i] =
            __atomic_load_n(&runtime->ring->lost[i], __ATOMIC_RELAXED) - runtime->lost_settled[i];
        for (struct perftrace_thread *thread = runtime->threads; thread != NULL; thread = thread->next)
            if (thread->used && thread->generation == runtime->generation)
                statistics->lost[i] += __atomic_load_n(&thread->lost[i], __ATOMIC_RELAXED);
        statistics->lost[i] += runtime->lost_by_ended_threads[i];
    }
    perftrace_unlock(runtime, &saved);
}

void perftrace_thread_name(const char *name) {
    struct perftrace_runtime *runtime = perftrace_active();
    struct perftrace_thread *thread = runtime != NULL && name != NULL ? perftrace_thread_here(runtime) : NULL;
    if (thread == NULL)
        return;
    sigset_t saved;
    perftrace_lock(runtime, &saved);
    snprintf(thread->name, sizeof thread->name, "%s", name);
    if (runtime->state == PERFTRACE_STATE_RECORDING)
        perftrace_track_write(runtime, thread->track, PERFTRACE_TRACK_THREAD, thread->os_id, thread->name);
    perftrace_unlock(runtime, &saved);
}

void perftrace_process_name(const char *name) {
    struct perftrace_runtime *runtime = perftrace_active();
    if (runtime == NULL || name == NULL)
        return;
    sigset_t saved;
    perftrace_lock(runtime, &saved);
    snprintf(runtime->process_name, sizeof runtime->process_name, "%s", name);
    if (runtime->state == PERFTRACE_STATE_RECORDING)
        perftrace_identity_rename(runtime);
    perftrace_unlock(runtime, &saved);
}

uint32_t perftrace_track_create(enum perftrace_track kind, const char *name) {
    struct perftrace_runtime *runtime = perftrace_active();
    if (runtime == NULL)
        return 0;
    sigset_t saved;
    perftrace_lock(runtime, &saved);
    uint32_t track = runtime->state == PERFTRACE_STATE_RECORDING
                         ? perftrace_track_add(runtime, (uint32_t)kind, 0, name != NULL ? name : "")
                         : 0;
    perftrace_unlock(runtime, &saved);
    return track;
}
