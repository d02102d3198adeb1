/* Any bytes as input: each bit flipped and each length cut of small traces, ring files and logs. Nothing but what was hit is
 * lost, and that is told, with the byte. */
#define _GNU_SOURCE /* memmem, memrchr */
#include "reading.h"
#include "samples.h"
#include "torture.h"

#include "../unit/json_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PARTS_MAX = 256 };

/* Of every bit of everything each one in full, one of so many (a prime, so that all of them in turn are met) in short. */
static size_t stride(void) {
#ifdef PERFTRACE_SANITIZED
    return torture_times(97, 1);
#else
    return torture_times(11, 1);
#endif
}

static double slowest;
static size_t biggest;

/* Every reading is bounded, and leaves no doubt about whether something was wrong. */
static void look(const struct reading *reading, const char *what, size_t at) {
    char name[256];
    snprintf(name, sizeof name, "%s, bit %zu of byte %zu", what, at % 8, at / 8);
    reading_is_bounded(reading, name);
    slowest = reading->seconds > slowest ? reading->seconds : slowest;
    biggest = reading->bytes_held > biggest ? reading->bytes_held : biggest;
}

static void note_bounds(size_t readings) {
    torture_note("%zu readings, at most %.3f s and %.1f MiB", readings, slowest, (double)biggest / (1 << 20));
    slowest = 0;
    biggest = 0;
}

/* ---- traces ---- */

/* What is read of a trace from which one part has been cut out. */
static struct reading without(const struct made *trace, const struct sample_part *part) {
    struct made rest = {0};
    made_add(&rest, trace->bytes, part->begin);
    made_add(&rest, trace->bytes + part->end, trace->length - part->end);
    struct reading reading = reading_of_bytes(rest.bytes, rest.length, READING_TEXT);
    made_free(&rest);
    return reading;
}

/* The header has a checksum in one trace and none in another; either way every block is read. What is told of the
 * whole trace may be wrong in a header without a checksum, and a version that is not known is refused. */
static void check_header_flip(const char *name, const struct made *trace, const struct reading *whole,
                              size_t bit) {
    struct reading flipped = reading_of_bytes(trace->bytes, trace->length, READING_TEXT);
    struct perftrace_file_header header;
    memcpy(&header, trace->bytes, sizeof header);
    look(&flipped, name, bit);
    bool sealed = header.checksum != 0 && bit / 8 < offsetof(struct perftrace_file_header, checksum);
    bool refused =
        flipped.error == PERFTRACE_ERROR_VERSION && header.version != PERFTRACE_FORMAT_VERSION && !sealed;
    torture_check(refused || reading_same(&flipped, whole), "%s: header bit %zu (%s)", name, bit,
                  flipped.why);
    bool told = flipped.complaints > whole->complaints && flipped.complaint_offset < sizeof header;
    bool seen = memcmp(flipped.info.uuid, whole->info.uuid, 16) != 0;
    /* Without a checksum: reserved, or what PROCESS tells as well, which counts. */
    size_t byte = bit / 8, checksum = offsetof(struct perftrace_file_header, checksum);
    bool of_no_meaning = header.checksum == 0 && byte >= offsetof(struct perftrace_file_header, flags) &&
                         (byte < checksum || byte >= checksum + sizeof header.checksum);
    torture_check(!sealed || (told && !seen), "%s: header bit %zu is not put right", name, bit);
    torture_check(told || seen || refused || of_no_meaning, "%s: nothing is told of header bit %zu", name,
                  bit);
    reading_free(&flipped);
}

/* A flipped bit costs its block, and no other: what is read is what is read of the trace without that block. */
static void check_block_flip(const char *name, const struct made *trace, const struct sample_part *part,
                             const struct reading *expected, const struct reading *whole, size_t bit) {
    struct reading flipped = reading_of_bytes(trace->bytes, trace->length, READING_TEXT);
    look(&flipped, name, bit);
    torture_check(reading_same(&flipped, expected), "%s: bit %zu of byte %zu, in a block of kind %u", name,
                  bit % 8, bit / 8, part->kind);
    torture_check(flipped.complaints > 0 && flipped.complaint_offset == part->begin,
                  "%s: bit %zu of byte %zu: %" PRIu64 " complaints, first of byte %" PRIu64 ": %s", name,
                  bit % 8, bit / 8, flipped.complaints, flipped.complaint_offset, flipped.complaint);
    (void)whole;
    reading_free(&flipped);
}

