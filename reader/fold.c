/* Folds what a killed program left in its rings into its trace: appends it as the blocks that a reader would make
 * of it, ends them with the SYNC that says that this is all, and removes the ring file.
 *
 * The ring file is removed only after all that is written, and until then nothing in it is changed. Whoever
 * comes after an interruption, or reads at the same time, finds some of the records in both files, and leaves out
 * those that it has seen (docs/trace_format.md, CHUNK).
 *
 * On a disk, what is written and what is removed may get there in any order, and a power failure in between would lose both
 * copies; so where the ring file lies on a disk, the trace is first made to be there. In memory (the usual case) the
 * ring file does not outlive a power failure anyhow, so there is nothing to wait for, and a large trace is spared
 * the seconds that it takes to reach its disk. */
#include "../core/crc32c.h"
#include "../core/process.h"
#include "header.h"
#include "rings.h"
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

struct fold {
    const char *path;
    struct perftrace_source source; /* the trace */
    char *ring_path;                /* NULL: the trace names none */
    uint32_t recorder_thread;       /* 0: it is not told */
    struct perftrace_rings *rings;
    struct perftrace_stream *stream;
    struct perftrace_reader_options options; /* for the rings: what they complain of */
    bool complete;                           /* the trace needs no rings any more */
    bool damaged;                            /* the rings make no sense somewhere */
    uint64_t end;                            /* where the next block goes */
    struct perftrace_error_info *error;
};

/* With errno where the system has something to say, else 0. */
static int refuse(const struct fold *fold, enum perftrace_error code, const char *what, int system_error) {
    *fold->error = (struct perftrace_error_info){.code = code};
    snprintf(fold->error->message, sizeof fold->error->message, "%s: %s%s%s", fold->path, what,
             system_error != 0 ? ": " : "", system_error != 0 ? strerror(system_error) : "");
    return -(int)code;
}

static void note_damage(void *context, const struct perftrace_error_info *what) {
    struct fold *fold = context;
    (void)what;
    fold->damaged = true;
}

/* ---- is there anything to do? --------------------------------------------------------------------- */

static void leave(struct fold *fold) {
    perftrace_rings_close(fold->rings);
    perftrace_source_free(&fold->source);
    free(fold->ring_path);
    if (fold->source.fd >= 0)
        close(fold->source.fd);
    fold->rings = NULL;
    fold->ring_path = NULL;
    fold->source.fd = -1;
}

/* Steps over the trace's header. 1: it is a trace; 0: it is none. */
static int take_header(struct fold *fold, struct perftrace_file_header *file) {
    struct perftrace_source *source = &fold->source;
    if (perftrace_source_recognise(source) != PERFTRACE_INPUT_TRACE) {
        *fold->error = source->error;
        return -(int)source->error.code;
    }
    int result = perftrace_source_take_header(source, file, fold->error);
    return result != 0 ? result : 1;
}

/* The first blocks tell who recorded, and where the rings lie. */
static int read_beginning(struct fold *fold, struct perftrace_file_header *file,
                          struct perftrace_block_process *process) {
    struct perftrace_block_header header;
    const void *payload;
    uint64_t offset;
    int result = take_header(fold, file);
    *process = (struct perftrace_block_process){.pid = file->pid};
    while (result == 1 && perftrace_source_next(&fold->source, &header, &payload, &offset) > 0) {
        if (header.kind == PERFTRACE_BLOCK_RING) {
            free(fold->ring_path); /* the last is the one that could be made */
            fold->ring_path = perftrace_rings_path(payload, header.bytes, &fold->recorder_thread);
        } else if (header.kind == PERFTRACE_BLOCK_PROCESS && header.bytes >= sizeof *process) {
            memcpy(process, payload, sizeof *process);
        } else {
            break;
        }
    }
    return result;
}

/* Nobody may make another user's tool bring together what does not belong together. */
static bool one_owner(const struct fold *fold) {
    struct stat trace, ring;
    return fstat(fold->source.fd, &trace) == 0 && fstat(perftrace_rings_file(fold->rings), &ring) == 0 &&
           trace.st_uid == ring.st_uid;
}

/* Opens the trace, locks it if it is to be changed, and opens its rings. 1: it has some, and its program is
 * dead; 0: there is nothing to do. */
