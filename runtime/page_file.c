/* A file of JSON events that is valid JSON at every moment: page_file.h says how. */
#define _GNU_SOURCE /* memfd_create */
#include "page_file.h"

#include "nameless.h"
#include "own_files.h"
#include "quiet.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096u
#define BEHIND (UINT64_C(1) << 16) /* no system has greater pages */
#define TABLE (UINT64_C(2) << 20)  /* what one page table maps */
#define MAPPED (TABLE - BEHIND)    /* … so that the table is not taken away with the window */
#define WINDOW (MAPPED - BEHIND)
#define HEAD "{\"displayTimeUnit\":\"ns\",\"traceEvents\":["
#define CLOSING "\n]}"
#define CLOSING_BYTES (sizeof CLOSING - 1)
#define SHORT_CLOSING "]}" /* at the beginning or the end of a page */
#define SHORT_CLOSING_BYTES (sizeof SHORT_CLOSING - 1)
#define BEFORE_STEP SHORT_CLOSING "  " /* across a boundary: the closing is before it … */
#define AFTER_STEP "  " SHORT_CLOSING  /* … and behind it */
#define STEP_BYTES (sizeof AFTER_STEP - 1)
#define PAGE_FULL (PAGE - SHORT_CLOSING_BYTES)

static_assert(PERFTRACE_PAGE_FILE_EVENT_BYTES + sizeof HEAD + CLOSING_BYTES < PAGE,
              "an event fits in the first page");

struct perftrace_page_file {
    struct perftrace_output output, provisional;
    int fd;
    int step_fd; /* holds BEFORE_STEP AFTER_STEP; -1: nothing can be mapped */
    struct perftrace_own_file own, own_step;
    char *path;
    char *place; /* where windows are mapped; NULL: none yet */
    char *
        window; /* the file from window_at on, mapped there: WINDOW, and BEHIND for the last boundary; or NULL */
    uint64_t window_at;
    uint64_t page_at;        /* where the page at hand lies in the file */
    uint64_t size;           /* of the file: blanks from the closing up to here */
    size_t used;             /* of the page at hand: events and what separates them */
    size_t provisional_used; /* behind these: events that hold for the moment */
    size_t written;          /* of `used`, in the file; PAGE_FULL: the closing ends the page */
    size_t shown; /* of the page in the file: with what holds for the moment, and the closing; then blanks */
    bool changed; /* the page is to be written */
    unsigned long lost;
    bool any; /* there was an event: the next one follows a comma */
    char page[PAGE];
    char blanks[PAGE];
};

/* Whether the descriptors are still ours, and the file what we have made of it: writing on behind where somebody has
 * cut it off would fill the gap with zeros. 0 or a negative errno. */
static int reach(struct perftrace_page_file *file) {
    struct stat status;
    bool reached = perftrace_own_file_reach(&file->own);
    file->fd = file->own.fd;
    perftrace_own_file_reach(&file->own_step);
    file->step_fd = file->own_step.fd;
    if (!reached)
        return -EBADF;
    return fstat(file->fd, &status) == 0 && (uint64_t)status.st_size < file->size ? -ENODATA : 0;
}

/* ---- writing within a page ------------------------------------------------------------------------ */

/* Writes bytes [from, to) of the page at hand over the closing and the blanks behind it. 0 or a negative
 * errno. */
static int write_page(struct perftrace_page_file *file, size_t from, size_t to) {
    size_t length = to - from;
    off_t at = (off_t)(file->page_at + from);
    for (int tries = 0; tries < 3; tries++) {
        ssize_t done;
        do
            done = pwrite(file->fd, file->page + from, length, at);
        while (done < 0 && errno == EINTR);
        if (done == (ssize_t)length)
            return 0;
        if (done < 0)
            return -errno;
        /* Only file systems with faults of their own do this. Put a closing back where the old one was. */
        char closed[PAGE];
        size_t shown = file->shown > from ? file->shown - from : 0;
        size_t torn = (size_t)done > shown ? (size_t)done : shown;
        memset(closed, ' ', torn);
        memcpy(closed, SHORT_CLOSING, SHORT_CLOSING_BYTES);
        if (pwrite(file->fd, closed, torn, at) != (ssize_t)torn)
            return -EIO;
    }
    return -EAGAIN;
}

