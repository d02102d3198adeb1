/* The sinks' thread: follows the trace file, block by block, and hands what the stream makes of it to the
 * Chrome writer and to the writers of lines. */
#define _GNU_SOURCE /* pthread_setname_np */
#include "sinks.h"

#include "../core/chrome.h"
#include "../core/lines.h"
#include "../core/stream.h"
#include "page_file.h"
#include "quiet.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    BUFFER_BYTES = 256 << 10, /* to begin with; it grows to hold a block that is longer */
    GRACE_MS = 500,           /* for a thread that was told to stop */
    POLL_MS = 50,             /* how often a thread that waits for stderr looks whether to stop */
};

/* Standard error as an output for lines. */
struct lines {
    struct perftrace_output output;
    const atomic_bool *abandoned;
    bool failed;
};

struct perftrace_sinks {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work;     /* told, ending or abandoned has changed */
    pthread_cond_t progress; /* done or ended has changed */

    /* Under the lock. */
    uint64_t told; /* the trace is complete up to here */
    uint64_t done; /* and this much has been taken */
    bool ending;   /* the thread is to finish when all is done */
    bool ended;    /* it has: it touches nothing any more, unless … */
    bool orphaned; /* … nobody waits for it, and it is to free everything */

    atomic_bool abandoned;        /* the thread is to stop where it is */
    _Atomic uint64_t written_out; /* all that the trace has up to here has come out */
    int error;                    /* the first; to be read when ended */
    bool finished;                /* everything has come out; the same */

    /* The thread's own. */
    int fd;
    bool log, console;
    uint64_t position; /* of the next block; 0: the header is still to be read */
    char *buffer;      /* the file's bytes from buffer_at */
    uint64_t buffer_at;
    size_t buffer_used, buffer_capacity;
    struct perftrace_stream *stream;
    struct perftrace_chrome *chrome; /* NULL: none, or it has failed */
    struct perftrace_page_file *page_file;
    struct lines lines;
};

/* ---- what comes out -------------------------------------------------------------------------------- */

static int write_lines(struct perftrace_output *output, const char *text, size_t length) {
    struct lines *lines = (struct lines *)(void *)output; /* its first member */
    while (length > 0) {
        ssize_t done = write(STDERR_FILENO, text, length);
        if (done > 0) {
            text += done;
            length -= (size_t)done;
        } else if (done < 0 && errno == EAGAIN && !atomic_load(lines->abandoned)) {
            poll(&(struct pollfd){.fd = STDERR_FILENO, .events = POLLOUT}, 1, POLL_MS);
        } else if (done == 0 || errno != EINTR) {
            lines->failed = true;
            return done == 0 ? -EIO : -errno;
        }
    }
    return 0;
}

static void note_error(struct perftrace_sinks *sinks, int error) {
    if (sinks->error == 0)
        sinks->error = error;
}

static void stop_chrome(struct perftrace_sinks *sinks, int error) {
    note_error(sinks, error);
    perftrace_chrome_close(sinks->chrome);
    sinks->chrome = NULL;
}

/* Whether there is anybody left to read for. */
static bool has_sinks(const struct perftrace_sinks *sinks) {
    return sinks->chrome != NULL || ((sinks->log || sinks->console) && !sinks->lines.failed);
}

static void deliver(struct perftrace_sinks *sinks, const struct perftrace_item *item) {
    if (sinks->chrome != NULL) {
        int result = perftrace_chrome_item(sinks->chrome, item);
        if (result != 0)
            stop_chrome(sinks, -result);
    }
    if (sinks->log && !sinks->lines.failed)
        perftrace_log_item(&sinks->lines.output, item);
    if (sinks->console && !sinks->lines.failed)
        perftrace_console_item(&sinks->lines.output, item);
}

