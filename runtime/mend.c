/* Mending: somebody has cut off the trace while it was being written (a shell's `>`, a rotation of logs). What was in it is
 * lost, and counted so; what follows must not be lost with it, for lack of the sites and tracks that were told of there. */
#include "runtime.h"

static bool tells_yet(const struct perftrace_runtime *runtime, const struct perftrace_thread *thread) {
    return thread->generation == runtime->generation && (thread->used || thread->waiting > 0);
}

/* What is gone counts as lost. Losses that it told of are told again: by their tracks' next chunks, or, where
 * there will be none, for the whole process. */
static void count_again(struct perftrace_runtime *runtime) {
    sigset_t saved;
    perftrace_lock(runtime, &saved);
    __atomic_add_fetch(&runtime->ring->lost[PERFTRACE_LOSS_DISK], runtime->recorded, __ATOMIC_RELAXED);
    __atomic_store_n(&runtime->recorded, 0, __ATOMIC_RELAXED);
    runtime->losses_written = 0;
    for (unsigned i = 0; i < PERFTRACE_LOSS_CAUSES; i++) {
        uint64_t ended = runtime->lost_by_ended_threads[i], settled = runtime->lost_settled[i];
        for (struct perftrace_thread *thread = runtime->threads; thread != NULL; thread = thread->next)
            if (tells_yet(runtime, thread)) {
                ended -= thread->used ? 0 : thread->lost[i];
                settled -= thread->settled[i];
                thread->told[i] = thread->settled[i];
            }
        __atomic_add_fetch(&runtime->ring->lost[i], ended - settled, __ATOMIC_RELAXED);
        runtime->lost_settled[i] += ended - settled;
    }
    perftrace_unlock(runtime, &saved);
}

/* Sites and tracks. Where the metadata has begun anew, those that are at hand: of modules that are loaded, of threads that
 * still have something to tell. */
static void tell_again(struct perftrace_runtime *runtime) {
    sigset_t saved;
    perftrace_lock(runtime, &saved);
    runtime->metadata_drained = 0;
    if (runtime->metadata_begun_anew) {
        __atomic_store_n(&runtime->ring->metadata_used, 0, __ATOMIC_RELEASE);
        for (struct perftrace_thread *thread = runtime->threads; thread != NULL; thread = thread->next)
            if (tells_yet(runtime, thread))
                perftrace_track_write(runtime, thread->track, PERFTRACE_TRACK_THREAD, thread->os_id,
                                      thread->name);
        perftrace_sites_start(runtime);
    }
    perftrace_unlock(runtime, &saved);
}

static bool begin_anew(struct perftrace_runtime *runtime) {
    struct perftrace_block_clock clocks[2];
    perftrace_clocks_read(runtime, &clocks[0]);
    int error = perftrace_trace_begin(runtime);
    if (error == 0)
        error = perftrace_identity_write(runtime);
    if (error == 0 && runtime->ring_in_file)
        error = perftrace_identity_write_ring(runtime);
    perftrace_clocks_read(runtime, &clocks[1]);
    for (int i = 0; i < 2 && error == 0; i++)
        error = perftrace_trace_block(&runtime->trace, PERFTRACE_BLOCK_CLOCK, &clocks[i], sizeof clocks[i],
                                      NULL, 0);
    runtime->modules_told = 0;
    return error == 0;
}

bool perftrace_trace_mend(struct perftrace_runtime *runtime) {
    if (perftrace_trace_look(&runtime->trace) == PERFTRACE_TRACE_CUT) {
        count_again(runtime);
        tell_again(runtime);
        runtime->headless = true;
    }
    if (runtime->headless)
        runtime->headless = !begin_anew(runtime);
    return !runtime->headless;
}
