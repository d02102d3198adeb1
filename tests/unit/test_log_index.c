/* reader/log_index.c and log_wide.c: both ways to index a log say the same, whatever is in it. */
#include "../../core/text.h"
#include "../../reader/log_line.h"
#include "../../reader/log_wide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t random_state;
static uint64_t below(uint64_t limit) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (random_state >> 33) % limit;
}

/* ---- both ways ------------------------------------------------------------------------------------ */

static struct perftrace_log_index *make_index(bool wide) {
    struct perftrace_log_index *index = aligned_alloc(_Alignof(struct perftrace_log_index), sizeof *index);
    struct perftrace_log_secret *secret = calloc(1, sizeof *secret);
    assert_non_null(index);
    assert_non_null(secret);
    memset(index, 0, sizeof *index);
    perftrace_log_secret_make(secret, wide);
    index->secret = secret;
    return index;
}

static void free_index(struct perftrace_log_index *index) {
    free((void *)(uintptr_t)index->secret);
    free(index);
}

/* Two numbers for each thing, one of each way: when one of them comes again, so must the other. */
struct pairs {
    uint64_t (*list)[2];
    size_t count, capacity;
};

static int compare_pairs(const void *a, const void *b) {
    return memcmp(a, b, sizeof(uint64_t[2]));
}

static void add_pair(struct pairs *pairs, uint64_t one, uint64_t other) {
    if (pairs->count == pairs->capacity) {
        pairs->capacity = pairs->capacity * 2 + 1024;
        pairs->list = realloc(pairs->list, pairs->capacity * sizeof *pairs->list);
        assert_non_null(pairs->list);
    }
    pairs->list[pairs->count][0] = one;
    pairs->list[pairs->count++][1] = other;
}

static void check_pairs(struct pairs *pairs) {
    for (int side = 0; side < 2; side++) {
        qsort(pairs->list, pairs->count, sizeof *pairs->list, compare_pairs);
        for (size_t i = 1; i < pairs->count; i++)
            if (pairs->list[i][0] == pairs->list[i - 1][0])
                assert_int_equal(pairs->list[i][1], pairs->list[i - 1][1]);
        for (size_t i = 0; i < pairs->count; i++) {
            uint64_t one = pairs->list[i][0];
            pairs->list[i][0] = pairs->list[i][1];
            pairs->list[i][1] = one;
        }
    }
    pairs->count = 0;
}

static struct pairs keys, halves, shapes;

static void compare_entries(const struct perftrace_log_index *indexes[2], uint32_t at) {
    const struct perftrace_log_entry *a = &indexes[0]->entries[at], *b = &indexes[1]->entries[at];
    assert_int_equal(a->start, b->start);
    assert_int_equal(a->end, b->end);
    assert_int_equal(a->newlines, b->newlines);
    assert_int_equal(a->keyed, b->keyed);
    if (!a->keyed)
        return;
    assert_int_equal(a->number, b->number);
    assert_int_equal(a->tail, b->tail);
    add_pair(&keys, a->key[0], b->key[0]);
    add_pair(&halves, a->key[1], b->key[1]);
    assert_int_equal(a->plain, b->plain);
    if (!a->plain)
        return;
    assert_int_equal(a->milliseconds, b->milliseconds);
    assert_int_equal(a->elapsed_ns, b->elapsed_ns);
    assert_int_equal(a->parent, b->parent);
    assert_int_equal(a->thread, b->thread);
    assert_int_equal(a->metric_count, b->metric_count);
    assert_memory_equal(&indexes[0]->values[a->first_metric], &indexes[1]->values[b->first_metric],
                        a->metric_count * sizeof(uint64_t));
    add_pair(&shapes, indexes[0]->values[a->first_metric - 1], indexes[1]->values[b->first_metric - 1]);
}