/* Hands out what the stream has. False: told to stop, or out of memory. */
static bool deliver_items(struct perftrace_sinks *sinks) {
    const struct perftrace_item *item;
    while ((item = perftrace_stream_next(sinks->stream)) != NULL) {
        if (atomic_load_explicit(&sinks->abandoned, memory_order_relaxed))
            return false;
        deliver(sinks, item);
    }
    if (perftrace_stream_error(sinks->stream) == 0)
        return true;
    note_error(sinks, ENOMEM);
    return false;
}

static void flush(struct perftrace_sinks *sinks) {
    int result = sinks->chrome == NULL ? 0 : perftrace_page_file_flush(sinks->page_file);
    if (result != 0)
        stop_chrome(sinks, -result);
}

/* ---- the trace file -------------------------------------------------------------------------------- */

/* Makes the buffer begin at `at` and hold at least `bytes`, and as much more as there is room for up to
 * `end`. 0 or an errno. */
static int refill(struct perftrace_sinks *sinks, uint64_t at, size_t bytes, uint64_t end) {
    size_t kept = (size_t)(sinks->buffer_at + sinks->buffer_used - at);
    if (kept > 0)
        memmove(sinks->buffer, sinks->buffer + (at - sinks->buffer_at), kept);
    sinks->buffer_at = at;
    sinks->buffer_used = kept;
    if (sinks->buffer_capacity < bytes) {
        size_t capacity = bytes > BUFFER_BYTES ? bytes : BUFFER_BYTES;
        char *buffer = realloc(sinks->buffer, capacity);
        if (buffer == NULL)
            return ENOMEM;
        sinks->buffer = buffer;
        sinks->buffer_capacity = capacity;
    }
    while (sinks->buffer_used < bytes) {
        uint64_t missing = end - (at + sinks->buffer_used);
        size_t room = sinks->buffer_capacity - sinks->buffer_used;
        ssize_t done = pread(sinks->fd, sinks->buffer + sinks->buffer_used,
                             missing < room ? (size_t)missing : room, (off_t)(at + sinks->buffer_used));
        if (done == 0)
            return ENODATA; /* the file has shrunk */
        if (done > 0)
            sinks->buffer_used += (size_t)done;
        else if (errno != EINTR)
            return errno;
    }
    return 0;
}

/* `bytes` bytes of the file from `offset` behind sinks->position, which lie before `end`. NULL: an error is
 * noted. */
static const char *look(struct perftrace_sinks *sinks, size_t offset, size_t bytes, uint64_t end) {
    uint64_t at = sinks->position + offset;
    int error = end - sinks->position < offset + bytes ? EBADMSG : 0;
    if (error == 0 && at + bytes > sinks->buffer_at + sinks->buffer_used)
        error = refill(sinks, sinks->position, offset + bytes, end);
    if (error == 0)
        return sinks->buffer + (at - sinks->buffer_at);
    note_error(sinks, error);
    return NULL;
}

/* Takes the file's header. */
static bool start(struct perftrace_sinks *sinks, uint64_t end) {
    struct perftrace_file_header header;
    const char *bytes = look(sinks, 0, sizeof header, end);
    if (bytes == NULL)
        return false;
    memcpy(&header, bytes, sizeof header);
    if (header.header_bytes < sizeof header || look(sinks, 0, header.header_bytes, end) == NULL) {
        note_error(sinks, EBADMSG);
        return false;
    }
    sinks->position = header.header_bytes;
    return true;
}

/* Takes a block and hands out what became of it. False: told to stop, or an error. */
static bool take_block(struct perftrace_sinks *sinks, uint64_t end) {
    struct perftrace_block_header header;
    const char *bytes = look(sinks, 0, sizeof header, end);
    if (bytes == NULL)
        return false;
    memcpy(&header, bytes, sizeof header);
    if (header.marker != PERFTRACE_BLOCK_MARKER || header.bytes > PERFTRACE_BLOCK_BYTES_MAX) {
        note_error(sinks, EBADMSG);
        return false;
    }
    const char *payload = look(sinks, sizeof header, header.bytes, end);
    if (payload == NULL)
        return false;
    if (perftrace_stream_block(sinks->stream, &header, payload, sinks->position) != 0) {
        note_error(sinks, ENOMEM);
        return false;
    }
    if (!deliver_items(sinks))
        return false;
    sinks->position += sizeof header + header.bytes;
    if (header.kind == PERFTRACE_BLOCK_SYNC || header.kind == PERFTRACE_BLOCK_END)
        atomic_store(&sinks->written_out, sinks->position);
    return true;
}

