/* The thread that writes lines to standard error, and how they get to it. */
#define _GNU_SOURCE /* pthread_setname_np */
#include "stderr_lines.h"

#include "quiet.h"
#include "wait.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BATCH_BYTES = 64 << 10, /* lines are handed over when there are so many */
    GRACE_MS = 500,         /* for a thread that was told to end */
    POLL_MS = 50,           /* how often whoever waits looks whether to go on */
};

/* Lines, each behind its length. */
struct batch {
    char *bytes;
    size_t used, capacity;
};

struct perftrace_stderr_lines {
    struct perftrace_output output;
    struct batch gathered; /* the caller's */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work, progress;

    /* Under the lock. */
    struct batch handed_over;
    bool writing;  /* the thread has something to write */
    bool ending;   /* it is to end */
    bool ended;    /* it has: it touches nothing any more, unless … */
    bool orphaned; /* … nobody waits for it, and it is to free everything */

    atomic_bool gave_up; /* nobody waits for lines any more */
    atomic_bool failed;
};

static void free_lines(struct perftrace_stderr_lines *lines) {
    free(lines->gathered.bytes);
    free(lines->handed_over.bytes);
    perftrace_wait_free(&lines->lock, &lines->work, &lines->progress);
    free(lines);
}

/* ---- the thread ------------------------------------------------------------------------------------ */

static bool write_line(struct perftrace_stderr_lines *lines, const char *text, size_t length) {
    while (length > 0) {
        ssize_t done = write(STDERR_FILENO, text, length);
        if (done > 0) {
            text += done;
            length -= (size_t)done;
        } else if (done < 0 && errno == EAGAIN && !atomic_load(&lines->gave_up)) {
            poll(&(struct pollfd){.fd = STDERR_FILENO, .events = POLLOUT}, 1, POLL_MS);
        } else if (done == 0 || errno != EINTR) {
            return false;
        }
    }
    return true;
}

static void write_batch(struct perftrace_stderr_lines *lines, const struct batch *batch) {
    uint32_t length;
    for (size_t at = 0; at < batch->used && !atomic_load(&lines->gave_up); at += length) {
        memcpy(&length, batch->bytes + at, sizeof length);
        at += sizeof length;
        if (!write_line(lines, batch->bytes + at, length)) {
            atomic_store(&lines->failed, true);
            return;
        }
    }
}

static void *lines_main(void *argument) {
    struct perftrace_stderr_lines *lines = argument;
    pthread_setname_np(pthread_self(), "perftrace-lines");
    pthread_mutex_lock(&lines->lock);
    for (;;) {
        while (!lines->writing && !lines->ending)
            pthread_cond_wait(&lines->work, &lines->lock);
        if (!lines->writing)
            break;
        pthread_mutex_unlock(&lines->lock);
        write_batch(lines, &lines->handed_over);
        pthread_mutex_lock(&lines->lock);
        lines->writing = false;
        pthread_cond_broadcast(&lines->progress);
    }
    lines->ended = true;
    bool orphaned = lines->orphaned;
    pthread_cond_broadcast(&lines->progress);
    pthread_mutex_unlock(&lines->lock);
    if (orphaned)
        free_lines(lines);
    perftrace_quiet_thread_ends();
    return NULL;
}

/* ---- from outside ---------------------------------------------------------------------------------- */

/* With the lock held. False: told to give up. */
static bool wait_until_written(struct perftrace_stderr_lines *lines) {
    while (lines->writing && !atomic_load(&lines->gave_up)) {
        struct timespec deadline = perftrace_wait_deadline(POLL_MS);
        pthread_cond_timedwait(&lines->progress, &lines->lock, &deadline);
    }
    return !lines->writing;
}

static bool hand_over(struct perftrace_stderr_lines *lines, bool and_wait) {
    pthread_mutex_lock(&lines->lock);
    bool done = wait_until_written(lines);
    if (done && lines->gathered.used > 0) {
        struct batch written = lines->handed_over;
        lines->handed_over = lines->gathered;
        lines->gathered = written;
        lines->gathered.used = 0;
        lines->writing = true;
        pthread_cond_signal(&lines->work);
    }
    if (done && and_wait)
        done = wait_until_written(lines);
    pthread_mutex_unlock(&lines->lock);
    return done && !atomic_load(&lines->failed);
}

static int gather(struct perftrace_output *output, const char *text, size_t length) {
    struct perftrace_stderr_lines *lines = (struct perftrace_stderr_lines *)(void *)output; /* its first */
    struct batch *batch = &lines->gathered;
    const uint32_t count = (uint32_t)length;
    if (batch->used > 0 && batch->used + sizeof count + length > BATCH_BYTES && !hand_over(lines, false))
        return -EIO;
    if (batch->capacity < batch->used + sizeof count + length) {
        size_t capacity = sizeof count + length > BATCH_BYTES ? sizeof count + length : BATCH_BYTES;
        char *bytes = realloc(batch->bytes, capacity);
        if (bytes == NULL)
            return -ENOMEM;
        batch->bytes = bytes;
        batch->capacity = capacity;
    }
    memcpy(batch->bytes + batch->used, &count, sizeof count);
    memcpy(batch->bytes + batch->used + sizeof count, text, length);
    batch->used += sizeof count + length;
    return 0;
}

struct perftrace_stderr_lines *perftrace_stderr_lines_open(void) {
    struct perftrace_stderr_lines *lines = calloc(1, sizeof *lines);
    if (lines == NULL)
        return NULL;
    lines->output.write = gather;
    perftrace_wait_init(&lines->lock, &lines->work, &lines->progress);
    int error = perftrace_quiet_thread(&lines->thread, lines_main, lines);
    if (error == 0)
        return lines;
    free_lines(lines);
    errno = error;
    return NULL;
}

struct perftrace_output *perftrace_stderr_lines_output(struct perftrace_stderr_lines *lines) {
    return &lines->output;
}

bool perftrace_stderr_lines_flush(struct perftrace_stderr_lines *lines) {
    return hand_over(lines, true);
}

bool perftrace_stderr_lines_failed(const struct perftrace_stderr_lines *lines) {
    return atomic_load(&lines->failed);
}

void perftrace_stderr_lines_give_up(struct perftrace_stderr_lines *lines) {
    atomic_store(&lines->gave_up, true);
}

void perftrace_stderr_lines_close(struct perftrace_stderr_lines *lines) {
    if (lines == NULL)
        return;
    pthread_t thread = lines->thread;
    struct timespec deadline = perftrace_wait_deadline(GRACE_MS);
    atomic_store(&lines->gave_up, true);
    pthread_mutex_lock(&lines->lock);
    lines->ending = true;
    pthread_cond_signal(&lines->work);
    while (!lines->ended)
        if (pthread_cond_timedwait(&lines->progress, &lines->lock, &deadline) != 0)
            break;
    bool ended = lines->ended;
    lines->orphaned = !ended;
    pthread_mutex_unlock(&lines->lock); /* from now on an orphan may free itself */
    if (!ended) {
        pthread_detach(thread);
        return;
    }
    pthread_join(thread, NULL);
    free_lines(lines);
}