/* The lines of the log that are plain. Each piece is looked through where it ends just before what must not be read. */
static size_t check(const struct perftrace_buffer *log) {
    struct perftrace_log_index *both[2] = {make_index(false), make_index(perftrace_log_wide_usable())};
    const struct perftrace_log_index *indexes[2] = {both[0], both[1]};
    size_t plain = 0;
    for (size_t at = 0; at < log->length;) {
        size_t length = log->length - at < 100000 ? log->length - at : 100000;
        while (length > 1 && at + length < log->length && log->bytes[at + length - 1] != '\n')
            length--;
        char *piece = malloc(length + PERFTRACE_LOG_INDEX_PADDING);
        assert_non_null(piece);
        if (below(3) == 0)
            memset(piece, "\n|=s1\xff"[below(6)], length + PERFTRACE_LOG_INDEX_PADDING);
        else
            for (size_t i = 0; i < length + PERFTRACE_LOG_INDEX_PADDING; i++)
                piece[i] = "PERF_TRACE|1|f|elapsed_ms=1\n"[i % 28];
        memcpy(piece, log->bytes + at, length);
        piece[length] = '\n';
        for (int i = 0; i < 2; i++)
            perftrace_log_index(both[i], piece, (uint32_t)length);
        uint32_t lines = both[0]->count < both[1]->count ? both[0]->count : both[1]->count;
        for (uint32_t line = 0; line < lines; line++) {
            compare_entries(indexes, line);
            plain += both[0]->entries[line].plain;
        }
        /* The lists are not full at the same line. */
        if (both[0]->count == both[1]->count) {
            assert_int_equal(both[0]->used, both[1]->used);
            assert_int_equal(both[0]->newlines, both[1]->newlines);
        }
        assert_true(lines > 0 || both[0]->used == length);
        at += lines == both[0]->count ? both[0]->used : both[1]->used;
        free(piece);
    }
    check_pairs(&keys);
    check_pairs(&halves);
    check_pairs(&shapes);
    free_index(both[0]);
    free_index(both[1]);
    return plain;
}

/* ---- logs ----------------------------------------------------------------------------------------- */

static void add_some(struct perftrace_buffer *log, char what, uint64_t count) {
    while (count-- > 0)
        perftrace_buffer_add(log, &what, 1);
}

/* Mostly as it is written, of any length. */
static void add_number(struct perftrace_buffer *log) {
    static const char digits[] = "12345678909876543210123456789";
    static const char *const others[] = {"0", "00", "007", "-1", "1.5", "x", "", "1x", "18446744073709551616",
                                         ":", "/",  "\x80"};
    if (below(40) == 0)
        perftrace_buffer_text(log, others[below(sizeof others / sizeof *others)]);
    else
        perftrace_buffer_add(log, digits + below(9), 1 + (size_t)(below(4) == 0 ? below(20) : below(9)));
}

static void add_field(struct perftrace_buffer *log) {
    static const char *const names[] = {"found",
                                        "records",
                                        "query_ms",
                                        "a",
                                        "query_single_directory_ms",
                                        "names_of_exactly_thirty_bytes_",
                                        "a_name_that_is_longer_than_thirty_two_bytes",
                                        "parent_call",
                                        "thread",
                                        "elapsed_us",
                                        "elapsed_ms",
                                        "elapsed_ns"};
    perftrace_buffer_text(log, "|");
    perftrace_buffer_text(log, names[below(sizeof names / sizeof *names)]);
    perftrace_buffer_text(log, below(60) == 0 ? "" : "=");
    add_number(log);
}

static void add_line(struct perftrace_buffer *log) {
    if (below(5) == 0)
        add_some(log, "x|=s "[below(5)], below(80));
    perftrace_buffer_text(log, "PERF_TRACE|");
    add_number(log);
    perftrace_buffer_text(log, "|f");
    add_some(log, 'f', below(30));
    for (uint64_t fields = below(below(20) == 0 ? 40 : 4); fields > 0; fields--) {
        static const char *const keys_as_others[] = {
            "|part_id=p", "|entry_names=", "|elapsed_mss=", "|elapsed_m=s=", "|k=\\x7c"};
        perftrace_buffer_text(log, keys_as_others[below(sizeof keys_as_others / sizeof *keys_as_others)]);
        add_some(log, "vs="[below(3)], below(40));
    }
    perftrace_buffer_text(log, below(50) == 0 ? "|elapsed_mt=" : "|elapsed_ms=");
    uint64_t ms = below(100);
    if (below(4) == 0)
        add_number(log);
    else
        perftrace_buffer_unsigned(log, ms);
    for (uint64_t fields = below(50) == 0 ? below(90) : 0; fields > 0; fields--)
        perftrace_buffer_text(log, "|m=1");
    for (uint64_t fields = below(4); fields > 0; fields--)
        add_field(log);
    if (below(3) != 0) {
        perftrace_buffer_text(log, "|elapsed_us=");
        perftrace_buffer_unsigned(log, ms * 1000 + (below(20) == 0 ? 999 + below(3) : below(1000)));
        perftrace_buffer_text(log, "|parent_call=");
        add_number(log);
        perftrace_buffer_text(log, "|thread=");
        perftrace_buffer_unsigned(log, below(20));
    }
    perftrace_buffer_text(log, below(10) == 0 ? "\r\n" : below(40) == 0 ? "\r" : "\n");
}

