/* Patience: how long a thread waits for segments where it is to wait when the rings are full (PERFTRACE_FULL_WAIT). */
#include "runtime.h"

#define WAIT_NS 10000000       /* before looking again */
#define GIVE_UP_NS 1000000000u /* when nothing happens that could free a segment */

/* Whether the drainer has something to free, now or when it is done with what it does. */
static bool something_is_full(struct perftrace_runtime *runtime) {
    bool found = false;
    sigset_t saved;
    perftrace_lock(runtime, &saved);
    for (uint32_t i = 0; i < runtime->segment_count && !found; i++)
        found = __atomic_load_n(&runtime->segments[i]->state, __ATOMIC_RELAXED) == PERFTRACE_SEGMENT_FULL;
    perftrace_unlock(runtime, &saved);
    return found;
}

struct perftrace_patience perftrace_patience(const struct perftrace_runtime *runtime) {
    return (struct perftrace_patience){.pulse = __atomic_load_n(&runtime->pulse, __ATOMIC_ACQUIRE)};
}

bool perftrace_wait_for_room(struct perftrace_runtime *runtime, struct perftrace_patience *patience) {
    if (runtime->threadless) { /* whoever records drains, but not again and again */
        bool drained = !patience->drained_here && perftrace_drain_here(runtime, false);
        patience->drained_here = true;
        return drained;
    }
    if (runtime->config.when_full != PERFTRACE_FULL_WAIT || !perftrace_is_own_process(runtime) ||
        __atomic_load_n(&runtime->state, __ATOMIC_ACQUIRE) != PERFTRACE_STATE_RECORDING ||
        __atomic_load_n(&runtime->hopeless, __ATOMIC_RELAXED))
        return false;
    uint64_t now = perftrace_now_ns();
    bool turned = __atomic_load_n(&runtime->pulse, __ATOMIC_ACQUIRE) != patience->pulse;
    bool hope =
        something_is_full(runtime) && (turned || !__atomic_load_n(&runtime->elsewhere, __ATOMIC_RELAXED));
    if (hope || patience->without_hope_since == 0)
        patience->without_hope_since = hope ? 0 : now;
    else if (now - patience->without_hope_since > GIVE_UP_NS) {
        __atomic_store_n(&runtime->hopeless, true, __ATOMIC_RELAXED);
        return false;
    }
    perftrace_urge_drainer(runtime);
    perftrace_futex_wait(&runtime->pulse, patience->pulse, WAIT_NS);
    patience->pulse = __atomic_load_n(&runtime->pulse, __ATOMIC_ACQUIRE);
    return true;
}
