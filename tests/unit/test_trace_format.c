/* The hex dump in docs/trace_format.md is a trace: byte for byte what is made here, and readable. */
#include "make_trace.h"

#include "../../include/perftrace_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* The trace that the document shows. */
static void make(struct made *made) {
    const struct made_argument part = {"part", PERFTRACE_TYPE_TEXT, PERFTRACE_ROLE_PARAMETER};
    const uint64_t words[] = {BEGIN(1, 0, 10), 4, made_text("root"), END(1, 0, 1500010)};
    made_header(made, 0x5a);
    made_process(made, PERFTRACE_CLOCK_TSC);
    made_clock(made, 1000000, 5000000);
    made_track(made, 1, PERFTRACE_TRACK_THREAD, "main");
    made_site(made, 1, PERFTRACE_RECORD_BEGIN, PERFTRACE_PHASE_NONE, "load", &part, 1);
    made_chunk(made, 1, 0, 0, 1000000, WORDS(words));
    made_clock(made, 3000000, 6000000);
    made_sync(made, 2900000);
    made_end(made, 2);
}

/* The bytes of the lines "OFFSET  HH HH … | meaning" in the document. */
static void read_document(struct made *shown) {
    char path[4096], line[512];
    const char *source = getenv("PERFTRACE_SOURCE");
    snprintf(path, sizeof path, "%s/docs/trace_format.md", source == NULL ? "." : source);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    shown->bytes = malloc(shown->capacity = 4096);
    assert_non_null(shown->bytes);
    while (fgets(line, sizeof line, file) != NULL) {
        char *at;
        unsigned long offset = strtoul(line, &at, 16);
        if (at != line + 8 || strncmp(at, "  ", 2) != 0)
            continue;
        assert_int_equal(offset, shown->length);
        for (;;) {
            char *end;
            unsigned long byte = strtoul(at, &end, 16);
            if (end == at)
                break;
            assert_true(shown->length < shown->capacity);
            shown->bytes[shown->length++] = (unsigned char)byte;
            at = end;
        }
        while (*at == ' ')
            at++;
        assert_int_equal(*at, '|');
    }
    fclose(file);
}

static void the_dump_is_what_the_code_makes(void **state) {
    (void)state;
    struct made made = {0}, shown = {0};
    make(&made);
    read_document(&shown);
    assert_int_equal(shown.length, made.length);
    assert_memory_equal(shown.bytes, made.bytes, made.length);
    made_free(&made);
    made_free(&shown);
}

static void the_dump_is_what_the_code_reads(void **state) {
    (void)state;
    struct made shown = {0};
    static struct heard heard;
    char path[] = "/tmp/perftrace-format-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    read_document(&shown);
    assert_int_equal(write(fd, shown.bytes, shown.length), shown.length);
    close(fd);
    struct perftrace_reader *reader = perftrace_reader_open(path, NULL, NULL);
    assert_non_null(reader);
    for (const struct perftrace_item *item; (item = perftrace_reader_next(reader)) != NULL;)
        heard_item(&heard, item);
    assert_string_equal(heard.text,
                        "track 1 main\nB1 load@5000005 d0 <unknown part='root'\n"
                        "E1 load@5750005 750000-0 part='root'\n");
    assert_true(perftrace_reader_info(reader)->finished);
    assert_false(perftrace_reader_info(reader)->damaged);
    perftrace_reader_close(reader);
    unlink(path);
    made_free(&shown);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_dump_is_what_the_code_makes),
                                       cmocka_unit_test(the_dump_is_what_the_code_reads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
