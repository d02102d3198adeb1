/* Threads: each one's control block, made at its first record, used again by another after its end. */
#include "runtime.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

struct perftrace_control perftrace_no_control;
__thread struct perftrace_control *perftrace_control_ = &perftrace_no_control;
static __thread bool attaching; /* a signal handler came while the thread was being made */
static pthread_key_t exit_key;
static bool exit_key_made; /* under the lock */

/* A signal handler may be counting at the same time. */
static void copy_loss(struct perftrace_thread *thread, unsigned cause) {
    uint64_t sum;
    do {
        sum = __atomic_load_n(&thread->lost[cause], __ATOMIC_RELAXED);
        __atomic_store_n(&thread->segment->lost[cause], sum, __ATOMIC_RELAXED);
    } while (sum != __atomic_load_n(&thread->lost[cause], __ATOMIC_RELAXED));
}

void perftrace_count_lost(struct perftrace_runtime *runtime, struct perftrace_thread *thread,
                          unsigned cause) {
    if (thread == NULL || thread->segment == NULL) {
        __atomic_add_fetch(&runtime->ring->lost[cause], 1, __ATOMIC_RELAXED);
        return;
    }
    __atomic_add_fetch(&thread->lost[cause], 1, __ATOMIC_RELAXED);
    copy_loss(thread, cause);
}

void perftrace_losses_copy(struct perftrace_thread *thread) {
    for (unsigned i = 0; i < PERFTRACE_LOSS_CAUSES; i++)
        copy_loss(thread, i);
}

void perftrace_losses_settle(struct perftrace_runtime *runtime, struct perftrace_thread *thread) {
    for (unsigned i = 0; i < PERFTRACE_LOSS_CAUSES; i++) {
        uint64_t lost = __atomic_load_n(&thread->lost[i], __ATOMIC_RELAXED);
        uint64_t more = lost - thread->told[i];
        __atomic_add_fetch(&runtime->ring->lost[i], more, __ATOMIC_RELAXED);
        runtime->lost_settled[i] += more;
        thread->settled[i] += more;
        thread->told[i] = lost;
    }
}

bool perftrace_track_write(struct perftrace_runtime *runtime, uint32_t track, uint32_t kind, int32_t os_id,
                           const char *name) {
    char block[sizeof(struct perftrace_block_track) + PERFTRACE_THREAD_NAME_BYTES + 8] = {0};
    size_t length = strnlen(name, PERFTRACE_THREAD_NAME_BYTES);
    struct perftrace_block_track head = {
        .id = track, .kind = kind, .os_id = (uint64_t)os_id, .name_bytes = (uint16_t)length};
    memcpy(block, &head, sizeof head);
    memcpy(block + sizeof head, name, length);
    return perftrace_metadata_add(runtime, PERFTRACE_BLOCK_TRACK, block,
                                  (sizeof head + length + 7) & ~(size_t)7);
}

uint32_t perftrace_track_add(struct perftrace_runtime *runtime, uint32_t kind, int32_t os_id,
                             const char *name) {
    if (!perftrace_track_write(runtime, runtime->tracks + 1, kind, os_id, name))
        return 0;
    return ++runtime->tracks;
}

/* A thread ends: its segment goes to the drainer. Destructors that run after this one and record bring it
 * back to life; then this is called again. */
static void thread_ends(void *pointer) {
    struct perftrace_thread *thread = pointer;
    struct perftrace_runtime *runtime = perftrace_here();
    sigset_t saved;
    perftrace_lock(runtime, &saved);
    perftrace_control_ = &perftrace_no_control;
    if (thread->used) {
        if (thread->segment != NULL && thread->generation == runtime->generation) {
            for (unsigned i = 0; i < PERFTRACE_LOSS_CAUSES; i++)
                runtime->lost_by_ended_threads[i] += thread->lost[i];
            bool whole = thread->control.room >= PERFTRACE_FREE_;
            perftrace_segment_hand_over(runtime, thread, whole ? thread->control.cursor : NULL);
        }
        thread->segment = NULL;
        thread->control.room = PERFTRACE_FREE_;
        thread->used = false;
    }
    perftrace_unlock(runtime, &saved);
}