static size_t flip_bits(const char *name, struct made *trace) {
    struct sample_part parts[PARTS_MAX];
    size_t count = sample_parts(trace, parts, PARTS_MAX), readings = 0, next = 0;
    torture_check(count < PARTS_MAX && parts[count - 1].end == trace->length, "%s: %zu parts", name, count);
    struct reading whole = reading_of_bytes(trace->bytes, trace->length, READING_TEXT);
    torture_check(whole.error == 0 && whole.items > 0, "%s: %s", name, whole.why);
    for (size_t i = 0; i < count; i++) {
        struct reading expected = {0};
        if (i > 0)
            expected = without(trace, &parts[i]);
        for (; next < parts[i].end * 8; next += stride(), readings++) {
            trace->bytes[next / 8] ^= (unsigned char)(1u << next % 8);
            if (i == 0)
                check_header_flip(name, trace, &whole, next);
            else
                check_block_flip(name, trace, &parts[i], &expected, &whole, next);
            trace->bytes[next / 8] ^= (unsigned char)(1u << next % 8);
        }
        reading_free(&expected);
    }
    reading_free(&whole);
    return readings;
}

static struct made cli_sample(const char *name) {
    char path[4096];
    const char *source = getenv("PERFTRACE_SOURCE");
    snprintf(path, sizeof path, "%s/tests/cli/data/%s", source != NULL ? source : ".", name);
    return read_bytes(path);
}

static const char *const kept[] = {"finished.ptrace", "killed.ptrace", "empty.ptrace"};

static void bits_of_traces(void) {
    size_t readings = 0;
    torture_fresh_folder();
    for (size_t i = 0; i < sizeof kept / sizeof kept[0] + 3; i++) {
        size_t made_up = sizeof kept / sizeof kept[0];
        struct made trace = i < made_up        ? cli_sample(kept[i])
                            : i == made_up     ? sample_of_all(false)
                            : i == made_up + 1 ? sample_of_all(true)
                                               : sample_recorded();
        readings += flip_bits(i < made_up ? kept[i] : i == made_up + 2 ? "recorded" : "all kinds", &trace);
        made_free(&trace);
    }
    note_bounds(readings);
}

/* Blocks that others depend on are there twice: without any one of them the same is read. */
static void nothing_depends_on_one_block(void) {
    struct sample_part parts[PARTS_MAX];
    torture_fresh_folder();
    for (int i = 0; i < 2; i++) {
        struct made trace = i == 0 ? sample_of_all(true) : sample_recorded();
        struct reading whole = reading_of_bytes(trace.bytes, trace.length, READING_TEXT);
        size_t count = sample_parts(&trace, parts, PARTS_MAX), twice = 0;
        for (size_t at = 1; at < count; at++) {
            uint16_t kind = parts[at].kind;
            if (kind != PERFTRACE_BLOCK_PROCESS && kind != PERFTRACE_BLOCK_SITE &&
                kind != PERFTRACE_BLOCK_TRACK && kind != PERFTRACE_BLOCK_RING)
                continue;
            struct reading rest = without(&trace, &parts[at]);
            torture_check(reading_same(&rest, &whole), "without part %zu, of kind %u", at, kind);
            reading_free(&rest);
            twice++;
        }
        torture_check(twice >= 10, "%zu", twice);
        reading_free(&whole);
        made_free(&trace);
    }
}

/* A lost CHUNK costs its own records and no others: each event of the other chunks comes out. */
static void other_chunks_come_out(void) {
    struct sample_part parts[PARTS_MAX];
    struct made trace = sample_of_all(false);
    struct reading whole = reading_of_bytes(trace.bytes, trace.length, READING_TEXT);
    size_t count = sample_parts(&trace, parts, PARTS_MAX), chunks = 0;
    for (size_t at = 1; at < count; at++) {
        if (parts[at].kind != PERFTRACE_BLOCK_CHUNK)
            continue;
        struct reading rest = without(&trace, &parts[at]);
        /* Records on their own, of which the main thread's chunks have seven and the worker's two. */
        struct made before = reading_lines(&whole.text, "VCFfhmn", 0, true);
        struct made after = reading_lines(&rest.text, "VCFfhmn", 0, true);
        size_t missing = 0;
        for (char *line = (char *)before.bytes, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
            *end = 0;
            missing += strstr((char *)after.bytes, line) == NULL;
        }
        torture_check(missing == (chunks % 2 == 0 ? 7 : 2), "chunk %zu: %zu records are missing", chunks,
                      missing);
        chunks++;
        made_free(&before);
        made_free(&after);
        reading_free(&rest);
    }
    torture_check(chunks == 8, "%zu", chunks);
    reading_free(&whole);
    made_free(&trace);
}

