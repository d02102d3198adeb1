/* Threads: each one's page, made at its first record, used again by another after its end. */
#include "runtime.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Several threads claim it at the same time, without anything that makes their sums right: whatever its room may be, its
 * epoch sends them the cold way. */
struct perftrace_control perftrace_no_control = {NULL, 0, PERFTRACE_NO_EPOCH, 0};
__thread struct perftrace_control *perftrace_control_ = &perftrace_no_control;
static pthread_key_t exit_key;
static bool exit_key_made; /* under the lock, but for the constructor */

/* The writer is claimed, else its segment may be another thread's by now. A signal handler may be counting at the same time. */
static void copy_loss(struct perftrace_thread *thread, const struct perftrace_writer *writer,
                      unsigned cause) {
    uint64_t sum;
    do {
        sum = __atomic_load_n(&thread->lost[cause], __ATOMIC_RELAXED);
        __atomic_store_n(&writer->segment->lost[cause], sum, __ATOMIC_RELAXED);
    } while (sum != __atomic_load_n(&thread->lost[cause], __ATOMIC_RELAXED));
}

void perftrace_count_lost(struct perftrace_runtime *runtime, struct perftrace_thread *thread,
                          unsigned cause) {
    if (thread == NULL || thread->writer->segment == NULL) {
        __atomic_add_fetch(&runtime->ring->lost[cause], 1, __ATOMIC_RELAXED);
        return;
    }
    __atomic_add_fetch(&thread->lost[cause], 1, __ATOMIC_RELAXED);
    struct perftrace_writer *writer;
    bool claimed;
    do { /* where it is claimed already, that is by us or by what we have interrupted */
        writer = __atomic_load_n(&thread->writer, __ATOMIC_RELAXED);
        claimed = perftrace_writer_try_claim(writer);
    } while (!claimed && perftrace_writer_is_left(writer));
    copy_loss(thread, writer, cause);
    if (claimed)
        perftrace_writer_give_back(writer);
}

void perftrace_losses_copy(struct perftrace_thread *thread, const struct perftrace_writer *writer) {
    for (unsigned i = 0; i < PERFTRACE_LOSS_CAUSES; i++)
        copy_loss(thread, writer, i);
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

/* With the lock held: its segments go to the drainer. */
static void end_thread(struct perftrace_runtime *runtime, struct perftrace_thread *thread) {
    if (thread->used && thread->generation == runtime->generation) {
        if (thread->writer->segment != NULL)
            for (unsigned i = 0; i < PERFTRACE_LOSS_CAUSES; i++)
                runtime->lost_by_ended_threads[i] += thread->lost[i];
        perftrace_writers_end(runtime, thread);
    }
    thread->used = false;
}

void perftrace_threads_end_gone(struct perftrace_runtime *runtime) {
    sigset_t saved;
    perftrace_lock(runtime, &saved);
    for (struct perftrace_thread *thread = runtime->threads; thread != NULL; thread = thread->next)
        if (thread->used && thread->generation == runtime->generation &&
            syscall(SYS_tgkill, (pid_t)runtime->pid, (pid_t)thread->os_id, 0) != 0 && errno == ESRCH)
            end_thread(runtime, thread);
    perftrace_unlock(runtime, &saved);
}

/* A thread ends. Destructors that run after this one and record bring it back to life; then this is called again, but for the last
 * of the rounds that pthread_setspecific(3) speaks of. */
static void thread_ends(void *pointer) {
    struct perftrace_thread *thread = pointer;
    struct perftrace_runtime *runtime = perftrace_here();
    sigset_t saved;
    perftrace_main_may_end(runtime);
    if (pointer == &perftrace_no_control)
        return; /* only to hear of the main thread's end */
    perftrace_lock(runtime, &saved);
    perftrace_control_ = &perftrace_no_control;
    end_thread(runtime, thread);
    perftrace_unlock(runtime, &saved);
    /* Where threads come and go, each of them leaves a segment behind. */
    if (__atomic_load_n(&runtime->free_count, __ATOMIC_RELAXED) < PERFTRACE_SEGMENTS_SPARE)
        perftrace_wake_drainer(runtime);
}

/* Not at a thread's first record, which may be in a signal handler. The earlier the key is made, the smaller it is, and for
 * small ones (glibc: below 32) pthread_setspecific needs no memory. */
__attribute__((constructor)) static void make_exit_key(void) {
    exit_key_made = pthread_key_create(&exit_key, thread_ends) == 0;
}

static struct perftrace_thread *new_thread_memory(void) {
    void *memory =
        mmap(NULL, PERFTRACE_THREAD_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    if (!perftrace_wipe_on_fork(memory, PERFTRACE_THREAD_BYTES)) {
        munmap(memory, PERFTRACE_THREAD_BYTES);
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
    thread->generation = runtime->generation;
    thread->used = true;
    perftrace_writers_start(thread);
    return true;
}

/* With the lock held, and signals blocked from beginning to end: a handler finds the thread made or not. */
static bool attach(struct perftrace_runtime *runtime) {
    struct perftrace_thread *thread = perftrace_thread_known();
    if (thread == NULL)
        thread = find_or_make_thread(runtime);
    else if (!thread->used) { /* its page was wiped in a forked child */
        thread->next = runtime->threads;
        runtime->threads = thread;
    }
    if (thread == NULL || runtime->state != PERFTRACE_STATE_RECORDING || !start_thread(runtime, thread))
        return false;
    if (exit_key_made && pthread_getspecific(exit_key) != thread)
        pthread_setspecific(exit_key, thread);
    return true;
}

struct perftrace_thread *perftrace_thread_known(void) {
    struct perftrace_control *control = perftrace_control_;
    if (control == &perftrace_no_control)
        return NULL;
    return (struct perftrace_thread *)((uintptr_t)control & ~(uintptr_t)(PERFTRACE_THREAD_BYTES - 1));
}

static bool is_attached(const struct perftrace_runtime *runtime, const struct perftrace_thread *thread) {
    return thread != NULL && thread->used && thread->generation == runtime->generation;
}

struct perftrace_thread *perftrace_thread_here(struct perftrace_runtime *runtime) {
    struct perftrace_thread *thread = perftrace_thread_known();
    if (is_attached(runtime, thread))
        return thread;
    bool attached = false;
    if (perftrace_is_own_process(runtime)) {
        sigset_t saved;
        perftrace_lock(runtime, &saved);
        attached = is_attached(runtime, perftrace_thread_known()) || attach(runtime);
        perftrace_unlock(runtime, &saved);
    }
    if (attached)
        return perftrace_thread_known();
    perftrace_count_lost(runtime, NULL, PERFTRACE_LOSS_NO_RING);
    return NULL;
}

void perftrace_hear_of_end(void) {
    if (exit_key_made && pthread_getspecific(exit_key) == NULL)
        pthread_setspecific(exit_key, &perftrace_no_control);
}