/* Takes all blocks up to `end`, a block's end. False: the thread is to end. */
static bool follow(struct perftrace_sinks *sinks, uint64_t end) {
    bool good = sinks->position > 0 || start(sinks, end);
    while (good && sinks->position < end && has_sinks(sinks))
        good = !atomic_load(&sinks->abandoned) && take_block(sinks, end);
    flush(sinks);
    return good;
}

/* ---- the thread ------------------------------------------------------------------------------------ */

/* Waits for something to do. False: there is nothing and will be nothing. */
static bool wait_for_work(struct perftrace_sinks *sinks, uint64_t *told) {
    pthread_mutex_lock(&sinks->lock);
    while (sinks->told == sinks->done && !sinks->ending)
        pthread_cond_wait(&sinks->work, &sinks->lock);
    bool more = sinks->told != sinks->done;
    *told = sinks->told;
    pthread_mutex_unlock(&sinks->lock);
    return more;
}

/* What is still open is handed out at the end. */
static void finish(struct perftrace_sinks *sinks) {
    sinks->finished =
        !has_sinks(sinks) || (perftrace_stream_finish(sinks->stream) == 0 && deliver_items(sinks));
    if (perftrace_stream_error(sinks->stream) != 0)
        note_error(sinks, ENOMEM);
}

static void free_sinks(struct perftrace_sinks *sinks) {
    perftrace_stream_close(sinks->stream);
    free(sinks->buffer);
    pthread_cond_destroy(&sinks->work);
    pthread_cond_destroy(&sinks->progress);
    pthread_mutex_destroy(&sinks->lock);
    free(sinks);
}

static void *sinks_main(void *argument) {
    struct perftrace_sinks *sinks = argument;
    pthread_setname_np(pthread_self(), "perftrace-sink");
    bool good = true;
    for (uint64_t told; good && wait_for_work(sinks, &told);) {
        good = follow(sinks, told);
        pthread_mutex_lock(&sinks->lock);
        if (good)
            sinks->done = told;
        pthread_cond_broadcast(&sinks->progress);
        pthread_mutex_unlock(&sinks->lock);
    }
    if (good)
        finish(sinks);
    perftrace_chrome_close(sinks->chrome);
    sinks->chrome = NULL;
    int result = perftrace_page_file_close(sinks->page_file);
    if (result != 0)
        note_error(sinks, -result);
    pthread_mutex_lock(&sinks->lock);
    sinks->ended = true;
    bool orphaned = sinks->orphaned;
    pthread_cond_broadcast(&sinks->progress);
    pthread_mutex_unlock(&sinks->lock);
    if (orphaned)
        free_sinks(sinks);
    return NULL;
}

/* ---- from outside ---------------------------------------------------------------------------------- */

static void init_lock(struct perftrace_sinks *sinks) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&sinks->lock, NULL);
    pthread_cond_init(&sinks->work, NULL);
    pthread_cond_init(&sinks->progress, &attributes);
    pthread_condattr_destroy(&attributes);
}

/* 0 or an errno. */
static int start_thread(struct perftrace_sinks *sinks) {
    sigset_t all, saved;
    sigfillset(&all);
    perftrace_signals_block(&all, &saved);
    int error = pthread_create(&sinks->thread, NULL, sinks_main, sinks);
    perftrace_signals_restore(&saved);
    return error;
}