/* What is before the cut is read, and what of a block is there is told of. */
static size_t cut_lengths(const char *name, const struct made *trace) {
    struct sample_part parts[PARTS_MAX];
    size_t count = sample_parts(trace, parts, PARTS_MAX), readings = 0, at = 0;
    struct reading expected = {0};
    for (size_t length = 0; length < trace->length; length++, readings++) {
        bool whole = at < count && length == parts[at].end;
        if (whole) {
            reading_free(&expected);
            expected = reading_of_bytes(trace->bytes, length, READING_TEXT);
            torture_check(expected.error == 0, "%s, %zu bytes: %s", name, length, expected.why);
            at++;
        }
        if (!whole && length % (stride() / 12 + 1) != 0) /* each, but under the sanitizers in short */
            continue;
        struct reading cut = reading_of_bytes(trace->bytes, length, READING_TEXT);
        look(&cut, name, length * 8);
        if (at == 0) /* within the header: there is nothing to be read */
            torture_check(length < 2 ? cut.items == 0 : cut.error == PERFTRACE_ERROR_FORMAT,
                          "%s, %zu bytes: %d", name, length, cut.error);
        else
            torture_check(reading_same(&cut, &expected) &&
                              (whole || cut.complaints > expected.complaints || expected.info.live),
                          "%s, %zu bytes: %" PRIu64 " complaints, %" PRIu64 " items", name, length,
                          cut.complaints, cut.items);
        reading_free(&cut);
    }
    reading_free(&expected);
    return readings;
}

static void lengths_of_traces(void) {
    size_t readings = 0;
    torture_fresh_folder();
    for (size_t i = 0; i < sizeof kept / sizeof kept[0] + 2; i++) {
        size_t made_up = sizeof kept / sizeof kept[0];
        struct made trace = i < made_up    ? cli_sample(kept[i])
                            : i == made_up ? sample_of_all(true)
                                           : sample_recorded();
        readings += cut_lengths(i < made_up ? kept[i] : i == made_up ? "all kinds" : "recorded", &trace);
        made_free(&trace);
    }
    note_bounds(readings);
}

/* ---- logs ---- */

struct line {
    size_t begin, end; /* with its newline */
    size_t mark;       /* where its record begins; `end`: it has none */
};

static size_t find_lines(const struct made *log, struct line *lines, size_t most) {
    size_t count = 0;
    for (size_t at = 0; at < log->length && count < most; count++) {
        const unsigned char *newline = memchr(log->bytes + at, '\n', log->length - at);
        size_t end = newline != NULL ? (size_t)(newline - log->bytes) + 1 : log->length;
        const unsigned char *mark = memmem(log->bytes + at, end - at, "PERF_TRACE|", 11);
        lines[count] = (struct line){at, end, mark != NULL ? (size_t)(mark - log->bytes) : end};
        at = end;
    }
    return count;
}

/* Whether what came out of the records of all lines but `hit` comes out here too. */
static bool has_others(const struct reading *reading, const struct reading *whole, const struct line *lines,
                       size_t count, size_t hit) {
    char *at = (char *)whole->text.bytes;
    for (size_t i = 0; i < count; i++) {
        if (lines[i].mark == lines[i].end)
            continue;
        char *end = strchr(at, '\n'), text[1024];
        snprintf(text, sizeof text, "%.*s\n", (int)(end - at), at);
        at = end + 1;
        if (i != hit &&
            (reading->text.length == 0 || strstr((const char *)reading->text.bytes, text) == NULL))
            return false;
    }
    return true;
}

static size_t damage_log(struct made *log) {
    static struct line lines[PARTS_MAX];
    size_t count = find_lines(log, lines, PARTS_MAX), readings = 0, hit = 0;
    struct reading whole = reading_of_bytes(log->bytes, log->length, READING_TEXT | READING_NUMBERS);
    torture_check(count > 4 && whole.complaints == 0 && whole.items > 3, "%s", whole.complaint);
    for (size_t bit = 0; bit < log->length * 8; bit += stride(), readings++) {
        while (bit / 8 >= lines[hit].end)
            hit++;
        log->bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        struct reading flipped = reading_of_bytes(log->bytes, log->length, READING_TEXT | READING_NUMBERS);
        log->bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        look(&flipped, "log", bit);
        bool newline = bit / 8 + 1 == lines[hit].end;
        torture_check(has_others(&flipped, &whole, lines, count, hit),
                      "bit %zu of byte %zu costs another line than %zu", bit % 8, bit / 8, hit + 1);
        /* Behind a backslash, a letter may be of either case. */
        bool of_no_meaning = bit / 8 < lines[hit].mark || newline ||
                             (bit % 8 == 5 && memrchr(log->bytes + bit / 8 - 3, '\\', 3) != NULL);
        torture_check(flipped.complaints > 0 || !reading_same(&flipped, &whole) || of_no_meaning,
                      "bit %zu of byte %zu: nothing has changed, and nothing is told", bit % 8, bit / 8);
        torture_check(flipped.complaints == 0 ||
                          (flipped.complaint_line >= hit + 1 && flipped.complaint_line <= hit + 2 &&
                           flipped.complaint_offset >= lines[hit].begin),
                      "bit %zu of byte %zu, in line %zu: told of line %" PRIu64, bit % 8, bit / 8, hit + 1,
                      flipped.complaint_line);
        reading_free(&flipped);
    }
    for (size_t length = 0, before = 0; length < log->length; length++, readings++) {
        before += before < count && lines[before].end <= length;
        struct reading cut = reading_of_bytes(log->bytes, length, READING_TEXT | READING_NUMBERS);
        look(&cut, "log", length * 8);
        torture_check(cut.error == 0 && has_others(&cut, &whole, lines, before, SIZE_MAX), "%zu bytes",
                      length);
        reading_free(&cut);
    }
    reading_free(&whole);
    return readings;
}

