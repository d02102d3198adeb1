/* Writes a log for the reading benchmarks, and prints how many calls it holds.
 *
 *     make_log [-c store|distinct] [-m plain|prefix] [-n BYTES] [-u NODES] [-s SEED] [-o FILE]
 *
 * store: what a program on a store of nodes would log: it loads nodes, asks whether they exist, lists directories entry by entry
 * and exports parts of them; few nodes are asked for often, most seldom (NODES are in the store). distinct: no two calls have the
 * same parameters. prefix: with a logger's prefix before each line. The same options make the same bytes. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER_BYTES = 1 << 20, LINE_BYTES_MAX = 1024, THREADS = 4, NEST_MAX = 8 };

struct log {
    char *buffer, *at;
    int fd;
    uint64_t bytes; /* written and in the buffer */
    uint64_t random, calls, numbers, nodes;
    uint64_t open[NEST_MAX], us[NEST_MAX]; /* number of each open call, and what its children took */
    const char *names[NEST_MAX];
    unsigned depth, thread;
    bool prefix;
};

/* Sebastiano Vigna's splitmix64 (https://prng.di.unimi.it/splitmix64.c, in the public domain). */
static uint64_t below(struct log *log, uint64_t limit) {
    uint64_t mixed = log->random += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint64_t)((unsigned __int128)(mixed ^ mixed >> 31) * limit >> 64);
}

static void flush(struct log *log) {
    for (char *from = log->buffer; from < log->at;) {
        ssize_t written = write(log->fd, from, (size_t)(log->at - from));
        if (written <= 0) {
            perror("write");
            exit(2);
        }
        from += written;
    }
    log->at = log->buffer;
}

static void text(struct log *log, const char *bytes) {
    size_t length = strlen(bytes);
    memcpy(log->at, bytes, length);
    log->at += length;
}

static void number(struct log *log, uint64_t value) {
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    memcpy(log->at, digits + at, sizeof digits - at);
    log->at += sizeof digits - at;
}

static void field(struct log *log, const char *key, uint64_t value) {
    text(log, key);
    number(log, value);
}

static void begin_call(struct log *log, const char *name) {
    log->names[log->depth] = name;
    log->open[log->depth] = ++log->numbers;
    log->us[log->depth++] = 0;
}

/* The line of the innermost open call, up to its parameters; they and the metrics come between this and end_call. */
static void begin_line(struct log *log) {
    if (log->prefix)
        text(log, "[2025-01-01T00:00:00Z DEBUG store::queries] ");
    field(log, "PERF_TRACE|", log->open[log->depth - 1]);
    text(log, "|");
    text(log, log->names[log->depth - 1]);
    text(log, "|caller=");
    text(log, log->depth > 1 ? log->names[log->depth - 2] : "unknown");
}

static uint64_t elapsed(struct log *log, uint64_t own_us) {
    uint64_t us = own_us + log->us[log->depth - 1];
    log->us[log->depth - 1] = us;
    field(log, "|elapsed_ms=", us / 1000);
    return us;
}

static void end_line(struct log *log) {
    uint64_t us = log->us[--log->depth];
    field(log, "|elapsed_us=", us);
    field(log, "|parent_call=", log->depth > 0 ? log->open[log->depth - 1] : 0);
    field(log, "|thread=", log->thread);
    text(log, "\n");
    if (log->depth > 0)
        log->us[log->depth - 1] += us;
    log->calls++;
    if (log->at > log->buffer + BUFFER_BYTES - LINE_BYTES_MAX) {
        log->bytes += (uint64_t)(log->at - log->buffer);
        flush(log);
    }
}

/* A node of which few are popular. */
static uint64_t popular(struct log *log) {
    uint64_t first = below(log, log->nodes);
    return below(log, below(log, first + 1) + 1);
}

static void part_and_node(struct log *log, uint64_t node) {
    field(log, "|part_id=p", node / 64);
    field(log, "|node_id=n", node);
}