int perftrace_page_file_flush(struct perftrace_page_file *file) {
    if (!file->changed)
        return 0;
    size_t closing_at = file->used + file->provisional_used, end = closing_at + CLOSING_BYTES;
    memcpy(file->page + closing_at, CLOSING, CLOSING_BYTES);
    size_t to = file->shown > end ? file->shown : end;
    memset(file->page + end, ' ', to - end);
    int result = reach(file);
    if (result == 0)
        result = write_page(file, file->written, to);
    if (result != 0)
        return result;
    file->written = file->used;
    file->shown = end;
    file->changed = false;
    return 0;
}

/* ---- on to the next page -------------------------------------------------------------------------- */

/* Makes the file reach the end of the next page. Cut short at any byte it is still valid. */
static int append_blanks(struct perftrace_page_file *file) {
    uint64_t end = file->page_at + (uint64_t)2 * PAGE;
    while (file->size < end) {
        uint64_t missing = end - file->size;
        size_t length = missing < PAGE ? (size_t)missing : PAGE;
        ssize_t done = pwrite(file->fd, file->blanks, length, (off_t)file->size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done < 0 ? -errno : -ENOSPC;
        file->size += (uint64_t)done;
    }
    return 0;
}

/* Fills the page up with blanks, with the closing at its end. */
static int fill_page(struct perftrace_page_file *file) {
    if (file->written == PAGE_FULL)
        return 0;
    file->provisional_used = 0;
    memset(file->page + file->used, ' ', PAGE_FULL - file->used);
    memcpy(file->page + PAGE_FULL, SHORT_CLOSING, SHORT_CLOSING_BYTES);
    int result = write_page(file, file->written, PAGE);
    if (result != 0)
        return result;
    file->used = file->written = PAGE_FULL;
    file->shown = PAGE;
    file->changed = false;
    return 0;
}

/* A place for windows in the reach of one page table. What is mapped there is replaced every 500 pages, at which each
 * processor that runs a thread of the program is interrupted, once for each table: that shows in the program's times. */
static char *reserve_place(void) {
    char *place = mmap(NULL, 2 * TABLE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return place == MAP_FAILED ? NULL : place;
}

static char *aligned(char *place) {
    return place + (TABLE - (uintptr_t)place % TABLE) % TABLE;
}

/* Where the boundary behind the page at hand is mapped; NULL: it can't be. */
static char *map_boundary(struct perftrace_page_file *file) {
    uint64_t window_at = file->page_at - file->page_at % WINDOW;
    if (file->place == NULL && (file->place = reserve_place()) == NULL)
        return NULL;
    if (file->window == NULL || window_at != file->window_at) {
        void *window = mmap(aligned(file->place), MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                            file->fd, (off_t)window_at);
        file->window = window == MAP_FAILED ? NULL : window;
        file->window_at = window_at;
    }
    return file->window == NULL ? NULL : file->window + (file->page_at + PAGE - window_at);
}

static int step_by_write(struct perftrace_page_file *file) {
    off_t at = (off_t)(file->page_at + PAGE_FULL);
    ssize_t done;
    do
        done = pwrite(file->fd, AFTER_STEP, STEP_BYTES, at);
    while (done < 0 && errno == EINTR);
    if (done > 0 && done < (ssize_t)STEP_BYTES) /* back */
        (void)!pwrite(file->fd, BEFORE_STEP, STEP_BYTES, at);
    return done == (ssize_t)STEP_BYTES ? 0 : done < 0 ? -errno : -EAGAIN;
}

/* Moves the closing from the end of the page to the beginning of the next. */
static int step(struct perftrace_page_file *file) {
    char *boundary = file->step_fd < 0 ? NULL : map_boundary(file);
    if (boundary == NULL)
        return step_by_write(file);
    /* The first touches both pages, changing nothing, so that the second finds them present and writable. */
    for (unsigned i = 0; i < 2;) {
        ssize_t done =
            pread(file->step_fd, boundary - SHORT_CLOSING_BYTES, STEP_BYTES, (off_t)(i * STEP_BYTES));
        if (done == (ssize_t)STEP_BYTES)
            i++;
        else if (done > 0) /* half done: quickly, before anybody looks */
            return step_by_write(file);
        else if (done == 0 || errno != EINTR)
            return -EIO;
    }
    return 0;
}

static int turn_page(struct perftrace_page_file *file) {
    int result = reach(file);
    if (result == 0)
        result = append_blanks(file);
    if (result == 0)
        result = fill_page(file);
    if (result == 0)
        result = step(file);
    if (result != 0)
        return result;
    file->page_at += PAGE;
    file->used = file->written = 0;
    file->shown = SHORT_CLOSING_BYTES;
    return 0;
}

/* ---- events --------------------------------------------------------------------------------------- */

static void forget_provisional(struct perftrace_page_file *file) {
    file->changed |= file->provisional_used > 0;
    file->provisional_used = 0;
}

/* Puts an event behind what the page holds up to `at`; returns the bytes it takes, 0: there is no room. */
static size_t put_event(struct perftrace_page_file *file, size_t at, bool first, const char *text,
                        size_t length) {
    const char *before = first ? "\n" : ",\n";
    size_t before_bytes = strlen(before);
    if (at + before_bytes + length + CLOSING_BYTES > PAGE)
        return 0;
    memcpy(file->page + at, before, before_bytes);
    memcpy(file->page + at + before_bytes, text, length);
    file->changed = true;
    return before_bytes + length;
}

static int write_event(struct perftrace_output *output, const char *text, size_t length) {
    struct perftrace_page_file *file = (struct perftrace_page_file *)(void *)output; /* its first member */
    int result = length > PERFTRACE_PAGE_FILE_EVENT_BYTES ? -EMSGSIZE : 0;
    forget_provisional(file);
    size_t bytes = result != 0 ? 0 : put_event(file, file->used, !file->any, text, length);
    if (result == 0 && bytes == 0) {
        result = turn_page(file);
        bytes = result != 0 ? 0 : put_event(file, file->used, !file->any, text, length);
    }
    if (result != 0) {
        file->lost++;
        return result;
    }
    file->used += bytes;
    file->any = true;
    return 0;
}

static int write_provisional(struct perftrace_output *output, const char *text, size_t length) {
    struct perftrace_page_file *file =
        (struct perftrace_page_file *)(void *)((char *)output -
                                               offsetof(struct perftrace_page_file, provisional));
    size_t at = file->used + file->provisional_used;
    size_t bytes = put_event(file, at, !file->any && file->provisional_used == 0, text, length);
    file->provisional_used += bytes;
    return bytes == 0 ? -ENOSPC : 0;
}

struct perftrace_output *perftrace_page_file_provisional(struct perftrace_page_file *file) {
    forget_provisional(file);
    return &file->provisional;
}

bool perftrace_page_file_make_room(struct perftrace_page_file *file) {
    return file->used > PAGE / 2 && turn_page(file) == 0;
}

struct perftrace_output *perftrace_page_file_output(struct perftrace_page_file *file) {
    return &file->output;
}

unsigned long perftrace_page_file_lost(const struct perftrace_page_file *file) {
    return file->lost;
}

/* ---- opening and closing -------------------------------------------------------------------------- */

/* 0: there is a regular file at `path`, or nothing. */
static int check_path(const char *path) {
    struct stat status;
    if (lstat(path, &status) != 0)
        return errno == ENOENT ? 0 : -errno;
    if (S_ISREG(status.st_mode))
        return 0;
    return S_ISLNK(status.st_mode) ? -ELOOP : S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
}

static int open_step(void) {
    int fd = perftrace_above_standard(memfd_create("perftrace-step", MFD_CLOEXEC));
    if (fd >= 0 && pwrite(fd, BEFORE_STEP AFTER_STEP, 2 * STEP_BYTES, 0) != (ssize_t)(2 * STEP_BYTES)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The first page, with no event. */
static int write_head(struct perftrace_page_file *file) {
    memset(file->page, ' ', PAGE);
    memcpy(file->page, HEAD CLOSING, sizeof(HEAD CLOSING) - 1);
    file->used = file->written = sizeof HEAD - 1;
    file->shown = file->used + CLOSING_BYTES;
    file->size = PAGE;
    return write_page(file, 0, PAGE);
}

static int start_file(struct perftrace_page_file *file, int fd) {
    file->fd = fd;
    return file->fd < 0 || fchmod(file->fd, 0600) != 0 ? -errno : write_head(file);
}

/* Makes the file without a name, and gives it its name when it is JSON. 1: it must be made in another way. */
static int create_nameless(struct perftrace_page_file *file, const char *path) {
    int fd = perftrace_nameless_open(path);
    if (fd < 0)
        return 1;
    int result = start_file(file, fd);
    if (result == 0 && perftrace_nameless_link(file->fd, path) != 0) {
        /* A kill in between leaves no file rather than one of a strange name. */
        bool replaced = errno == EEXIST && unlink(path) == 0 && perftrace_nameless_link(file->fd, path) == 0;
        result = replaced ? 0 : 1;
    }
    if (result != 0 && file->fd >= 0)
        close(file->fd);
    return result;
}

/* Makes the file under another name (mkostemp puts it in the place of the Xs), and renames it when it is
 * JSON. */
static int create_and_rename(struct perftrace_page_file *file, const char *path, char *other_name) {
    int fd = mkostemp(other_name, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int result = start_file(file, perftrace_above_standard(fd));
    if (result == 0 && rename(other_name, path) != 0)
        result = -errno;
    if (result == 0)
        return 0;
    unlink(other_name);
    if (file->fd >= 0)
        close(file->fd);
    return result;
}

static int open_at(struct perftrace_page_file *file, const char *path) {
    static const char suffix[] = ".XXXXXX";
    size_t path_bytes = strlen(path);
    char *other_name = malloc(path_bytes + sizeof suffix);
    file->path = malloc(path_bytes + 1);
    int result = -ENOMEM;
    if (file->path != NULL && other_name != NULL) {
        memcpy(file->path, path, path_bytes + 1);
        memcpy(other_name, path, path_bytes);
        memcpy(other_name + path_bytes, suffix, sizeof suffix);
        result = check_path(path);
        if (result == 0)
            result = create_nameless(file, path);
        if (result == 1)
            result = create_and_rename(file, path, other_name);
    }
    free(other_name);
    if (result == 0)
        result = perftrace_own_file_take(&file->own, file->fd, file->path, O_RDWR);
    return result;
}

struct perftrace_page_file *perftrace_page_file_open(const char *path) {
    struct perftrace_page_file *file = calloc(1, sizeof *file);
    int result = -ENOMEM;
    if (file != NULL) {
        file->output.write = write_event;
        file->provisional.write = write_provisional;
        memset(file->blanks, ' ', PAGE);
        result = open_at(file, path);
    }
    if (result != 0) {
        if (file != NULL)
            free(file->path);
        free(file);
        errno = -result;
        return NULL;
    }
    file->step_fd = open_step();
    file->own_step.fd = -1;
    if (file->step_fd >= 0)
        perftrace_own_file_take(&file->own_step, file->step_fd, NULL, 0);
    return file;
}

int perftrace_page_file_close(struct perftrace_page_file *file) {
    if (file == NULL)
        return 0;
    forget_provisional(file);
    int result = perftrace_page_file_flush(file);
    if (file->place != NULL)
        munmap(file->place, 2 * TABLE);
    perftrace_own_file_close(&file->own_step);
    if (reach(file) == 0)
        (void)!ftruncate(file->fd, (off_t)(file->page_at + file->shown)); /* else the blanks stay */
    int closed = perftrace_own_file_close(&file->own);
    free(file->path);
    free(file);
    return result != 0 ? result : closed;
}
