/* Rings: the memory that records are written into, shared with a file in tmpfs so that it survives the
 * process. It consists of metadata and of segments (segments.c). */
#include "nameless.h"
#include "runtime.h"

#include "../core/crc32c.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define EXTENT_BYTES ((size_t)PERFTRACE_SEGMENTS_PER_EXTENT * PERFTRACE_SEGMENT_BYTES)
/* Segments are mapped a few at a time: where they begin in the file is a multiple of every page size that there is, which on
 * aarch64 may be 64 KiB. */
#define METADATA_AT 65536u
#define HEADER_BYTES (METADATA_AT + PERFTRACE_METADATA_BYTES)
static_assert(HEADER_BYTES % 65536 == 0 && EXTENT_BYTES % 65536 == 0,
              "what is mapped begins at a page, however large pages are");
#define SEGMENTS_THREADLESS 64u /* whoever fills the last one writes them out: not for long */
#define LAST_BYTES ((size_t)PERFTRACE_SEGMENT_BYTES) /* a page or more: the last segment */

/* Space for [offset, offset + bytes) of the ring file: never sparse, since a store into a hole of a full
 * tmpfs is SIGBUS. posix_fallocate is of no use: glibc emulates it by writing. */
static int reserve(int fd, off_t offset, size_t bytes) {
    int result;
    do
        result = fallocate(fd, 0, offset, (off_t)bytes) == 0 ? 0 : -errno;
    while (result == -EINTR);
    return result;
}

/* Maps part of the ring file, or plain memory, with its pages present. NULL and errno on failure. */
static void *map_part(int fd, off_t offset, size_t bytes) {
    if (fd >= 0) {
        int error = reserve(fd, offset, bytes);
        if (error != 0) {
            errno = -error;
            return NULL;
        }
    }
    int flags = fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, fd >= 0 ? offset : 0);
    if (memory == MAP_FAILED)
        return NULL;
    madvise(memory, bytes, MADV_DONTFORK);       /* a child has no business here */
    madvise(memory, bytes, MADV_POPULATE_WRITE); /* Linux 5.14; before that the first round faults */
    return memory;
}

/* Where the ring file is to lie: in memory, or else beside the trace. A part of the uuid is in the name, so that it is
 * nobody else's. False: the path is too long. */
static bool choose_path(struct perftrace_runtime *runtime, bool beside) {
    char *path = runtime->ring_path, *to = path;
    size_t size = sizeof runtime->ring_path;
    const char *trace = runtime->trace.path;
    const uint8_t *id = runtime->trace.uuid;
    if (beside && trace[0] != '/') { /* for whoever reads this elsewhere, and for ourselves after a chdir */
        if (getcwd(path, size - 1) == NULL || path[0] != '/')
            return false;
        to = stpcpy(path + strlen(path), "/");
        size -= (size_t)(to - path);
    }
    int length = beside ? snprintf(to, size, "%s.%02x%02x%02x%02x.ring", trace, id[0], id[1], id[2], id[3])
                        : snprintf(to, size, "/dev/shm/perftrace-%u-%u-%02x%02x%02x%02x.ring",
                                   (unsigned)geteuid(), runtime->pid, id[0], id[1], id[2], id[3]);
    return length > 0 && (size_t)length < size;
}

static struct perftrace_ring_file ring_header(const struct perftrace_runtime *runtime) {
    struct perftrace_ring_file header = {.version = PERFTRACE_FORMAT_VERSION,
                                         .pid = runtime->pid,
                                         .metadata_offset = METADATA_AT,
                                         .metadata_bytes = PERFTRACE_METADATA_BYTES,
                                         .segments_offset = HEADER_BYTES};
    memcpy(header.magic, PERFTRACE_RING_MAGIC, sizeof header.magic);
    memcpy(header.uuid, runtime->trace.uuid, sizeof header.uuid);
    header.checksum = perftrace_crc32c(0, &header, offsetof(struct perftrace_ring_file, metadata_used));
    header.checksum =
        perftrace_crc32c(header.checksum, &header.segments_offset, sizeof header.segments_offset);
    return header;
}