/* 0 or an errno. */
static int open_chrome(struct perftrace_sinks *sinks, const char *path) {
    sinks->page_file = perftrace_page_file_open(path);
    if (sinks->page_file == NULL)
        return errno;
    sinks->chrome = perftrace_chrome_open(&(struct perftrace_chrome_options){
        .output = perftrace_page_file_output(sinks->page_file),
        .info = perftrace_stream_info(sinks->stream),
        .event_bytes_max = PERFTRACE_PAGE_FILE_EVENT_BYTES,
    });
    return sinks->chrome == NULL ? ENOMEM : 0;
}

struct perftrace_sinks *perftrace_sinks_open(const struct perftrace_sinks_options *options) {
    struct perftrace_sinks *sinks = calloc(1, sizeof *sinks);
    if (sinks == NULL)
        return NULL;
    init_lock(sinks);
    sinks->fd = options->trace_fd;
    sinks->log = options->log;
    sinks->console = options->console;
    sinks->lines = (struct lines){{write_lines}, &sinks->abandoned, false};
    sinks->stream = perftrace_stream_open(&(struct perftrace_stream_options){0});
    int error = sinks->stream == NULL ? ENOMEM : 0;
    if (error == 0 && options->chrome_path != NULL)
        error = open_chrome(sinks, options->chrome_path);
    if (error == 0)
        error = start_thread(sinks);
    if (error == 0)
        return sinks;
    perftrace_chrome_close(sinks->chrome);
    perftrace_page_file_close(sinks->page_file);
    free_sinks(sinks);
    errno = error;
    return NULL;
}

void perftrace_sinks_advance(struct perftrace_sinks *sinks, uint64_t trace_bytes) {
    pthread_mutex_lock(&sinks->lock);
    sinks->told = trace_bytes;
    pthread_cond_signal(&sinks->work);
    pthread_mutex_unlock(&sinks->lock);
}

static struct timespec deadline_in(uint32_t ms) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

bool perftrace_sinks_wait(struct perftrace_sinks *sinks, uint32_t timeout_ms) {
    struct timespec deadline = deadline_in(timeout_ms);
    pthread_mutex_lock(&sinks->lock);
    uint64_t goal = sinks->told;
    while (sinks->done < goal && !sinks->ended)
        if (pthread_cond_timedwait(&sinks->progress, &sinks->lock, &deadline) != 0)
            break;
    bool done = sinks->done >= goal;
    pthread_mutex_unlock(&sinks->lock);
    return done;
}

/* With the lock held. */
static bool wait_for_end(struct perftrace_sinks *sinks, uint32_t timeout_ms) {
    struct timespec deadline = deadline_in(timeout_ms);
    while (!sinks->ended)
        if (pthread_cond_timedwait(&sinks->progress, &sinks->lock, &deadline) != 0)
            break;
    return sinks->ended;
}

uint64_t perftrace_sinks_close(struct perftrace_sinks *sinks, uint32_t timeout_ms, int *write_errno) {
    pthread_t thread = sinks->thread;
    pthread_mutex_lock(&sinks->lock);
    sinks->ending = true;
    pthread_cond_signal(&sinks->work);
    bool ended = wait_for_end(sinks, timeout_ms);
    if (!ended) {
        atomic_store(&sinks->abandoned, true);
        ended = wait_for_end(sinks, GRACE_MS);
    }
    uint64_t missing = sinks->told - atomic_load(&sinks->written_out);
    if (missing == 0)
        missing = 1; /* the end was handed out in part */
    sinks->orphaned = !ended;
    pthread_mutex_unlock(&sinks->lock); /* from now on an orphan may free itself */
    *write_errno = 0;
    if (!ended) {
        pthread_detach(thread);
        return missing;
    }
    pthread_join(thread, NULL);
    *write_errno = sinks->error;
    if (sinks->finished)
        missing = 0;
    free_sinks(sinks);
    return missing;
}