static int look(struct fold *fold, int flags) {
    struct stat status;
    struct perftrace_file_header file;
    struct perftrace_block_process process;
    if (stat(fold->path, &status) != 0)
        return refuse(fold, PERFTRACE_ERROR_SYSTEM, "can't be opened", errno);
    if (!S_ISREG(status.st_mode)) /* opening a pipe would be noticed at its other end */
        return 0;
    int fd = open(fold->path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return refuse(fold, PERFTRACE_ERROR_SYSTEM, "can't be opened", errno);
    perftrace_source_init(&fold->source, fd, 0, 0, NULL);
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return 0;
    fold->source.unread = (uint64_t)status.st_size;
    /* A recorder holds the lock for as long as it writes, whoever else folds until done. */
    if ((flags & O_ACCMODE) == O_RDWR && flock(fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? 0 : refuse(fold, PERFTRACE_ERROR_SYSTEM, "can't be locked", errno);
    int result = read_beginning(fold, &file, &process);
    if (result != 1 || fold->ring_path == NULL ||
        !perftrace_recorder_ended(&process, fold->recorder_thread) ||
        (process.flags & PERFTRACE_PROCESS_NOT_CRASH_SAFE))
        return result < 0 ? result : 0;
    fold->rings = perftrace_rings_open(fold->ring_path, file.uuid, false, false, &fold->options);
    return fold->rings != NULL && one_owner(fold);
}

/* ---- what the trace has --------------------------------------------------------------------------- */

static int no_memory(const struct fold *fold) {
    return refuse(fold, PERFTRACE_ERROR_MEMORY, "no memory to fold its rings in", 0);
}

/* Gives a block to the stream; *news tells whether it learnt of a site or a track. */
static int learn(struct fold *fold, const struct perftrace_block_header *header, const void *payload,
                 bool *news) {
    size_t sites = perftrace_stream_site_count(fold->stream);
    if (perftrace_stream_block(fold->stream, header, payload, 0) != 0)
        return no_memory(fold);
    *news = perftrace_stream_site_count(fold->stream) > sites;
    while (perftrace_stream_next(fold->stream) != NULL)
        *news = true;
    return 0;
}

static int read_trace(struct fold *fold) {
    struct perftrace_source *source = &fold->source;
    struct perftrace_file_header file;
    struct perftrace_block_header header;
    const void *payload;
    uint64_t offset;
    bool news;
    perftrace_source_free(source); /* from the beginning */
    if (lseek(source->fd, 0, SEEK_SET) != 0)
        return refuse(fold, PERFTRACE_ERROR_SYSTEM, "can't be read", errno);
    perftrace_source_init(source, source->fd, 0, UINT64_MAX, NULL);
    int result = take_header(fold, &file);
    if (result == 0)
        result = refuse(fold, PERFTRACE_ERROR_FORMAT, "it is no trace any more", 0);
    if (result == 1)
        result = 0;
    while (result == 0 && perftrace_source_next(source, &header, &payload, &offset) > 0) {
        fold->complete = perftrace_block_completes(&header, payload);
        result = learn(fold, &header, payload, &news);
    }
    if (result == 0 && source->error.code != PERFTRACE_OK) {
        *fold->error = source->error;
        result = -(int)source->error.code;
    }
    if (result == 0 && source->damaged_bytes > 0)
        result = refuse(fold, PERFTRACE_ERROR_FORMAT, "it is damaged, and left as it is", 0);
    fold->end = source->offset; /* what follows is a block that was never finished */
    return result;
}

/* ---- appending ------------------------------------------------------------------------------------ */

static int write_at_end(struct fold *fold, const void *bytes, size_t count) {
    const char *at = bytes;
    while (count > 0) {
        ssize_t written = pwrite(fold->source.fd, at, count, (off_t)fold->end);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return refuse(fold, PERFTRACE_ERROR_SYSTEM, "can't be written", written < 0 ? errno : ENOSPC);
        at += written;
        count -= (size_t)written;
        fold->end += (uint64_t)written;
    }
    return 0;
}

static int append(struct fold *fold, struct perftrace_block_header *header, const void *payload) {
    struct rlimit limit;
    uint64_t bytes = sizeof *header + header->bytes;
    /* Beyond this limit the system sends a signal, and most programs die of it. */
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        fold->end + bytes > limit.rlim_cur)
        return refuse(fold, PERFTRACE_ERROR_SYSTEM, "can't be written", EFBIG);
    header->checksum = 0;
    header->checksum = perftrace_crc32c(perftrace_crc32c(0, header, sizeof *header), payload, header->bytes);
    int result = write_at_end(fold, header, sizeof *header);
    return result != 0 ? result : write_at_end(fold, payload, header->bytes);
}

/* What was appended, and all that the trace has not yet written, is to outlive a power failure if the ring file does. */
static int reach_disk(const struct fold *fold) {
    struct statfs system;
    if (fstatfs(perftrace_rings_file(fold->rings), &system) == 0 &&
        (system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC))
        return 0;
    if (fdatasync(fold->source.fd) != 0 && errno != EINVAL && errno != ENOSYS)
        return refuse(fold, PERFTRACE_ERROR_SYSTEM, "can't be written", errno);
    return 0;
}

/* Appends the leftovers, in the order in which a reader takes them, and what makes the trace complete. */
static int append_leftovers(struct fold *fold) {
    struct perftrace_block_header header;
    const void *payload;
    uint64_t offset;
    bool news = false;
    struct perftrace_trace_info *info = perftrace_stream_info(fold->stream);
    while (perftrace_rings_next(fold->rings, fold->stream, &header, &payload, &offset)) {
        info->damaged = false;
        int result = learn(fold, &header, payload, &news);
        bool metadata = header.kind == PERFTRACE_BLOCK_SITE || header.kind == PERFTRACE_BLOCK_TRACK;
        /* Not so with records of an unknown track, which is what a recorder without room for a TRACK leaves. */
        fold->damaged |= info->damaged && header.kind != PERFTRACE_BLOCK_CHUNK;
        if (result == 0 && (news || !metadata))
            result = append(fold, &header, payload);
        if (result == 0 && news && metadata) /* as the recorder does: damage may hit one of them */
            result = append(fold, &header, payload);
        if (result != 0)
            return result;
    }
    if (fold->damaged)
        return refuse(fold, PERFTRACE_ERROR_FORMAT, "its rings are damaged, and left as they are", 0);
    const struct perftrace_block_sync all = {.before_tick = UINT64_MAX};
    header = (struct perftrace_block_header){
        .kind = PERFTRACE_BLOCK_SYNC, .bytes = sizeof all, .marker = PERFTRACE_BLOCK_MARKER};
    int result = append(fold, &header, &all);
    return result != 0 ? result : reach_disk(fold);
}

/* Removes the ring file, if its name still stands for the file that was read. Its folder is opened first, so
 * that between the check and the removal no other folder can take its place. */
static int remove_ring(struct fold *fold) {
    struct stat named, opened;
    char *slash = strrchr(fold->ring_path, '/'), *name = slash + 1;
    const char *folder_path = slash == fold->ring_path ? "/" : fold->ring_path;
    *slash = '\0';
    int folder = open(folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), result = -1;
    if (folder >= 0 && fstat(perftrace_rings_file(fold->rings), &opened) == 0 &&
        fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0) {
        if (named.st_dev == opened.st_dev && named.st_ino == opened.st_ino)
            result = unlinkat(folder, name, 0);
        else
            errno = ESTALE;
    }
    if (result != 0)
        result = refuse(fold, PERFTRACE_ERROR_SYSTEM, "its ring file can't be removed", errno);
    if (folder >= 0)
        close(folder);
    return result;
}

/* With the trace locked. */
static int join(struct fold *fold) {
    fold->stream = perftrace_stream_open(&(struct perftrace_stream_options){.leave_records = true});
    if (fold->stream == NULL)
        return no_memory(fold);
    int result = read_trace(fold);
    if (result != 0)
        return result;
    if (fold->complete) /* whoever wrote that did not come to remove them */
        return remove_ring(fold);
    const off_t whole = (off_t)fold->end;
    if (ftruncate(fold->source.fd, whole) != 0)
        return refuse(fold, PERFTRACE_ERROR_SYSTEM, "can't be written", errno);
    result = append_leftovers(fold);
    if (result != 0) {
        /* Where this fails too, what was appended stays: it is true, and known for what it is. */
        while (ftruncate(fold->source.fd, whole) != 0 && errno == EINTR)
            continue;
        return result;
    }
    result = remove_ring(fold);
    return result == 0 ? 1 : result;
}

int perftrace_reader_fold(const char *path, struct perftrace_error_info *error) {
    struct perftrace_error_info ignored;
    struct fold fold = {.path = path, .source.fd = -1, .error = error != NULL ? error : &ignored};
    fold.options = (struct perftrace_reader_options){.on_damage = note_damage, .context = &fold};
    *fold.error = (struct perftrace_error_info){0};
    if (path == NULL) {
        fold.path = "perftrace_reader_fold";
        return refuse(&fold, PERFTRACE_ERROR_ARGUMENT, "needs a path", 0);
    }
    if (strcmp(path, "-") == 0)
        return 0;
    /* Without a lock first: a recorder that wants to begin anew at this path must not find it taken for
     * nothing. And then again, as things may have changed. */
    int result = look(&fold, O_RDONLY);
    leave(&fold);
    if (result == 1)
        result = look(&fold, O_RDWR | O_NOFOLLOW);
    if (result == 1)
        result = join(&fold);
    perftrace_stream_close(fold.stream);
    leave(&fold);
    return result;
}