static void entry(struct log *log, uint64_t node) {
    begin_call(log, "query_single_directory_entry");
    begin_line(log);
    field(log, "|part_id=p", node / 64);
    field(log, "|entry_name=e", node % 64);
    uint64_t us = elapsed(log, 50 + below(log, 4000));
    field(log, "|query_ms=", us / 1000);
    field(log, "|found=", below(log, 8) != 0);
    end_line(log);
}

static void records(struct log *log, uint64_t node) {
    begin_call(log, "query_records");
    begin_line(log);
    part_and_node(log, node);
    uint64_t us = elapsed(log, 80 + below(log, 9000));
    field(log, "|query_ms=", us / 1000);
    field(log, "|records=", below(log, 20));
    end_line(log);
}

static void load(struct log *log, uint64_t node) {
    begin_call(log, "load_node");
    entry(log, node);
    records(log, node);
    begin_line(log);
    part_and_node(log, node);
    elapsed(log, 5 + below(log, 40));
    end_line(log);
}

static void exists(struct log *log, uint64_t node) {
    begin_call(log, "exists_node");
    entry(log, node);
    begin_line(log);
    part_and_node(log, node);
    elapsed(log, 3 + below(log, 10));
    end_line(log);
}

static void list(struct log *log, uint64_t node) {
    begin_call(log, "query_directory_entries");
    uint64_t first = node / 64 * 64, count = 2 + below(log, 14);
    for (uint64_t i = 0; i < count; i++)
        records(log, first + i);
    begin_line(log);
    field(log, "|part_id=p", node / 64);
    elapsed(log, 100 + below(log, 300));
    field(log, "|found=", count);
    end_line(log);
}

static void request(struct log *log) {
    uint64_t kind = below(log, 10), node = popular(log);
    log->thread = 1 + (unsigned)below(log, THREADS);
    begin_call(log, kind < 5 ? "handle_read" : kind < 8 ? "handle_lookup" : "handle_list");
    if (kind < 8)
        exists(log, node);
    if (kind < 5)
        load(log, node);
    if (kind >= 8)
        list(log, node);
    begin_line(log);
    elapsed(log, 20 + below(log, 100));
    end_line(log);
}

static void distinct(struct log *log) {
    begin_call(log, "query_records");
    begin_line(log);
    part_and_node(log, log->numbers);
    elapsed(log, below(log, 9000));
    end_line(log);
}

static uint64_t number_of(const char *digits) {
    char *end;
    uint64_t value = strtoull(digits, &end, 10);
    if (end == digits || *end != '\0') {
        fprintf(stderr, "%s: not a number\n", digits);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv) {
    struct log log = {.fd = STDOUT_FILENO, .random = 1, .nodes = 50000};
    uint64_t bytes_max = 1000000000;
    bool all_distinct = false;
    int option;
    while ((option = getopt(argc, argv, "c:m:n:o:s:u:")) != -1) {
        if (option == 'c')
            all_distinct = strcmp(optarg, "distinct") == 0;
        else if (option == 'm')
            log.prefix = strcmp(optarg, "prefix") == 0;
        else if (option == 'n')
            bytes_max = number_of(optarg);
        else if (option == 's')
            log.random = number_of(optarg);
        else if (option == 'u')
            log.nodes = number_of(optarg) + 1;
        else if (option != 'o' ||
                 (log.fd = open(optarg, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) < 0) {
            fprintf(
                stderr,
                "make_log [-c store|distinct] [-m plain|prefix] [-n BYTES] [-u NODES] [-s SEED] [-o FILE]\n");
            return 2;
        }
    }
    log.buffer = log.at = malloc(BUFFER_BYTES);
    if (log.buffer == NULL)
        return 2;
    while (log.bytes + (uint64_t)(log.at - log.buffer) < bytes_max) {
        if (all_distinct)
            distinct(&log);
        else
            request(&log);
    }
    flush(&log);
    fprintf(log.fd == STDOUT_FILENO ? stderr : stdout, "%" PRIu64 "\n", log.calls);
    return 0;
}