/* The file's header, by which whoever finds it knows whose it is, and its space. */
static bool prepare(const struct perftrace_runtime *runtime, int fd) {
    const struct perftrace_ring_file header = ring_header(runtime);
    return fchmod(fd, 0600) == 0 && pwrite(fd, &header, sizeof header, 0) == (ssize_t)sizeof header &&
           reserve(fd, 0, HEADER_BYTES + EXTENT_BYTES) == 0;
}

static int discard(int fd, const char *name) {
    if (fd >= 0 && name != NULL)
        unlink(name);
    if (fd >= 0)
        close(fd);
    return -1;
}

/* The ring file at ring_path; -1: it can't be there. A kill at any moment must not leave a file that nobody knows of: the trace
 * tells of the path first, then the file, finished, gets this name. Where a file can't be without a name, it is made
 * under it. */
static int create_at_path(struct perftrace_runtime *runtime, int *error) {
    const char *path = runtime->ring_path;
    int fd = perftrace_nameless_open(path);
    if (fd < 0 && errno != EOPNOTSUPP)
        return -1;
    if (fd >= 0 && !prepare(runtime, fd)) /* no space */
        return discard(fd, NULL);
    *error = perftrace_identity_write_ring(runtime);
    if (*error != 0)
        return discard(fd, NULL);
    if (fd >= 0 && perftrace_nameless_link(fd, path) == 0)
        return fd;
    discard(fd, NULL);
    int low = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    fd = perftrace_above_standard(low);
    if (low >= 0 && (fd < 0 || !prepare(runtime, fd))) {
        unlink(path);
        return discard(fd, NULL);
    }
    return fd;
}

static int create_ring_file(struct perftrace_runtime *runtime, int *error) {
    int fd = -1;
    for (int beside = 0; beside < 2 && fd < 0 && *error == 0; beside++)
        if (choose_path(runtime, beside))
            fd = create_at_path(runtime, error);
    if (fd < 0)
        runtime->ring_path[0] = '\0';
    return fd;
}

/* The file may reach beyond what there is space for, so that segments can be added without opening it. Returns up to how many. */
static uint32_t lengthen(int fd, uint32_t most) {
    while (most > PERFTRACE_SEGMENTS_PER_EXTENT) {
        if (ftruncate(fd, (off_t)(HEADER_BYTES + (size_t)most * PERFTRACE_SEGMENT_BYTES)) == 0)
            return most;
        most /= 2; /* RLIMIT_FSIZE */
    }
    return most;
}

