/* The thread that unpacks, and its pipe. */
#define _GNU_SOURCE /* pipe2, F_SETPIPE_SZ */
#include "unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Damage is noticed some time after it: the next member or frame may have begun meanwhile. So much is looked at again: two of zstd's
 * largest blocks. */
enum { BEHIND_BYTES = 256 << 10 };
enum { IN_BYTES = 128 << 10, OUT_BYTES = 256 << 10, PIPE_BYTES = 1 << 20 };

struct work {
    struct unpack *unpack;
    void *state;
    unsigned char *in;       /* room for BEHIND_BYTES, IN_BYTES, and what had been read already */
    const unsigned char *at; /* what is not yet unpacked; what stands before it is still there */
    size_t length;
    uint64_t read;  /* of the input so far, with what is not yet unpacked */
    uint64_t begun; /* where the member or frame that is being unpacked began */
    bool ended;     /* there is no more to be read */
    bool closed;    /* nobody reads the other end of the pipe */
    unsigned char out[OUT_BYTES];
};

static void tell_damage(struct work *work, uint64_t byte_offset, const char *why) {
    struct unpack *unpack = work->unpack;
    if (unpack->damage_count < UNPACK_DAMAGES_MAX) {
        struct unpack_damage *damage = &unpack->damages[unpack->damage_count];
        damage->byte_offset = byte_offset;
        snprintf(damage->message, sizeof damage->message, "%s", why);
    }
    unpack->damage_count++;
}

static uint64_t offset(const struct work *work) {
    return work->read - work->length;
}

/* Waits until there is something to read, or (events POLLOUT) room in the pipe. Not when nobody reads its other end any more, which poll
 * tells of without being asked. */
static bool await(struct work *work, int fd, short events) {
    enum { LOOK_MS = 100 }; /* whether nobody waits for it any more */
    struct pollfd look[2] = {{.fd = fd, .events = events}, {.fd = work->unpack->out}};
    int ready = 0;
    while (ready <= 0 && !work->closed) {
        ready = poll(look, 2, LOOK_MS);
        work->closed = (ready > 0 && (look[1].revents & (POLLERR | POLLNVAL)) != 0) ||
                       (ready < 0 && errno != EINTR) ||
                       (ready == 0 && atomic_load_explicit(&work->unpack->stop, memory_order_relaxed));
    }
    return !work->closed;
}