/* With the lock held, and not with pthread_once: in a child whose parent's thread was just doing that it would wait for
 * ever. */
static void make_exit_key(void) {
    if (!exit_key_made)
        exit_key_made = pthread_key_create(&exit_key, thread_ends) == 0;
}

static struct perftrace_thread *new_thread_memory(void) {
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    if (!perftrace_wipe_on_fork(memory, 4096)) {
        munmap(memory, 4096);
        return NULL;
    }
    return memory;
}

/* With the lock held. */
static struct perftrace_thread *find_or_make_thread(struct perftrace_runtime *runtime) {
    for (struct perftrace_thread *thread = runtime->threads; thread != NULL; thread = thread->next)
        if (!thread->used && (thread->generation != runtime->generation || thread->waiting == 0))
            return thread; /* the drainer needs no more of it */
    struct perftrace_thread *thread = new_thread_memory();
    if (thread != NULL) {
        thread->next = runtime->threads;
        runtime->threads = thread;
    }
    return thread;
}

static bool start_thread(struct perftrace_runtime *runtime, struct perftrace_thread *thread) {
    thread->os_id = (int32_t)syscall(SYS_gettid);
    thread->name[0] = '\0';
    prctl(PR_GET_NAME, thread->name); /* what pthread_setname_np gave it, else the program's name */
    thread->track = perftrace_track_add(runtime, PERFTRACE_TRACK_THREAD, thread->os_id, thread->name);
    if (thread->track == 0)
        return false;
    thread->sequence = 0;
    thread->next_id = 0;
    memset(thread->lost, 0, sizeof thread->lost);
    memset(thread->told, 0, sizeof thread->told);
    memset(thread->settled, 0, sizeof thread->settled);
    thread->waiting = 0;
    thread->segment = NULL;
    thread->epoch = 0;
    thread->control.cursor = NULL;
    thread->control.room = PERFTRACE_FREE_;
    thread->control.epoch = PERFTRACE_NO_EPOCH;
    thread->control.depth = 0;
    thread->generation = runtime->generation;
    thread->used = true;
    return true;
}

struct perftrace_thread *perftrace_thread_here(struct perftrace_runtime *runtime) {
    struct perftrace_thread *thread = (struct perftrace_thread *)(void *)perftrace_control_;
    bool known = perftrace_control_ != &perftrace_no_control;
    if (known && thread->generation == runtime->generation && thread->used)
        return thread;
    if (attaching || !perftrace_is_own_process(runtime)) {
        perftrace_count_lost(runtime, NULL, attaching ? PERFTRACE_LOSS_REENTRY : PERFTRACE_LOSS_NO_RING);
        return NULL;
    }
    attaching = true;
    sigset_t saved;
    perftrace_lock(runtime, &saved);
    make_exit_key();
    /* After a fork the thread keeps its (wiped) page; else it takes one that nobody uses. */
    if (!known || thread->used) {
        if (!known)
            thread = find_or_make_thread(runtime);
    } else {
        thread->next = runtime->threads;
        runtime->threads = thread;
    }
    bool started =
        thread != NULL && runtime->state == PERFTRACE_STATE_RECORDING && start_thread(runtime, thread);
    perftrace_unlock(runtime, &saved);
    if (started) {
        perftrace_control_ = &thread->control;
        if (exit_key_made && pthread_getspecific(exit_key) != thread)
            pthread_setspecific(exit_key, thread);
    } else {
        perftrace_count_lost(runtime, NULL, PERFTRACE_LOSS_NO_RING);
        thread = NULL;
    }
    attaching = false;
    return thread;
}
