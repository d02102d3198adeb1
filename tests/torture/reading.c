/* Reading any bytes, watched. */
#define _GNU_SOURCE /* memfd_create */
#include "reading.h"

#include "torture.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- memory: the linker leads each call of ours here (--wrap) ---- */

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void __real_free(void *memory);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
void __wrap_free(void *memory);

static size_t held, held_most;

static void *note(void *memory) {
    size_t now = __atomic_add_fetch(&held, malloc_usable_size(memory), __ATOMIC_RELAXED);
    if (now > held_most)
        held_most = now;
    return memory;
}

static void forget(void *memory) {
    size_t bytes = malloc_usable_size(memory), now = __atomic_load_n(&held, __ATOMIC_RELAXED);
    __atomic_sub_fetch(&held, bytes < now ? bytes : now, __ATOMIC_RELAXED); /* some come from the C library */
}

void *__wrap_malloc(size_t bytes) {
    return note(__real_malloc(bytes));
}

void *__wrap_calloc(size_t count, size_t bytes) {
    return note(__real_calloc(count, bytes));
}

void *__wrap_realloc(void *old, size_t bytes) {
    size_t had = malloc_usable_size(old);
    void *memory = __real_realloc(old, bytes);
    if (memory == NULL)
        return NULL;
    __atomic_sub_fetch(&held, had < held ? had : held, __ATOMIC_RELAXED);
    return note(memory);
}

void __wrap_free(void *memory) {
    forget(memory);
    __real_free(memory);
}

/* ---- items as text ---- */

__attribute__((format(printf, 2, 3))) static void say(struct made *text, const char *format, ...) {
    va_list arguments;
    for (;;) {
        size_t room = text->capacity - text->length;
        va_start(arguments, format);
        int length = vsnprintf((char *)text->bytes + text->length, room, format, arguments);
        va_end(arguments);
        if ((size_t)length < room) {
            text->length += (size_t)length;
            return;
        }
        text->capacity = (text->capacity + (size_t)length) * 2 + 4096;
        text->bytes = __real_realloc(text->bytes, text->capacity);
        if (text->bytes == NULL)
            abort();
    }
}

/* Bytes of any kind on one line. */
static void say_text(struct made *text, struct perftrace_text what) {
    if (what.bytes[what.length] != 0)
        abort(); /* the contract: a zero follows */
    for (size_t i = 0; i < what.length; i++) {
        unsigned char byte = (unsigned char)what.bytes[i];
        say(text, byte > ' ' && byte < 0x7f ? "%c" : "\\%02x", byte);
    }
}

static void say_values(struct made *text, const struct perftrace_value *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        say(text, " ");
        say_text(text, values[i].argument->name);
        say(text, "=");
        if (values[i].type == PERFTRACE_TYPE_STRING) {
            say_text(text, values[i].text);
            say(text, "%s%s", values[i].cut ? "(cut)" : "", values[i].null ? "(null)" : "");
        } else
            say(text, "%" PRIx64, values[i].u);
    }
}

static void say_item(struct made *text, const struct perftrace_item *item, bool numbers) {
    static const char letters[] = "?BEVCFbefghmnT";
    const struct perftrace_call *call = item->call;
    say(text, "%c %u ", letters[item->kind], item->track->id);
    if (item->site != NULL) {
        say_text(text, item->site->target);
        say(text, "::");
        say_text(text, item->site->name);
    } else
        say_text(text, item->track->name);
    say(text, " @%" PRIu64 " %" PRIx64 " %" PRIu64, item->time_ns, item->id, item->bytes);
    say_values(text, item->values, item->value_count);
    if (call != NULL && numbers)
        say(text, " #%" PRIu64 " of #%" PRIu64, call->number, call->parent_number);
    if (call != NULL) {
        say(text, " <");
        say_text(text, call->caller);
        say(text, " %u %" PRIu64 " %" PRIu64 " %" PRIu64 "%s%s", call->depth, call->start_ns,
            call->elapsed_ns, call->children_ns, call->unfinished ? "!" : "", call->at_end ? "!" : "");
        say_values(text, call->parameters, call->parameter_count);
        say(text, " |");
        say_values(text, call->metrics, call->metric_count);
    }
    say(text, "\n");
}

/* ---- reading ---- */

static double processor_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void hear_complaint(void *context, const struct perftrace_error_info *what) {
    struct reading *reading = context;
    if (memchr(what->message, '\0', sizeof what->message) == NULL || what->message[0] == '\0')
        abort();
    if (reading->complaints++ > 0)
        return;
    memcpy(reading->complaint, what->message, sizeof reading->complaint);
    reading->complaint_offset = what->byte_offset;
    reading->complaint_line = what->line;
}

static void count(struct reading *reading, const struct perftrace_item *item) {
    reading->items++;
    if (item->kind == PERFTRACE_ITEM_SPAN_END || item->kind == PERFTRACE_ITEM_ASYNC_END) {
        reading->calls++;
        if (item->call->depth > reading->deepest)
            reading->deepest = item->call->depth;
    }
}