static void any_lines(void **state) {
    (void)state;
    struct perftrace_buffer log = {0};
    size_t plain = 0, lines = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        random_state = seed;
        log.length = 0;
        for (uint64_t count = 1500; count > 0; count--, lines++) {
            add_line(&log);
            if (seed % 4 == 0 && below(3) == 0)
                log.bytes[log.length - 1 - below(log.length < 300 ? log.length : 300)] =
                    (char)(below(2) == 0 ? below(256) : (uint64_t) "\n|=\r09s"[below(7)]);
            if (seed % 4 == 1 && below(6) == 0)
                log.length -= (size_t)below(log.length < 150 ? log.length : 150);
        }
        plain += check(&log);
    }
    assert_true(plain > lines / 10 && plain < lines);
    free(log.bytes);
}

/* Lines as they are usually written are not given to log_index.c, which would not keep what is no metric among the values. */
static void usual_lines_go_quickly(void **state) {
    (void)state;
    static const char *const usual[] = {
        "PERF_TRACE|12345678|q|k=v|elapsed_ms=10|m=0|n=12345678|elapsed_us=10999|parent_call=0|thread=7\n",
        "PERF_TRACE|0||elapsed_ms=0\n",
        "PERF_TRACE|9|f|caller=unknown|elapsed_ms=0|m=123456789012345678\r\n",
    };
    if (!perftrace_log_wide_usable())
        skip();
    struct perftrace_log_index *index = make_index(true);
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        char piece[1000] = {0};
        size_t length = strlen(usual[i]);
        memcpy(piece, usual[i], length);
        piece[length] = '\n';
        for (int pass = 0; pass < 2; pass++) /* in the first one its fields are learnt */
            perftrace_log_index(index, piece, (uint32_t)length);
        assert_int_equal(index->count, 1);
        assert_true(index->entries[0].plain);
        assert_int_equal(index->value_count, 2 + index->entries[0].metric_count);
    }
    free_index(index);
}

/* A key of each length is another, whether it ends in zeros or not; and so is each that differs in one byte. */
static void keys_tell_apart(void **state) {
    (void)state;
    if (!perftrace_log_wide_usable())
        skip();
    struct perftrace_log_secret *secret = calloc(1, sizeof *secret);
    assert_non_null(secret);
    perftrace_log_secret_make(secret, true);
    static char text[PERFTRACE_LOG_KEY_MAX + PERFTRACE_LOG_INDEX_PADDING];
    enum { LENGTHS = PERFTRACE_LOG_KEY_MAX + 1 };
    static uint64_t made[2 * LENGTHS][2];
    size_t count = 0;
    for (size_t length = 0; length < LENGTHS; length++, count++) {
        perftrace_log_wide_key(secret, text, length, made[count]);
        memset(text + length, 'x', sizeof text - length); /* what stands behind does not matter */
        uint64_t again[2];
        perftrace_log_wide_key(secret, text, length, again);
        assert_memory_equal(again, made[count], sizeof again);
        memset(text + length, 0, sizeof text - length);
    }
    for (size_t place = 0; place < PERFTRACE_LOG_KEY_MAX; place++, count++) {
        text[place] = 1;
        perftrace_log_wide_key(secret, text, PERFTRACE_LOG_KEY_MAX, made[count]);
        text[place] = 0;
    }
    qsort(made, count, sizeof *made, compare_pairs);
    for (size_t i = 1; i < count; i++)
        assert_true(made[i][0] != made[i - 1][0] && made[i][1] != made[i - 1][1]);
    free(secret);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_lines),
        cmocka_unit_test(usual_lines_go_quickly),
        cmocka_unit_test(keys_tell_apart),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(keys.list);
    free(halves.list);
    free(shapes.list);
    return failed;
}
