/* The recorder's own thread, from the beginning of a recording to its end. It opens, writes and closes all files, in a table of
 * descriptors that the program does not share (own_files.h); the sinks' thread, which it starts, shares it. */
#include "runtime.h"
#include "wait.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FLUSHING_PAUSE_NS 1000000

static void open_sinks(struct perftrace_runtime *runtime) {
    const struct perftrace_config *config = &runtime->config;
    if (!config->chrome_output && runtime->lines == NULL)
        return;
    struct perftrace_sinks_options options = {.trace_fd = runtime->trace.own.fd,
                                              .trace_path = runtime->trace.path,
                                              .chrome_path =
                                                  config->chrome_output ? runtime->chrome_path : NULL,
                                              .lines = runtime->lines,
                                              .lines_missing = &runtime->lines_missing,
                                              .log = config->log_output,
                                              .console = config->console_output};
    runtime->sinks = perftrace_sinks_open(&options);
    if (runtime->sinks == NULL && config->chrome_output) {
        runtime->chrome_error = errno;
        options.chrome_path = NULL;
        if (options.lines != NULL)
            runtime->sinks = perftrace_sinks_open(&options);
    }
    if (runtime->sinks != NULL)
        runtime->lines = NULL; /* theirs now */
}

/* How fast the tick counter is; false: it is none that goes with the time. */
static bool know_ticks(struct perftrace_runtime *runtime, const struct perftrace_block_clock readings[2]) {
    double ticks = (double)(int64_t)(readings[1].ticks - readings[0].ticks);
    double ns = (double)(readings[1].monotonic_ns - readings[0].monotonic_ns);
    double settle = ns > 0 ? ticks / ns * PERFTRACE_SETTLE_NS : 0;
    if (settle < 1 || settle > 1e9)
        return false;
    runtime->settle_ticks = (uint64_t)settle;
    return true;
}

/* A counter that does not count, whatever the kernel thinks of it. */
static void do_without_ticks(struct perftrace_runtime *runtime, struct perftrace_block_clock readings[2]) {
    runtime->use_clock_gettime = true;
    perftrace_clocks_read(runtime, &readings[0]);
    perftrace_clocks_read(runtime, &readings[1]);
    runtime->settle_ticks = PERFTRACE_SETTLE_NS;
}

/* The trace's first blocks, and the rings. 0 or a negative errno. */
static int write_beginning(struct perftrace_runtime *runtime) {
    /* Two readings, with what takes longest in between: from the beginning ticks can be told as time. */
    struct perftrace_block_clock readings[2];
    perftrace_clocks_read(runtime, &readings[0]);
    int error = perftrace_identity_write(runtime);
    if (error == 0)
        error = perftrace_rings_make(runtime);
    perftrace_clocks_read(runtime, &readings[1]);
    bool other_clock = !know_ticks(runtime, readings);
    if (other_clock)
        do_without_ticks(runtime, readings);
    if (error == 0 && (!runtime->ring_in_file || other_clock)) /* readers are to know */
        error = perftrace_identity_write(runtime);
    for (unsigned i = 0; i < 2 && error == 0; i++)
        error = perftrace_trace_block(&runtime->trace, PERFTRACE_BLOCK_CLOCK, &readings[i],
                                      sizeof readings[i], NULL, 0);
    return error;
}

static void start_recording(struct perftrace_runtime *runtime) {
    sigset_t saved;
    perftrace_lock(runtime, &saved);
    perftrace_sites_start(runtime);
    __atomic_store_n(&runtime->state, PERFTRACE_STATE_RECORDING, __ATOMIC_RELEASE);
    __atomic_store_n(&perftrace_recording_, 1, __ATOMIC_RELAXED);
    perftrace_sites_switch(runtime->first_filter);
    perftrace_unlock(runtime, &saved);
    perftrace_remember(runtime); /* now that there is a filter for a child */
    perftrace_settle_early(runtime);
}