/* Reads more behind what is there, which is less than IN_BYTES. */
static void read_more(struct work *work) {
    size_t behind =
        (size_t)(work->at - work->in) < BEHIND_BYTES ? (size_t)(work->at - work->in) : BEHIND_BYTES;
    memmove(work->in, work->at - behind, behind + work->length);
    work->at = work->in + behind;
    while (!work->ended && await(work, work->unpack->in, POLLIN)) {
        size_t room = IN_BYTES - work->length;
        room = room < work->unpack->unread ? room : (size_t)work->unpack->unread;
        ssize_t got = read(work->unpack->in, work->in + behind + work->length, room);
        if (got < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
            continue;
        if (got < 0) {
            char why[96];
            snprintf(why, sizeof why, "reading failed: %s", strerror(errno));
            tell_damage(work, work->read, why);
        }
        work->ended = got <= 0;
        if (got > 0) {
            work->length += (size_t)got;
            work->read += (uint64_t)got;
            work->unpack->unread -= work->unpack->unread != UINT64_MAX ? (uint64_t)got : 0;
            return;
        }
    }
}

static void write_all(struct work *work, size_t length) {
    for (size_t at = 0; at < length && !work->closed;) {
        ssize_t put = write(work->unpack->out, work->out + at, length - at);
        if (put > 0)
            at += (size_t)put;
        else if (put < 0 && errno == EAGAIN)
            await(work, work->unpack->out, POLLOUT);
        else if (put < 0 && errno != EINTR)
            work->closed = true;
    }
}

/* Makes `bytes` available, if there are as many. */
static bool have(struct work *work, size_t bytes) {
    while (work->length < bytes && !work->ended && !work->closed)
        read_more(work);
    return work->length >= bytes;
}

static bool is_padding(const struct work *work) {
    for (size_t i = 0; i < work->length; i++)
        if (work->at[i] != 0)
            return false;
    return true;
}

/* Goes to where the next member or frame may begin. False: nowhere. */
static bool find_next(struct work *work) {
    while (have(work, UNPACK_MAGIC_BYTES)) {
        for (; work->length >= UNPACK_MAGIC_BYTES; work->at++, work->length--)
            if (work->unpack->unpacker->begins(work->at))
                return true;
    }
    return false;
}

/* To behind where the damaged member or frame began, or as far as there is something. False: at the end. */
static bool go_back(struct work *work) {
    if (offset(work) > work->begun) {
        size_t most = (size_t)(work->at - work->in), since = (size_t)(offset(work) - work->begun - 1);
        size_t back = since < most ? since : most;
        work->at -= back;
        work->length += back;
    } else if (have(work, 1)) { /* nothing was taken of it */
        work->at++;
        work->length--;
    }
    return work->length > 0 || !work->ended;
}

/* A member that was broken off may have taken others for its own, up to the end. */
static bool begin_anew(struct work *work) {
    work->unpack->unpacker->close(work->state);
    work->state = work->unpack->unpacker->open();
    return work->state != NULL;
}

/* What stands between two members or frames, or behind the last: it may be nothing, or zeros (as tapes and disks fill up). */
static bool begin_next(struct work *work) {
    if (have(work, UNPACK_MAGIC_BYTES) && work->unpack->unpacker->begins(work->at))
        return true;
    uint64_t from = offset(work);
    while (is_padding(work) && !work->ended && !work->closed) {
        work->length = 0;
        have(work, 1);
    }
    if (is_padding(work))
        return false;
    if (work->closed)
        return false;
    char why[sizeof work->unpack->damages->message];
    snprintf(why, sizeof why, "what stands here is not %s, and is left out", work->unpack->unpacker->name);
    tell_damage(work, from, why);
    return find_next(work);
}

/* Unpacks up to the end of a member or frame. False: there is no more. */
static bool unpack_one(struct work *work) {
    const struct unpacker *unpacker = work->unpack->unpacker;
    size_t made;
    work->begun = offset(work);
    do {
        if (work->length == 0)
            read_more(work);
        bool at_end = work->ended && work->length == 0;
        size_t before = work->length;
        made = OUT_BYTES;
        const char *why = unpacker->step(work->state, &work->at, &work->length, work->out, &made);
        atomic_store_explicit(&work->unpack->packed, offset(work), memory_order_relaxed);
        write_all(work, made);
        if (why != NULL) {
            char text[sizeof work->unpack->damages->message];
            snprintf(text, sizeof text, "the %s data is damaged: %.90s", unpacker->name, why);
            tell_damage(work, offset(work), text);
            return go_back(work) && find_next(work);
        }
        if (unpacker->between(work->state))
            return begin_next(work);
        if (at_end && made == 0 && before == 0) {
            char text[sizeof work->unpack->damages->message];
            snprintf(text, sizeof text,
                     "the %s data ends in the middle; what could be unpacked of it is used", unpacker->name);
            tell_damage(work, work->read, text);
            return go_back(work) && find_next(work) && begin_anew(work);
        }
    } while (!work->closed);
    return false;
}

static bool work_open(struct work *work, struct unpack *unpack) {
    size_t length = unpack->first_length;
    work->unpack = unpack;
    work->state = unpack->unpacker->open();
    work->in = malloc(BEHIND_BYTES + IN_BYTES + length);
    if (work->state == NULL || work->in == NULL)
        return false;
    memcpy(work->in, unpack->first, length);
    work->at = work->in;
    work->length = work->read = length;
    return true;
}

static void *run(void *context) {
    struct unpack *unpack = context;
    struct work *work = calloc(1, sizeof *work);
    if (work != NULL && work_open(work, unpack)) {
        while (unpack_one(work)) {
        }
    } else {
        unpack->damage_count = 1;
        snprintf(unpack->damages[0].message, sizeof unpack->damages[0].message, "no memory to unpack it");
    }
    if (work != NULL) {
        if (work->state != NULL)
            unpack->unpacker->close(work->state);
        free(work->in);
        free(work);
    }
    close(unpack->out);
    close(unpack->in);
    return NULL;
}

static int fail(struct unpack *unpack, struct perftrace_error_info *error, enum perftrace_error code,
                const char *what) {
    close(unpack->in);
    free(unpack->first);
    unpack->first = NULL;
    *error = (struct perftrace_error_info){.code = code};
    snprintf(error->message, sizeof error->message, "%s", what);
    return -(int)code;
}

/* No signal is the thread's. */
static int start(struct unpack *unpack) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = pthread_create(&unpack->thread, NULL, run, unpack);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

int unpack_open(void *context, enum perftrace_packing packing, int fd, const void *first, size_t length,
                uint64_t unread, struct perftrace_error_info *error) {
    char what[sizeof error->message];
    struct unpack *unpack = context;
    *unpack = (struct unpack){.in = fd, .first_length = length, .unread = unread};
    unpack->unpacker = packing == PERFTRACE_PACKED_GZIP ? &unpacker_gzip : &unpacker_zstd;
    const char *name = unpack->unpacker->name;
    if (unpack->unpacker->open == NULL) {
        snprintf(what, sizeof what,
                 "is packed with %s, and this perftrace is built without it: unpack it first (%s -d)", name,
                 name);
        return fail(unpack, error, PERFTRACE_ERROR_FORMAT, what);
    }
    unpack->first = malloc(length + 1);
    if (unpack->first == NULL)
        return fail(unpack, error, PERFTRACE_ERROR_MEMORY, "no memory to unpack it");
    memcpy(unpack->first, first, length);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        snprintf(what, sizeof what, "no pipe to unpack it through: %s", strerror(errno));
        return fail(unpack, error, PERFTRACE_ERROR_SYSTEM, what);
    }
    fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES); /* fewer changes of threads, where that is allowed */
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    unpack->out = ends[1];
    int result = start(unpack);
    if (result != 0) {
        close(ends[0]);
        close(ends[1]);
        snprintf(what, sizeof what, "no thread to unpack it: %s", strerror(result));
        return fail(unpack, error, PERFTRACE_ERROR_SYSTEM, what);
    }
    unpack->running = true;
    return ends[0];
}

void unpack_wait(struct unpack *unpack) {
    atomic_store_explicit(&unpack->stop, true, memory_order_relaxed);
    if (unpack->running)
        pthread_join(unpack->thread, NULL);
    unpack->running = false;
    free(unpack->first);
    unpack->first = NULL;
}
