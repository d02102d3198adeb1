/* Chrome JSON in as little memory as a reader can be told to take: it stays within that, and each event is handed out or counted as lost. */
#define _GNU_SOURCE /* memfd_create */
#include "../../core/text.h"
#include "../../include/perftrace_reader.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { MANY = 120000, SLACK_BYTES = 1 << 20 };

/* What came of a text. */
struct outcome {
    uint64_t calls, unfinished, left_out,
        others; /* left_out: what the complaints add up to; others: complaints of something else */
    char other[256];
    size_t taken_bytes; /* from malloc, at most */
};

static void on_damage(void *context, const struct perftrace_error_info *what) {
    struct outcome *outcome = context;
    if (strstr(what->message, "left out") != NULL) {
        bool many = what->message[0] >= '0' && what->message[0] <= '9';
        outcome->left_out += many ? strtoull(what->message, NULL, 10) : 1;
        return;
    }
    outcome->others++;
    snprintf(outcome->other, sizeof outcome->other, "%s", what->message);
}

/* 0 under a sanitizer, which has a malloc of its own. */
static size_t in_use(void) {
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void see_memory(struct outcome *outcome, size_t before) {
    size_t now = in_use();
    if (now > before && now - before > outcome->taken_bytes)
        outcome->taken_bytes = now - before;
}

static void see_call(struct outcome *outcome, const struct perftrace_call *call) {
    outcome->calls++;
    outcome->unfinished += call->unfinished;
}

static void read_all(struct perftrace_reader *reader, bool by_items, struct outcome *outcome, size_t before) {
    const struct perftrace_item *item;
    struct perftrace_call *calls;
    size_t count;
    for (uint64_t i = 0; by_items && (item = perftrace_reader_next(reader)) != NULL; i++) {
        if (item->kind == PERFTRACE_ITEM_SPAN_END || item->kind == PERFTRACE_ITEM_ASYNC_END)
            see_call(outcome, item->call);
        if (i % 64 == 0)
            see_memory(outcome, before);
    }
    while (!by_items && (count = perftrace_reader_calls(reader, &calls)) > 0) {
        see_memory(outcome, before);
        for (size_t i = 0; i < count; i++)
            see_call(outcome, &calls[i]);
    }
    see_memory(outcome, before);
}

/* By items and by calls, which say the same. */
static struct outcome read_text(const struct perftrace_buffer *text) {
    struct outcome outcomes[2] = {0};
    char path[64];
    int fd = memfd_create("json", MFD_CLOEXEC);
    assert_true(fd >= 0 && write(fd, text->bytes, text->length) == (ssize_t)text->length);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    for (int by_items = 0; by_items < 2; by_items++) {
        struct perftrace_reader_options options = {
            .on_damage = on_damage, .context = &outcomes[by_items], .bytes_max = 1};
        size_t before = in_use();
        struct perftrace_reader *reader = perftrace_reader_open(path, &options, NULL);
        assert_non_null(reader);
        read_all(reader, by_items, &outcomes[by_items], before);
        assert_null(perftrace_reader_error(reader));
        bool lost =
            outcomes[by_items].left_out > 0 || strstr(outcomes[by_items].other, "longer than") != NULL;
        assert_int_equal(perftrace_reader_info(reader)->damaged, lost);
        perftrace_reader_close(reader);
        assert_true(outcomes[by_items].taken_bytes <= PERFTRACE_READER_BYTES_MIN + SLACK_BYTES);
    }
    close(fd);
    assert_int_equal(outcomes[0].calls, outcomes[1].calls);
    assert_int_equal(outcomes[0].unfinished, outcomes[1].unfinished);
    assert_int_equal(outcomes[0].left_out, outcomes[1].left_out);
    assert_int_equal(outcomes[0].others, outcomes[1].others);
    return outcomes[0];
}

static void add_event(struct perftrace_buffer *text, char phase, unsigned name, unsigned long ts,
                      const char *more) {
    char event[256];
    snprintf(event, sizeof event, "%s{\"ph\":\"%c\",\"pid\":1,\"tid\":1,\"name\":\"f%u\",\"ts\":%lu%s}",
             text->length == 0 ? "[" : ",\n", phase, name, ts, more);
    perftrace_buffer_text(text, event);
}

static struct outcome finish(struct perftrace_buffer *text) {
    perftrace_buffer_text(text, "]");
    assert_false(text->failed);
    struct outcome outcome = read_text(text);
    free(text->bytes);
    return outcome;
}

static void backwards_in_time(void **state) {
    (void)state;
    struct perftrace_buffer text = {0};
    for (unsigned i = 0; i < MANY; i++)
        add_event(&text, 'X', i % 7, 10ul * (MANY - i), ",\"dur\":3,\"args\":{\"id\":1}");
    struct outcome outcome = finish(&text);
    assert_int_equal(outcome.calls, MANY);
    assert_int_equal(outcome.left_out, 0);
    assert_int_equal(outcome.others, 1);
    assert_non_null(strstr(outcome.other, "too far from their place"));
}

static void begun_and_never_ended(void **state) {
    (void)state;
    for (int async = 0; async < 2; async++) {
        struct perftrace_buffer text = {0};
        for (unsigned i = 0; i < MANY; i++) {
            char id[64];
            snprintf(id, sizeof id, ",\"cat\":\"c\",\"id\":%u", i);
            add_event(&text, async ? 'b' : 'B', i % 7, i, async ? id : "");
        }
        struct outcome outcome = finish(&text);
        assert_true(outcome.calls > 1000 && outcome.left_out > 1000);
        assert_int_equal(outcome.calls + outcome.left_out, MANY);
        assert_int_equal(outcome.unfinished, outcome.calls);
        assert_true(outcome.others == 0 || strstr(outcome.other, "too far from their place") != NULL);
    }
}

/* Too deep to be kept: the ends of what was left out, as it came or when it was handed out, belong to nothing. */
static void deeper_than_there_is_room_for(void **state) {
    (void)state;
    struct perftrace_buffer text = {0};
    for (unsigned i = 0; i < 2 * MANY; i++) {
        unsigned level = i < MANY ? i : 2 * MANY - 1 - i;
        char arguments[64];
        snprintf(arguments, sizeof arguments, ",\"args\":{\"id\":%u}", level);
        add_event(&text, i < MANY ? 'B' : 'E', level % 7, i, i < MANY ? arguments : "");
    }
    struct outcome outcome = finish(&text);
    assert_true(outcome.calls > 1000 && outcome.calls < MANY);
    assert_true(outcome.left_out >= MANY - outcome.calls && outcome.left_out <= 2 * (MANY - outcome.calls));
}

/* As many names as that, and far more of them than there is memory for. */
static void more_names_than_there_is_room_for(void **state) {
    (void)state;
    struct perftrace_buffer text = {0};
    for (unsigned i = 0; i < MANY; i++)
        add_event(&text, 'X', i, i, ",\"dur\":1");
    struct outcome outcome = finish(&text);
    assert_true(outcome.calls > 1000 && outcome.left_out > 1000);
    assert_int_equal(outcome.calls + outcome.left_out, MANY);
}

static void an_event_that_is_too_long(void **state) {
    (void)state;
    struct perftrace_buffer text = {0};
    add_event(&text, 'X', 1, 1, ",\"dur\":1");
    perftrace_buffer_text(
        &text, ",{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"name\":\"long\",\"ts\":2,\"args\":{\"text\":\"");
    for (unsigned i = 0; i < 100000; i++)
        perftrace_buffer_text(&text, "0123456789");
    perftrace_buffer_text(&text, "\"}}");
    add_event(&text, 'X', 2, 3, ",\"dur\":1");
    struct outcome outcome = finish(&text);
    assert_int_equal(outcome.calls, 2);
    assert_non_null(strstr(outcome.other, "is longer than 256 KiB"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backwards_in_time),
        cmocka_unit_test(begun_and_never_ended),
        cmocka_unit_test(deeper_than_there_is_room_for),
        cmocka_unit_test(more_names_than_there_is_room_for),
        cmocka_unit_test(an_event_that_is_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