/* 0 or a negative errno. */
static int begin(struct perftrace_runtime *runtime) {
    int error = perftrace_trace_open(runtime, runtime->own_name);
    if (error != 0) {
        perftrace_trace_remove(&runtime->trace);
        perftrace_fail(PERFTRACE_SYSTEM, "cannot write the trace", runtime->trace.path, -error);
        return error;
    }
    error = write_beginning(runtime);
    if (error == 0) {
        if (!runtime->threadless)
            open_sinks(runtime);
        start_recording(runtime);
        return 0;
    }
    perftrace_rings_undo(runtime);
    perftrace_trace_remove(&runtime->trace);
    perftrace_fail(PERFTRACE_SYSTEM, "cannot record to", runtime->trace.path, -error);
    return error;
}

static void end_sinks(struct perftrace_runtime *runtime) {
    if (runtime->sinks == NULL)
        return;
    /* Whoever waits for them in perftrace_flush does not do so for longer than this. */
    uint64_t deadline = perftrace_now_ns() + (uint64_t)runtime->config.shutdown_ms * 1000000u;
    while (__atomic_load_n(&runtime->flushing, __ATOMIC_SEQ_CST) != 0 && perftrace_now_ns() < deadline)
        nanosleep(&(struct timespec){0, FLUSHING_PAUSE_NS}, NULL);
    runtime->sinks_missing =
        perftrace_sinks_close(runtime->sinks, runtime->config.shutdown_ms, &runtime->sinks_error);
    runtime->sinks = NULL;
}

/* Nobody will find what has been written into a file without a name. */
static void note_gone(struct perftrace_runtime *runtime) {
    runtime->gone = perftrace_trace_look(&runtime->trace) == PERFTRACE_TRACE_GONE;
    if (!runtime->gone)
        return;
    __atomic_add_fetch(&runtime->ring->lost[PERFTRACE_LOSS_DISK], runtime->recorded, __ATOMIC_RELAXED);
    __atomic_store_n(&runtime->recorded, 0, __ATOMIC_RELAXED);
}

void *perftrace_recorder_main(void *pointer) {
    struct perftrace_runtime *runtime = pointer;
    pthread_setname_np(pthread_self(), "perftrace");
    runtime->recorder_thread = (uint32_t)syscall(SYS_gettid);
    perftrace_files_separate();
    int error = begin(runtime);
    __atomic_store_n(&runtime->begun, error == 0 ? 1 : error, __ATOMIC_RELEASE);
    perftrace_futex_wake(&runtime->begun);
    if (error != 0) {
        perftrace_quiet_thread_ends();
        return NULL;
    }
    perftrace_drain(runtime);
    __atomic_store_n(&runtime->drained, true, __ATOMIC_RELEASE);
    end_sinks(runtime);
    note_gone(runtime);
    perftrace_rings_drop(runtime, !runtime->finished);
    perftrace_trace_close(&runtime->trace);
    __atomic_store_n(&runtime->ended, true, __ATOMIC_RELEASE);
    __atomic_add_fetch(&runtime->pulse, 1, __ATOMIC_RELEASE);
    perftrace_futex_wake(&runtime->pulse);
    perftrace_quiet_thread_ends();
    return NULL;
}

/* A child that was not made by fork(), but by _Fork(), clone() or a system call, has the locks of malloc and of threads as they were
 * in its parent's other threads, held for ever perhaps. All that a thread needs to begin can hang there; so there is
 * none, and no sinks. What is done instead needs system calls only. */
int perftrace_begin_here(struct perftrace_runtime *runtime) {
    struct perftrace_held_signals held;
    perftrace_hold_signals(&held);
    perftrace_files_share();
    runtime->wake = runtime->urgent = 1; /* there is nobody to wake */
    int error = begin(runtime);
    perftrace_own_file_close(&runtime->trace.own);
    perftrace_release_signals(&held);
    return error;
}

bool perftrace_end_here(struct perftrace_runtime *runtime) {
    uint64_t deadline = perftrace_now_ns() + (uint64_t)runtime->config.shutdown_ms * 1000000u;
    if (!perftrace_drain_last_here(runtime, deadline))
        return false;
    note_gone(runtime);
    perftrace_rings_drop(runtime, !runtime->finished);
    perftrace_trace_close(&runtime->trace);
    return true;
}
