/* Reading ahead: a ring of pieces between the thread that reads and indexes and the one that makes calls of them. */
#define _GNU_SOURCE /* memrchr, pipe2 */
#include "log_ahead.h"

#include "../core/pages.h"
#include "input.h"
#include "log_wide.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PIECE_BYTES =
        128
        << 10, /* with its index it stays in the cache of the processor that made it, until it is wanted */
    PIECES = 4,
    PIECES_LEFT = 1, /* the thread that waits for room is woken when no more are left: not for each piece */
    ZEROS_BEFORE_HOLE = 2 << 20, /* no record goes on for so long */
};

/* All pieces, and the bytes of each. */
struct pieces {
    struct perftrace_log_piece list[PIECES];
    char bytes[PIECES][PIECE_BYTES + PERFTRACE_LOG_INDEX_PADDING];
};

struct perftrace_log_ahead {
    struct pieces *pieces;
    struct perftrace_log_secret secret;
    struct perftrace_log_source source;
    char *first; /* source.first, of which `first_used` bytes are in pieces */
    size_t first_used;
    char *rest; /* what was read and belongs to the next piece */
    size_t rest_length;
    bool in_line;   /* the next piece begins within a line */
    uint64_t zeros; /* bytes just read that were all zero */
    bool at_end;
    int error;
    /* ---- between the threads ---- */
    bool threaded, waits; /* it has a thread; reading may have to wait for somebody to write */
    pthread_t thread;
    int stop[2]; /* a pipe: closed when the thread is to end */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint64_t made, taken; /* pieces; the last one taken is still in use */
    bool ended, stopped;  /* no more will be made; no more is wanted */
};

/* ---- reading -------------------------------------------------------------------------------------- */

/* False: the reader is being closed. */
static bool wait_for_bytes(struct perftrace_log_ahead *ahead) {
    struct pollfd wanted[2] = {{.fd = ahead->source.fd, .events = POLLIN},
                               {.fd = ahead->threaded ? ahead->stop[0] : -1, .events = POLLIN}};
    while (poll(wanted, 2, -1) < 0 && errno == EINTR)
        ;
    return wanted[1].revents == 0;
}

/* Reads up to `room` bytes; 0 at the end. */
static size_t read_some(struct perftrace_log_ahead *ahead, char *to, size_t room) {
    struct perftrace_log_source *source = &ahead->source;
    if (ahead->first_used < source->first_length) {
        size_t left = source->first_length - ahead->first_used;
        room = room < left ? room : left;
        memcpy(to, ahead->first + ahead->first_used, room);
        ahead->first_used += room;
        return room;
    }
    room = room < source->bytes ? room : (size_t)source->bytes;
    for (;;) {
        if (ahead->waits && !wait_for_bytes(ahead))
            return 0;
        ssize_t got = read(source->fd, to, room);
        if (got >= 0) {
            source->bytes -= source->bytes != UINT64_MAX ? (uint64_t)got : 0;
            return (size_t)got;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            ahead->waits = true;
        else if (errno != EINTR) {
            ahead->error = errno;
            return 0;
        }
    }
}

static bool all_zeros(const char *bytes, size_t length) {
    return length == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

/* A file may be a hole of any size: it is stepped over. */
static void skip_hole(struct perftrace_log_ahead *ahead) {
    struct perftrace_log_source *source = &ahead->source;
    if (ahead->zeros < ZEROS_BEFORE_HOLE || source->bytes == UINT64_MAX || ahead->rest_length != 0)
        return;
    uint64_t hole = perftrace_input_skip_hole(source->fd);
    source->offset += hole;
    source->bytes -= hole < source->bytes ? hole : source->bytes;
}

/* The bytes of a piece: those that were left over, and as many more as fit. */
static size_t read_piece(struct perftrace_log_ahead *ahead, char *bytes) {
    size_t length = ahead->rest_length;
    memcpy(bytes, ahead->rest, length);
    while (length < PIECE_BYTES && !ahead->at_end) {
        size_t got = read_some(ahead, bytes + length, PIECE_BYTES - length);
        ahead->at_end = got == 0;
        ahead->zeros = all_zeros(bytes + length, got) ? ahead->zeros + got : 0;
        length += got;
    }
    return length;
}

/* Makes the next piece. False at the end. */
static bool make_piece(struct perftrace_log_ahead *ahead, struct perftrace_log_piece *piece) {
    skip_hole(ahead);
    size_t length = read_piece(ahead, piece->bytes), whole = length;
    if (length == 0)
        return false;
    if (!ahead->at_end) {
        const char *newline = memrchr(piece->bytes, '\n', length);
        whole = newline != NULL ? (size_t)(newline + 1 - piece->bytes) : length;
    }
    piece->offset = ahead->source.offset;
    piece->line = ahead->source.line;
    piece->ends_line = piece->bytes[whole - 1] == '\n';
    piece->indexed = !ahead->in_line && (piece->ends_line || ahead->at_end);
    if (piece->indexed) {
        char next = piece->bytes[whole];
        piece->bytes[whole] = '\n';
        perftrace_log_index(&piece->index, piece->bytes, (uint32_t)whole);
        piece->bytes[whole] = next;
        whole = piece->index.used;
        ahead->source.line += piece->index.newlines;
    } else {
        piece->index.count = 0;
        ahead->source.line += perftrace_log_count_newlines(piece->bytes, whole);
    }
    ahead->in_line = !piece->indexed && !piece->ends_line;
    ahead->rest_length = length - whole;
    memcpy(ahead->rest, piece->bytes + whole, ahead->rest_length);
    ahead->source.offset += whole;
    piece->length = (uint32_t)whole;
    return true;
}

/* ---- the thread ----------------------------------------------------------------------------------- */

static void *read_ahead(void *context) {
    struct perftrace_log_ahead *ahead = context;
    for (uint64_t number = 0;; number++) {
        pthread_mutex_lock(&ahead->mutex);
        while (number - ahead->taken >= PIECES - 1 && !ahead->stopped)
            pthread_cond_wait(&ahead->changed, &ahead->mutex);
        bool stopped = ahead->stopped;
        pthread_mutex_unlock(&ahead->mutex);
        bool more = !stopped && make_piece(ahead, &ahead->pieces->list[number % PIECES]);
        pthread_mutex_lock(&ahead->mutex);
        bool wanted = !more || ahead->made == ahead->taken; /* somebody may be waiting for it */
        ahead->made += more;
        ahead->ended = !more;
        if (wanted)
            pthread_cond_broadcast(&ahead->changed);
        pthread_mutex_unlock(&ahead->mutex);
        if (!more)
            return NULL;
    }
}

/* Signals are for the program's own threads. */
static bool start_thread(struct perftrace_log_ahead *ahead) {
    sigset_t all, before;
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2 || pipe2(ahead->stop, O_CLOEXEC) != 0)
        return false;
    ahead->threaded = true; /* before it starts: it reads this */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&ahead->thread, NULL, read_ahead, ahead) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!started) {
        ahead->threaded = false;
        close(ahead->stop[0]);
        close(ahead->stop[1]);
    }
    return started;
}