static void bits_and_lengths_of_logs(void) {
    struct made log = sample_log();
    size_t readings = damage_log(&log);
    made_free(&log);
    log = cli_sample("quickstart.log");
    readings += damage_log(&log);
    made_free(&log);
    note_bounds(readings);
}

/* ---- the command ---- */

static const char *const commands[][7] = {
    {"info", "--format", "json", "--sites", "hit"}, {"analyze", "--format", "json", "hit"},
    {"convert", "-t", "chrome", "-o", "-", "hit"},  {"info", "hit"},
    {"convert", "-t", "csv", "-o", "-", "hit"},     {"analyze", "hit"},
    {"convert", "-t", "folded", "-o", "-", "hit"},
};

/* 0: something was read, with a warning where something is wrong. 2: nothing was, and it says why. Never anything else, and
 * JSON is JSON. */
static void run_command(const char *const arguments[], const struct reading *expected, const char *what,
                        size_t bit) {
    struct ran ran = ran_perftrace(arguments, 30);
    bool told = ran.err.length > 0 && strstr((const char *)ran.err.bytes, "perftrace ") != NULL;
    size_t wrong;
    torture_check(ran.status == 0 || ran.status == 2, "%s, bit %zu: %s ends with %d: %s", what, bit,
                  arguments[0], ran.status, ran.err.bytes);
    torture_check(ran.status == 0 ? told == (expected->complaints > 0) : told, "%s, bit %zu: %s says '%s'",
                  what, bit, arguments[0], ran.err.bytes);
    bool empty = expected->info.native && expected->complaints == 0;
    torture_check((ran.status == 0) == (expected->error == 0 && (expected->info.records > 0 || empty)),
                  "%s, bit %zu: %s ends with %d, but %" PRIu64 " records can be read", what, bit,
                  arguments[0], ran.status, expected->info.records);
    bool json =
        arguments[2] != NULL && (strcmp(arguments[2], "json") == 0 || strcmp(arguments[2], "chrome") == 0);
    if (json && ran.status == 0)
        torture_check(json_check((const char *)ran.out.bytes, ran.out.length, &wrong),
                      "%s, bit %zu: %s writes bad JSON", what, bit, arguments[0]);
    ran_free(&ran);
}

static size_t command_on(const char *what, struct made *input, size_t step) {
    size_t runs = 0;
    for (size_t bit = 3; bit < input->length * 8; bit += step, runs++) {
        input->bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        write_bytes("hit", input->bytes, input->length);
        input->bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        struct reading expected = reading_of("hit", 0);
        run_command(commands[runs % (sizeof commands / sizeof commands[0])], &expected, what, bit);
        reading_free(&expected);
    }
    for (size_t length = 0; length < input->length; length += step / 8 + 1, runs++) {
        write_bytes("hit", input->bytes, length);
        struct reading expected = reading_of("hit", 0);
        run_command(commands[runs % (sizeof commands / sizeof commands[0])], &expected, what, length * 8);
        reading_free(&expected);
    }
    return runs;
}

static void the_command(void) {
    size_t runs = 0, step = torture_times(3001, 61);
    torture_fresh_folder();
    struct made samples[] = {sample_of_all(false), sample_recorded(), sample_log(),
                             cli_sample("killed.ptrace")};
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        runs += command_on(i == 2 ? "log" : "trace", &samples[i], i == 2 ? step / 3 : step);
        made_free(&samples[i]);
    }
    torture_note("%zu runs", runs);
}

int main(int argc, char **argv) {
    static const struct torture_case cases[] = {
        {"bits of traces", bits_of_traces},
        {"nothing depends on one block", nothing_depends_on_one_block},
        {"other chunks come out", other_chunks_come_out},
        {"lengths of traces", lengths_of_traces},
        {"bits and lengths of logs", bits_and_lengths_of_logs},
        {"the command", the_command},
    };
    return torture_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
