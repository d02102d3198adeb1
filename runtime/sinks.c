/* The sinks' thread: follows the trace file, block by block, and hands what the stream makes of it to the
 * Chrome writer and to the writers of lines. */
#define _GNU_SOURCE /* pthread_setname_np */
#include "sinks.h"

#include "../core/chrome.h"
#include "../core/lines.h"
#include "../core/stream.h"
#include "own_files.h"
#include "page_file.h"
#include "quiet.h"
#include "wait.h"

#include <errno.h>
#include <fcntl.h>
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
    SIGNALS_WAIT_MS = 5,      /* at most, while the program waits in a flush */
};

/* What a thread of the program's has while it holds the lock. */
struct held {
    sigset_t mask;
    int cancel_state;
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
    struct perftrace_own_file trace;
    bool log, console;
    unsigned *lines_missing;
    uint64_t position; /* of the next block; 0: the header is still to be read */
    char *buffer;      /* the file's bytes from buffer_at */
    uint64_t buffer_at;
    size_t buffer_used, buffer_capacity;
    struct perftrace_stream *stream;
    struct perftrace_chrome *chrome; /* NULL: none, or it has failed */
    bool changed;                    /* since the Chrome file was last flushed */
    struct perftrace_page_file *page_file;
    struct perftrace_stderr_lines *lines; /* NULL: none */
};

/* ---- what comes out -------------------------------------------------------------------------------- */

static void note_error(struct perftrace_sinks *sinks, int error) {
    if (sinks->error == 0)
        sinks->error = error;
}

static void stop_chrome(struct perftrace_sinks *sinks, int error) {
    note_error(sinks, error);
    perftrace_chrome_close(sinks->chrome);
    sinks->chrome = NULL;
}

static bool has_lines(const struct perftrace_sinks *sinks) {
    return sinks->lines != NULL && !perftrace_stderr_lines_failed(sinks->lines);
}

/* Whether there is anybody left to read for. */
static bool has_sinks(const struct perftrace_sinks *sinks) {
    return sinks->chrome != NULL || has_lines(sinks);
}