/* The ring file, opened once more by its name. */
static int reopen(const struct perftrace_runtime *runtime) {
    struct stat status;
    int fd = perftrace_above_standard(open(runtime->ring_path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (fd >= 0 && fstat(fd, &status) == 0 && status.st_dev == runtime->ring_device &&
        status.st_ino == runtime->ring_inode)
        return fd;
    return discard(fd, NULL);
}

/* Maps what follows the last segment without a descriptor: mremap(2) with an old size of zero makes another mapping of a
 * shared page, which may be longer. MADV_POPULATE_WRITE (Linux 5.14) then says whether there is space. */
static char *map_behind_last(const struct perftrace_runtime *runtime) {
    char *last = (char *)runtime->segments[runtime->segment_count - 1] + PERFTRACE_SEGMENT_BYTES - LAST_BYTES;
    char *memory = mremap(last, 0, LAST_BYTES + EXTENT_BYTES, MREMAP_MAYMOVE);
    if (memory == MAP_FAILED)
        return NULL;
    munmap(memory, LAST_BYTES);
    memory += LAST_BYTES;
    madvise(memory, EXTENT_BYTES, MADV_DONTFORK);
    if (madvise(memory, EXTENT_BYTES, MADV_POPULATE_WRITE) == 0)
        return memory;
    munmap(memory, EXTENT_BYTES);
    return NULL;
}

/* Memory for more segments. A thread of the program opens no file for that (own_files.h), the recorder's own may. */
static char *map_extent(const struct perftrace_runtime *runtime, bool own_thread) {
    off_t offset = (off_t)(HEADER_BYTES + (size_t)runtime->segment_count * PERFTRACE_SEGMENT_BYTES);
    if (!runtime->ring_in_file)
        return map_part(-1, offset, EXTENT_BYTES);
    int fd = own_thread ? reopen(runtime) : -1;
    if (fd < 0)
        return map_behind_last(runtime);
    char *memory = map_part(fd, offset, EXTENT_BYTES);
    close(fd);
    return memory;
}

static void add_extent(struct perftrace_runtime *runtime, char *memory) {
    uint32_t have = runtime->segment_count;
    sigset_t saved;
    perftrace_lock(runtime, &saved);
    for (uint32_t i = 0; i < PERFTRACE_SEGMENTS_PER_EXTENT; i++)
        runtime->segments[have + i] =
            (struct perftrace_segment *)(void *)(memory + i * PERFTRACE_SEGMENT_BYTES);
    for (uint32_t i = PERFTRACE_SEGMENTS_PER_EXTENT; i > 0; i--)
        perftrace_segment_push(runtime, have + i - 1);
    runtime->segment_count += PERFTRACE_SEGMENTS_PER_EXTENT;
    __atomic_store_n(&runtime->ring->segment_count, runtime->segment_count, __ATOMIC_RELEASE);
    perftrace_unlock(runtime, &saved);
}

static uint32_t segments_most(const struct perftrace_runtime *runtime) {
    uint32_t most = runtime->config.process_buffer_bytes / PERFTRACE_SEGMENT_BYTES;
    if (runtime->threadless && most > SEGMENTS_THREADLESS)
        most = SEGMENTS_THREADLESS;
    return most < PERFTRACE_SEGMENTS_PER_EXTENT ? PERFTRACE_SEGMENTS_PER_EXTENT
           : most > PERFTRACE_SEGMENTS_MAX      ? PERFTRACE_SEGMENTS_MAX
                                                : most;
}

/* Header and first segments in one piece: of the ring file, or (-1) of plain memory. */
static char *map_beginning(struct perftrace_runtime *runtime, int fd) {
    struct stat status;
    if (fd < 0)
        return map_part(-1, 0, HEADER_BYTES + EXTENT_BYTES);
    char *memory = fstat(fd, &status) == 0 ? map_part(fd, 0, HEADER_BYTES + EXTENT_BYTES) : NULL;
    if (memory == NULL)
        return NULL;
    runtime->ring_device = status.st_dev;
    runtime->ring_inode = status.st_ino;
    runtime->segments_max = lengthen(fd, runtime->segments_max);
    return memory;
}

int perftrace_rings_make(struct perftrace_runtime *runtime) {
    int error = 0, fd = create_ring_file(runtime, &error);
    if (error != 0)
        return error;
    runtime->segments_max = segments_most(runtime);
    char *memory = map_beginning(runtime, fd);
    if (memory == NULL && fd >= 0) {
        fd = discard(fd, runtime->ring_path);
        runtime->ring_path[0] = '\0';
        memory = map_beginning(runtime, fd);
    }
    error = errno;
    runtime->ring_in_file = fd >= 0;
    if (fd >= 0)
        close(fd);
    if (memory == NULL)
        return -error;
    runtime->ring = (struct perftrace_ring_file *)(void *)memory;
    runtime->metadata = memory + METADATA_AT;
    if (!runtime->ring_in_file)
        *runtime->ring = ring_header(runtime);
    add_extent(runtime, memory + HEADER_BYTES);
    return 0;
}

/* Puts plain memory, which takes no space until it is touched, where the ring file was mapped: threads that come late may still be
 * storing into it. */
static bool replace_mapping(void *memory, size_t bytes) {
    return mmap(memory, bytes, PROT_READ | PROT_WRITE,
                MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) != MAP_FAILED;
}

/* Leaves of the ring file what a reader needs to learn of losses. Nobody has it mapped any more. */
static void cut_to_header(const struct perftrace_runtime *runtime, struct perftrace_ring_file header) {
    int fd = reopen(runtime);
    header.metadata_used = header.segment_count = 0;
    if (fd >= 0 && pwrite(fd, &header, sizeof header, 0) == (ssize_t)sizeof header)
        (void)!ftruncate(fd, 4096); /* else it stays longer than it need be */
    if (fd >= 0)
        close(fd);
}

void perftrace_rings_drop(struct perftrace_runtime *runtime, bool keep_header) {
    if (runtime->ring_in_file && !keep_header)
        unlink(runtime->ring_path);
    sigset_t saved;
    perftrace_lock(runtime, &saved);
    struct perftrace_ring_file header = *runtime->ring; /* its counts can still be asked for */
    bool replaced = replace_mapping(runtime->ring, HEADER_BYTES);
    *runtime->ring = header;
    for (uint32_t i = 0; i < runtime->segment_count; i += PERFTRACE_SEGMENTS_PER_EXTENT)
        replaced = replace_mapping(runtime->segments[i], EXTENT_BYTES) && replaced;
    perftrace_unlock(runtime, &saved);
    if (runtime->ring_in_file && keep_header && replaced)
        cut_to_header(runtime, header);
    runtime->ring_in_file = false;
}

void perftrace_rings_undo(struct perftrace_runtime *runtime) {
    sigset_t saved;
    if (runtime->ring == NULL)
        return;
    if (runtime->ring_in_file)
        unlink(runtime->ring_path);
    perftrace_lock(runtime, &saved);
    munmap(runtime->ring, HEADER_BYTES + EXTENT_BYTES); /* map_beginning */
    runtime->ring = NULL;
    perftrace_unlock(runtime, &saved);
}

bool perftrace_rings_grow(struct perftrace_runtime *runtime, uint32_t wanted, bool own_thread) {
    sigset_t saved;
    bool enough;
    perftrace_lock_word(&runtime->growing, &saved);
    while (!(enough = __atomic_load_n(&runtime->free_count, __ATOMIC_RELAXED) >= wanted)) {
        bool allowed = runtime->segment_count + PERFTRACE_SEGMENTS_PER_EXTENT <= runtime->segments_max;
        char *memory = allowed ? map_extent(runtime, own_thread) : NULL;
        if (memory == NULL)
            break;
        add_extent(runtime, memory);
    }
    __atomic_store_n(&runtime->cannot_grow, !enough, __ATOMIC_RELAXED);
    perftrace_unlock_word(&runtime->growing, &saved);
    return enough;
}

bool perftrace_metadata_add(struct perftrace_runtime *runtime, uint16_t kind, const void *payload,
                            size_t bytes) {
    struct perftrace_ring_file *ring = runtime->ring;
    struct perftrace_block_header header;
    uint64_t used = ring->metadata_used;
    if (used > ring->metadata_bytes / 2)
        perftrace_wake_drainer(runtime); /* it begins anew once all of it is in the trace */
    if (used + sizeof header + bytes > ring->metadata_bytes)
        return false;
    perftrace_block_seal(&header, kind, payload, bytes, NULL, 0);
    memcpy(runtime->metadata + used, &header, sizeof header);
    memcpy(runtime->metadata + used + sizeof header, payload, bytes);
    __atomic_store_n(&ring->metadata_used, used + sizeof header + bytes, __ATOMIC_RELEASE);
    return true;
}