struct reading reading_of(const char *path, unsigned flags) {
    struct reading reading = {0};
    struct perftrace_error_info error = {0};
    const struct perftrace_reader_options options = {
        .on_damage = hear_complaint, .context = &reading, .leave_rings = (flags & READING_LEAVE_RINGS) != 0};
    double start = processor_seconds();
    size_t before = held;
    held_most = held;
    struct perftrace_reader *reader = perftrace_reader_open(path, &options, &error);
    const struct perftrace_item *item;
    while (reader != NULL && (item = perftrace_reader_next(reader)) != NULL) {
        count(&reading, item);
        if ((flags & READING_TEXT) != 0)
            say_item(&reading.text, item, (flags & READING_NUMBERS) != 0);
    }
    if (reader != NULL) {
        if (perftrace_reader_error(reader) != NULL)
            error = *perftrace_reader_error(reader);
        reading.info = *perftrace_reader_info(reader);
        reading.info.process_name = reading.info.executable = (struct perftrace_text){"", 0};
    }
    perftrace_reader_close(reader);
    reading.error = (int)error.code;
    memcpy(reading.why, error.message, sizeof reading.why);
    reading.seconds = processor_seconds() - start;
    reading.bytes_held = held_most - before;
    return reading;
}

struct reading reading_of_bytes(const void *bytes, size_t length, unsigned flags) {
    static int fd = -1;
    char path[32];
    if (fd < 0)
        fd = memfd_create("bytes", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, 0) != 0 || pwrite(fd, bytes, length, 0) != (ssize_t)length) {
        perror("memfd");
        exit(2);
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return reading_of(path, flags);
}

void reading_free(struct reading *reading) {
    __real_free(reading->text.bytes);
    *reading = (struct reading){0};
}

bool reading_same(const struct reading *a, const struct reading *b) {
    return a->error == b->error && a->items == b->items && a->text.length == b->text.length &&
           (a->text.length == 0 || memcmp(a->text.bytes, b->text.bytes, a->text.length) == 0);
}

bool reading_is_bounded(const struct reading *reading, const char *of) {
    bool quick = torture_check(reading->seconds <= READING_SECONDS_MAX, "%s: %.1f s", of, reading->seconds);
    bool small = torture_check(reading->bytes_held <= PERFTRACE_READER_BYTES_MAX, "%s: %zu MiB held", of,
                               reading->bytes_held >> 20);
    return quick && small;
}

static int compare_lines(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct made reading_lines(const struct made *text, const char *letters, long track, bool sort) {
    struct made all = {.length = text->length, .bytes = malloc(text->length + 1)}, found = {0};
    char **lines = malloc((text->length / 4 + 1) * sizeof *lines), *rest = (char *)all.bytes;
    size_t count_ = 0;
    if (all.bytes == NULL || lines == NULL)
        abort();
    if (text->length > 0)
        memcpy(all.bytes, text->bytes, text->length);
    all.bytes[text->length] = 0;
    for (char *line; (line = strsep(&rest, "\n")) != NULL && *line != 0;) {
        long of = strtol(line + 2, NULL, 10);
        if (strchr(letters, line[0]) != NULL && (track == 0 || (track > 0 ? of == track : of != -track)))
            lines[count_++] = line;
    }
    if (sort)
        qsort(lines, count_, sizeof *lines, compare_lines);
    for (size_t i = 0; i < count_; i++)
        say(&found, "%s\n", lines[i]);
    free(lines);
    free(all.bytes);
    return found;
}

/* ---- the command ---- */

static void become_perftrace(const char *const arguments[]) {
    const char *program = getenv("PERFTRACE"), *argv[32] = {"perftrace"};
    size_t count_ = 1;
    for (size_t i = 0; arguments[i] != NULL && count_ < 31; i++)
        argv[count_++] = arguments[i];
    int in = open("/dev/null", O_RDONLY), out = creat("ran.out", 0600), err = creat("ran.err", 0600);
    dup2(in, 0);
    dup2(out, 1);
    dup2(err, 2);
    execv(program != NULL ? program : "perftrace", (char **)(uintptr_t)argv);
    _exit(127);
}

struct ran ran_perftrace(const char *const arguments[], double seconds) {
    struct ran ran = {.status = -1};
    double start = torture_now();
    fflush(NULL);
    pid_t child = fork(), done = 0;
    if (child == 0)
        become_perftrace(arguments);
    int status = 0;
    struct rusage usage = {0};
    for (long pause_ns = 50000; (done = wait4(child, &status, WNOHANG, &usage)) == 0;
         pause_ns = pause_ns < 5000000 ? pause_ns * 2 : pause_ns) {
        if (torture_now() - start > seconds) {
            kill(child, SIGKILL);
            wait4(child, &status, 0, &usage);
            break;
        }
        nanosleep(&(struct timespec){0, pause_ns}, NULL);
    }
    if (done == child)
        ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
    ran.seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                  (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
    ran.bytes_resident = (size_t)usage.ru_maxrss * 1024;
    ran.out = read_bytes("ran.out");
    ran.err = read_bytes("ran.err");
    return ran;
}

void ran_free(struct ran *ran) {
    made_free(&ran->out);
    made_free(&ran->err);
}

void write_bytes(const char *path, const void *bytes, size_t length) {
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, length, file) != length || fclose(file) != 0) {
        perror(path);
        exit(2);
    }
}

struct made read_bytes(const char *path) {
    struct made made = {0};
    FILE *file = fopen(path, "rb");
    for (size_t got = 1; file != NULL && got > 0; made.length += got) {
        made.capacity = made.capacity * 2 + 65536;
        made.bytes = realloc(made.bytes, made.capacity + 1);
        if (made.bytes == NULL)
            abort();
        got = fread(made.bytes + made.length, 1, made.capacity - made.length, file);
    }
    if (file == NULL || ferror(file)) {
        perror(path);
        exit(2);
    }
    fclose(file);
    made.bytes[made.length] = 0;
    return made;
}
