/* reader/chrome_json_text.c, chrome_json_event.c: what is gone over many bytes at a time, or taken for what came last, is the same as
 * looked at byte by byte. */
#include "../../reader/chrome_json_event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static uint64_t random_below(uint64_t *state, uint64_t limit) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*state >> 33) % limit;
}

/* As perftrace_json_skip_nested, of texts that are less than 64 levels deep. */
static enum perftrace_json_step step_over(const char **at, const char *end) {
    char open[64];
    unsigned depth = 0;
    bool in_string = false;
    for (const char *here = *at; here < end; here++) {
        if (in_string && *here == '\\') {
            here++;
            continue;
        }
        if (in_string) {
            in_string = *here != '"';
            continue;
        }
        in_string = *here == '"';
        if (*here == '{' || *here == '[')
            open[depth++] = *here;
        if (*here != '}' && *here != ']')
            continue;
        *at = here;
        if (open[--depth] + 2 != *here)
            return PERFTRACE_JSON_WRONG;
        *at = here + 1;
        if (depth == 0)
            return PERFTRACE_JSON_FINE;
    }
    *at = end;
    return PERFTRACE_JSON_MORE;
}

/* A text with brackets in and outside strings, which are mostly closed by those that fit. */
static size_t make_text(uint64_t *state, char *text, size_t length_max) {
    static const char bytes[] = "\"\"\"\\\\ab,:{[";
    char open[64] = {'{'};
    unsigned depth = 1;
    size_t length = 1;
    bool in_string = false;
    text[0] = '{';
    while (length < length_max && depth > 0) {
        char byte = bytes[random_below(state, sizeof bytes - 1)];
        if (random_below(state, 6) == 0)
            byte = random_below(state, 40) == 0 ? ']' : (char)(open[depth - 1] + 2);
        if (random_below(state, 3) == 0)
            byte = 'x';
        if (byte == '\\' && !in_string) /* where none has a meaning */
            byte = 'z';
        if (depth >= 60 && (byte == '{' || byte == '['))
            byte = 'y';
        text[length++] = byte;
        if (in_string && byte == '\\' && length < length_max)
            text[length++] = "\"\\{"[random_below(state, 3)];
        else if (byte == '"')
            in_string = !in_string;
        else if (!in_string && (byte == '{' || byte == '['))
            open[depth++] = byte;
        else if (!in_string && (byte == '}' || byte == ']'))
            depth--;
    }
    return length;
}

static void nested_values_are_stepped_over(void **state) {
    (void)state;
    enum { ROUNDS = 40000, LENGTH_MAX = 400 };
    static char text[64 + LENGTH_MAX + PERFTRACE_JSON_PADDING];
    unsigned ended[3] = {0};
    uint64_t random = 7;
    for (unsigned round = 0; round < ROUNDS; round++) {
        memset(text, 0, sizeof text);
        char *first = text + random_below(&random, 64);
        size_t length = make_text(&random, first, 1 + random_below(&random, LENGTH_MAX));
        const char *end = first + length, *wanted = first, *wide = first, *narrow = first;
        enum perftrace_json_step step = step_over(&wanted, end);
        assert_int_equal(perftrace_json_skip_nested(&wide, end), step);
        assert_int_equal(perftrace_json_skip_narrow(&narrow, end), step);
        assert_ptr_equal(wide, wanted);
        assert_ptr_equal(narrow, wanted);
        ended[step]++;
    }
    for (unsigned step = 0; step < 3; step++)
        assert_true(ended[step] > ROUNDS / 100);
}

/* Events whose ids are those of others, or only look like them. */
static void ids_that_come_again(void **state) {
    (void)state;
    static const char *const values[] = {"1",
                                         "12",
                                         "123",
                                         "1 ",
                                         "-1",
                                         "1.5",
                                         "\"1\"",
                                         "0x1",
                                         "12345678",
                                         "12345678901234",
                                         "12345678901235",
                                         "123456789012345",
                                         "null"};
    enum { VALUES = sizeof values / sizeof *values, EVENTS = 20000 };
    struct perftrace_json_ids ids = {0};
    struct {
        uint64_t ids;
        char pid[20], tid[20];
    } last = {0};
    unsigned same = 0;
    uint64_t random = 3;
    for (unsigned i = 0; i < EVENTS; i++) {
        char text[200 + PERFTRACE_JSON_PADDING] = "";
        static const char *pid = "1", *tid = "12";
        bool twice = random_below(&random, 8) == 0;
        pid = random_below(&random, 3) == 0 ? values[random_below(&random, VALUES)] : pid;
        tid = random_below(&random, 3) == 0 ? values[random_below(&random, VALUES)] : tid;
        int length = snprintf(text, 200, "{\"pid\":%s,\"ph\":\"X\",\"tid\":%s%s%s}",
                              twice ? values[random_below(&random, VALUES)] : pid, tid,
                              twice ? ",\"pid\":" : "", twice ? pid : "");
        const char *at = text, *end = text + length;
        struct perftrace_json_event event, alone;
        assert_int_equal(perftrace_json_event_read(&at, end, &ids, NULL, &event), PERFTRACE_JSON_FINE);
        assert_ptr_equal(at, end);
        at = text;
        perftrace_json_event_read(&at, end, &(struct perftrace_json_ids){0}, NULL, &alone);
        assert_true(perftrace_json_same(&event.pid, &alone.pid) && event.pid.bytes == alone.pid.bytes);
        assert_true(perftrace_json_same(&event.tid, &alone.tid) && event.tid.bytes == alone.tid.bytes);
        assert_true(event.pid.quoted == alone.pid.quoted && event.tid.quoted == alone.tid.quoted);
        size_t pid_length = strcspn(pid, " \""), tid_length = strcspn(tid, " \"");
        if (*pid != '"' && *tid != '"') {
            assert_true(event.pid.length == pid_length && memcmp(event.pid.bytes, pid, pid_length) == 0);
            assert_true(event.tid.length == tid_length && memcmp(event.tid.bytes, tid, tid_length) == 0);
        }
        if (event.ids != 0 && event.ids == last.ids) {
            assert_string_equal(last.pid, pid);
            assert_string_equal(last.tid, tid);
            same++;
        }
        last.ids = event.ids;
        snprintf(last.pid, sizeof last.pid, "%s", pid);
        snprintf(last.tid, sizeof last.tid, "%s", tid);
    }
    assert_true(same > EVENTS / 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nested_values_are_stepped_over),
        cmocka_unit_test(ids_that_come_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