static void deliver(struct perftrace_sinks *sinks, const struct perftrace_item *item) {
    sinks->changed = true;
    if (sinks->chrome != NULL) {
        int result = perftrace_chrome_item(sinks->chrome, item);
        if (result != 0)
            stop_chrome(sinks, -result);
    }
    if (!has_lines(sinks))
        return;
    struct perftrace_output *lines = perftrace_stderr_lines_output(sinks->lines);
    int log = sinks->log ? perftrace_log_item(lines, item) : 0;
    int console = sinks->console ? perftrace_console_item(lines, item) : 0;
    if (sinks->lines_missing != NULL)
        __atomic_add_fetch(sinks->lines_missing, (log == -ENOMEM) + (console == -ENOMEM), __ATOMIC_RELAXED);
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

/* False: there is no room for all. */
static bool show_open_spans(struct perftrace_sinks *sinks) {
    struct perftrace_output *output = perftrace_page_file_provisional(sinks->page_file);
    struct perftrace_open_walk walk = {0};
    const struct perftrace_item *item;
    while ((item = perftrace_stream_open_span(sinks->stream, &walk)) != NULL)
        if (perftrace_chrome_open_span(sinks->chrome, item, output) != 0)
            return false;
    return true;
}

static void flush(struct perftrace_sinks *sinks) {
    /* What is open is shown as it stands, until it ends: a program that is killed leaves it so. */
    if (sinks->chrome != NULL && sinks->changed && !show_open_spans(sinks) &&
        perftrace_page_file_make_room(sinks->page_file))
        show_open_spans(sinks);
    sinks->changed = false;
    int result = sinks->chrome == NULL ? 0 : perftrace_page_file_flush(sinks->page_file);
    if (result != 0)
        stop_chrome(sinks, -result);
    if (has_lines(sinks))
        perftrace_stderr_lines_flush(sinks->lines);
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
    if (!perftrace_own_file_reach(&sinks->trace))
        return EBADF;
    while (sinks->buffer_used < bytes) {
        uint64_t missing = end - (at + sinks->buffer_used);
        size_t room = sinks->buffer_capacity - sinks->buffer_used;
        ssize_t done = pread(sinks->trace.fd, sinks->buffer + sinks->buffer_used,
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
    if (perftrace_stream_lacks_room(sinks->stream)) { /* with holes it would tell lies */
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
    if (end < sinks->position) { /* somebody has cut the trace off, and it has begun anew */
        note_error(sinks, ENODATA);
        return false;
    }
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
    if (has_lines(sinks))
        perftrace_stderr_lines_flush(sinks->lines);
}

static void free_sinks(struct perftrace_sinks *sinks) {
    perftrace_stream_close(sinks->stream);
    perftrace_stderr_lines_close(sinks->lines);
    perftrace_own_file_close(&sinks->trace);
    free(sinks->buffer);
    perftrace_wait_free(&sinks->lock, &sinks->work, &sinks->progress);
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
    perftrace_quiet_thread_ends();
    return NULL;
}

/* ---- from outside ---------------------------------------------------------------------------------- */

/* 0 or an errno. A descriptor of its own: it is looked after by this thread. */
static int open_trace(struct perftrace_sinks *sinks, const struct perftrace_sinks_options *options) {
    int fd = fcntl(options->trace_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    return fd < 0 ? errno : -perftrace_own_file_take(&sinks->trace, fd, options->trace_path, O_RDONLY);
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
    perftrace_wait_init(&sinks->lock, &sinks->work, &sinks->progress);
    sinks->trace.fd = -1;
    sinks->log = options->log;
    sinks->console = options->console;
    sinks->lines_missing = options->lines_missing;
    sinks->stream = perftrace_stream_open(
        &(struct perftrace_stream_options){.unwanted = PERFTRACE_ITEM_BEGIN_PARAMETERS});
    int error = sinks->stream == NULL ? ENOMEM : open_trace(sinks, options);
    if (error == 0 && options->chrome_path != NULL)
        error = open_chrome(sinks, options->chrome_path);
    if (error == 0) {
        sinks->lines = options->lines;
        error = perftrace_quiet_thread(&sinks->thread, sinks_main, sinks);
    }
    if (error == 0)
        return sinks;
    sinks->lines = NULL; /* still the caller's */
    if (sinks->page_file != NULL)
        unlink(options->chrome_path);
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

/* Held by a thread of the program's, the lock is one that the drainer may have to wait for: no handler may come meanwhile, which
 * may itself wait for the drainer, and no cancellation. */
static void lock_here(struct perftrace_sinks *sinks, struct held *held) {
    sigset_t all;
    sigfillset(&all);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &held->cancel_state);
    perftrace_signals_block(&all, &held->mask);
    pthread_mutex_lock(&sinks->lock);
}

static void unlock_here(struct perftrace_sinks *sinks, const struct held *held) {
    pthread_mutex_unlock(&sinks->lock);
    perftrace_signals_restore(&held->mask);
    pthread_setcancelstate(held->cancel_state, NULL);
}

static bool is_before(const struct timespec *x, const struct timespec *y) {
    return x->tv_sec != y->tv_sec ? x->tv_sec < y->tv_sec : x->tv_nsec < y->tv_nsec;
}

bool perftrace_sinks_wait(struct perftrace_sinks *sinks, uint32_t timeout_ms) {
    struct timespec deadline = perftrace_wait_deadline(timeout_ms);
    struct held held;
    lock_here(sinks, &held);
    uint64_t goal = sinks->told;
    bool late = false;
    while (sinks->done < goal && !sinks->ended && !late) {
        struct timespec until = perftrace_wait_deadline(SIGNALS_WAIT_MS);
        bool last = !is_before(&until, &deadline);
        late = pthread_cond_timedwait(&sinks->progress, &sinks->lock, last ? &deadline : &until) != 0 && last;
        unlock_here(sinks, &held); /* signals that have come are handled here */
        lock_here(sinks, &held);
    }
    bool done = sinks->done >= goal;
    unlock_here(sinks, &held);
    return done;
}

/* With the lock held. */
static bool wait_for_end(struct perftrace_sinks *sinks, uint32_t timeout_ms) {
    struct timespec deadline = perftrace_wait_deadline(timeout_ms);
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
        if (sinks->lines != NULL)
            perftrace_stderr_lines_give_up(sinks->lines);
        ended = wait_for_end(sinks, GRACE_MS);
    }
    uint64_t written = atomic_load(&sinks->written_out);
    uint64_t missing =
        sinks->told > written ? sinks->told - written : 1; /* 1: the end was handed out in part */
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