struct perftrace_log_ahead *perftrace_log_ahead_open(const struct perftrace_log_source *source) {
    struct perftrace_log_ahead *ahead = calloc(1, sizeof *ahead);
    if (ahead == NULL)
        return NULL;
    ahead->source = *source;
    pthread_mutex_init(&ahead->mutex, NULL);
    pthread_cond_init(&ahead->changed, NULL);
    ahead->first = malloc(source->first_length + 1);
    ahead->rest = malloc(PIECE_BYTES);
    ahead->pieces = perftrace_pages_new(sizeof *ahead->pieces, true);
    if (ahead->first == NULL || ahead->rest == NULL || ahead->pieces == NULL) {
        perftrace_log_ahead_close(ahead);
        return NULL;
    }
    perftrace_log_secret_make(&ahead->secret, perftrace_log_wide_usable());
    for (unsigned i = 0; i < PIECES; i++) {
        ahead->pieces->list[i].bytes = ahead->pieces->bytes[i];
        ahead->pieces->list[i].index.secret = &ahead->secret;
    }
    if (source->first_length != 0)
        memcpy(ahead->first, source->first, source->first_length);
    struct stat status;
    ahead->waits = fstat(source->fd, &status) != 0 || !S_ISREG(status.st_mode);
    start_thread(ahead);
    return ahead;
}

struct perftrace_log_piece *perftrace_log_ahead_take(struct perftrace_log_ahead *ahead) {
    struct perftrace_log_piece *piece = &ahead->pieces->list[ahead->taken % PIECES];
    if (!ahead->threaded) {
        ahead->ended = ahead->ended || !make_piece(ahead, piece);
        ahead->taken += !ahead->ended;
        return ahead->ended ? NULL : piece;
    }
    pthread_mutex_lock(&ahead->mutex);
    while (ahead->made == ahead->taken && !ahead->ended)
        pthread_cond_wait(&ahead->changed, &ahead->mutex);
    bool more = ahead->made > ahead->taken;
    ahead->taken += more;
    if (ahead->made - ahead->taken <= PIECES_LEFT)
        pthread_cond_broadcast(&ahead->changed);
    pthread_mutex_unlock(&ahead->mutex);
    return more ? piece : NULL;
}

int perftrace_log_ahead_errno(const struct perftrace_log_ahead *ahead) {
    return ahead->error;
}

void perftrace_log_ahead_close(struct perftrace_log_ahead *ahead) {
    if (ahead == NULL)
        return;
    if (ahead->threaded) {
        pthread_mutex_lock(&ahead->mutex);
        ahead->stopped = true;
        pthread_cond_broadcast(&ahead->changed);
        pthread_mutex_unlock(&ahead->mutex);
        close(ahead->stop[1]);
        pthread_join(ahead->thread, NULL);
        close(ahead->stop[0]);
    }
    perftrace_pages_free(ahead->pieces, sizeof *ahead->pieces, true);
    pthread_cond_destroy(&ahead->changed);
    pthread_mutex_destroy(&ahead->mutex);
    free(ahead->first);
    free(ahead->rest);
    free(ahead);
}
