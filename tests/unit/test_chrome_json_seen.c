/* reader/chrome_json_seen.c, chrome_json_names.c: args and names that come again, word for word, give the same items as those that are
 * read each time, and are only taken for known where they are. */
#define _GNU_SOURCE /* memfd_create */
#include "../../core/text.h"
#include "../../reader/chrome_json.h"
#include "../../reader/chrome_json_names.h"
#include "../../reader/chrome_json_seen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static void on_damage(void *context, const struct perftrace_error_info *what) {
    struct perftrace_buffer *text = context;
    perftrace_buffer_text(text, "damage: ");
    perftrace_buffer_text(text, what->message);
    perftrace_buffer_text(text, "\n");
}

static void add_values(struct perftrace_buffer *text, size_t count, const struct perftrace_value *values) {
    for (size_t i = 0; i < count; i++) {
        perftrace_buffer_text(text, values[i].argument->metric ? " m:" : " p:");
        perftrace_buffer_text(text, values[i].argument->name.bytes);
        perftrace_buffer_text(text, "=");
        perftrace_buffer_unsigned(text, values[i].type);
        perftrace_buffer_value(text, &values[i]);
    }
}

/* All that the reader says: a line for each item, and for what it complains of. */
static struct perftrace_buffer read_all(const struct perftrace_buffer *file) {
    struct perftrace_buffer text = {0};
    struct perftrace_reader_options options = {.on_damage = on_damage, .context = &text};
    struct perftrace_error_info error;
    int fd = memfd_create("json", MFD_CLOEXEC);
    assert_true(fd >= 0 && write(fd, file->bytes, file->length) == (ssize_t)file->length &&
                lseek(fd, 0, SEEK_SET) == 0);
    struct perftrace_chrome_json *json = perftrace_chrome_json_open(fd, "", 0, UINT64_MAX, &options, &error);
    assert_non_null(json);
    const struct perftrace_item *item;
    while ((item = perftrace_chrome_json_next(json)) != NULL) {
        perftrace_buffer_unsigned(&text, item->kind);
        perftrace_buffer_text(&text, " ");
        perftrace_buffer_text(&text, item->site == NULL ? "" : item->site->name.bytes);
        if (item->call != NULL) {
            add_values(&text, item->call->parameter_count, item->call->parameters);
            add_values(&text, item->call->metric_count, item->call->metrics);
        } else {
            add_values(&text, item->value_count, item->values);
        }
        perftrace_buffer_text(&text, "\n");
    }
    perftrace_chrome_json_close(json);
    perftrace_buffer_add(&text, "", 1);
    return text;
}

/* Args without the brace that ends them, mostly. */
static const char *const args[] = {
    "{\"a\":1",
    "{\"a\":1.0",
    "{\"a\":\"1\"",
    "{\"b\":1",
    "{\"a\":1,\"a\":2",
    "{\"data\":{\"url\":\"x}]\\\"{\",\"n\":[1,{\"k\":null}]},\"t\":true",
    "{\"s\":\"\\u00e9\\\\\",\"n\":null",
    "{\"a\" 1",         /* makes no sense, however often it stands there */
    "{\"o\":{\"k\":1]", /* likewise */
    "{\"unfinished\":true,\"p\":3",
    "{\"one\":1,\"two\":2,\"three\":3",
};
enum { ARGS = sizeof args / sizeof *args, EVENTS = 24000 };

/* With `again`, args that are the same are so word for word; otherwise white space tells each from all others. */
static struct perftrace_buffer write_events(bool again, bool damage) {
    struct perftrace_buffer file = {0};
    uint64_t state = 1;
    perftrace_buffer_text(&file, "[");
    for (unsigned i = 0; i < EVENTS; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        unsigned which = (unsigned)(state >> 33) % ARGS, name = (unsigned)(state >> 40) % 3,
                 kind = (unsigned)(state >> 50) % 4;
        if ((which == 7 || which == 8) && (!damage || i % 64 != 0))
            which = 0;
        char event[400], spaces[18] = "";
        for (unsigned bit = 0; !again && bit < 16; bit++)
            spaces[bit] = i >> bit & 1 ? ' ' : '\t';
        static const char *const phases[] = {"\"X\",\"dur\":1", "\"i\"", "\"B\"",
                                             "\"X\",\"metrics\":1,\"dur\":1"};
        snprintf(event, sizeof event, "{\"name\":\"f%u\",\"ts\":%u,\"ph\":%s,\"args\":%s%s}}%s\n", name,
                 10 * i, phases[kind], args[which], spaces, i + 1 < EVENTS ? "," : "]");
        perftrace_buffer_text(&file, event);
        if (kind != 2)
            continue;
        snprintf(event, sizeof event, "{\"ph\":\"E\",\"ts\":%u,\"name\":\"f%u\",\"args\":%s%s}},", 10 * i + 5,
                 name, args[which == 7 || which == 8 ? 0 : which], spaces);
        perftrace_buffer_text(&file, event);
    }
    perftrace_buffer_text(&file, "{\"ph\":\"i\",\"name\":\"last\",\"ts\":9999999}");
    return file;
}

static void the_same_as_read_each_time(void **state) {
    (void)state;
    struct perftrace_buffer file = write_events(true, false), other = write_events(false, false);
    struct perftrace_buffer known = read_all(&file), anew = read_all(&other);
    assert_string_equal(known.bytes, anew.bytes);
    assert_non_null(strstr(known.bytes, " p:data="));
    assert_non_null(strstr(known.bytes, " m:data="));
    free(known.bytes);
    free(anew.bytes);
    free(file.bytes);
    free(other.bytes);
}

/* What makes no sense is never known. */
static void damage_each_time(void **state) {
    (void)state;
    struct perftrace_buffer file = write_events(true, true);
    struct perftrace_buffer text = read_all(&file);
    unsigned damaged = 0, told = 0;
    for (const char *at = file.bytes; (at = strstr(at, "{\"a\" 1")) != NULL; at++)
        damaged++;
    for (const char *at = file.bytes; (at = strstr(at, "\"k\":1]")) != NULL; at++)
        damaged++;
    for (const char *at = text.bytes; (at = strstr(at, "makes no sense")) != NULL; at++)
        told++;
    assert_true(damaged > 20);
    assert_int_equal(told, damaged);
    assert_non_null(strstr(text.bytes, " last\n"));
    free(text.bytes);
    free(file.bytes);
}

/* Known are those that were noted, for one site and as what they are there; asking stops where it finds too little. */
static void places(void **state) {
    (void)state;
    struct perftrace_json_seen seen = {.secret = {1, 2}, .arena = {.bytes_max = 1 << 20}};
    const struct perftrace_json_site *a = (const void *)&seen.secret[0], *b = (const void *)&seen.secret[1];
    uint64_t hash[2], other[2];
    assert_true(perftrace_json_seen_pays(&seen));
    assert_null(perftrace_json_seen_find(&seen, "{\"x\":1}", 7, hash));
    assert_null(perftrace_json_seen_place(&seen, hash, a, false));
    assert_non_null(perftrace_json_seen_find(&seen, "{\"x\":1}", 7, hash));
    assert_null(perftrace_json_seen_find(&seen, "{\"x\":2}", 7, other));
    struct perftrace_json_seen_args *place = perftrace_json_seen_place(&seen, hash, a, false);
    assert_non_null(place);
    assert_null(perftrace_json_seen_place(&seen, hash, b, false));
    assert_null(perftrace_json_seen_place(&seen, hash, a, true));
    assert_ptr_equal(perftrace_json_seen_place(&seen, hash, a, false), place);
    unsigned asked = 0;
    while (perftrace_json_seen_pays(&seen) && asked < 100000)
        asked++;
    assert_true(asked > 1000 && asked < 100000);
    while (!perftrace_json_seen_pays(&seen) && asked < 1000000)
        asked++;
    assert_true(asked < 1000000);
    perftrace_json_seen_free(&seen);
}

/* Each of their bytes tells text from others. */
static void each_byte_counts(void **state) {
    (void)state;
    struct perftrace_json_seen seen = {.secret = {3, 4}, .arena = {.bytes_max = 1 << 20}};
    const struct perftrace_json_site *site = (const void *)&seen.secret[0];
    char text[140];
    uint64_t hash[2], other[2];
    memset(text, 'a', sizeof text);
    assert_true(perftrace_json_seen_pays(&seen));
    for (size_t length = 1; length <= sizeof text; length++) {
        assert_null(perftrace_json_seen_find(&seen, text, length, hash));
        assert_null(perftrace_json_seen_place(&seen, hash, site, false));
        for (size_t at = 0; at < length; at++) {
            text[at] = 'b';
            assert_null(perftrace_json_seen_find(&seen, text, length, other));
            assert_true(hash[0] != other[0] && hash[1] != other[1]);
            text[at] = 'a';
        }
        assert_non_null(perftrace_json_seen_find(&seen, text, length, hash));
    }
    perftrace_json_seen_free(&seen);
}

/* And one text from another; what stands behind it does not count. */
static void each_byte_of_a_text_counts(void **state) {
    (void)state;
    char one[64], other[64];
    memset(one, 'a', sizeof one);
    memset(other, 'a', sizeof other);
    for (uint32_t length = 0; length <= 40; length++)
        for (uint32_t at = 0; at < length + 8; at++) {
            struct perftrace_json_text a = {.bytes = one, .length = length},
                                       b = {.bytes = other, .length = length};
            other[at] = 'b';
            assert_int_equal(perftrace_json_same(&a, &b), at >= length);
            other[at] = 'a';
        }
}

static struct perftrace_json_text text_of(const char *bytes) {
    return (struct perftrace_json_text){.bytes = bytes, .length = (uint32_t)strlen(bytes), .quoted = true};
}

/* Sites are told apart by all that they are, also where their names look alike. */
static void names_that_look_alike(void **state) {
    (void)state;
    static const struct {
        uint8_t kind, phase;
        char name[40], category[40];
    } asked[] = {
        {1, 0, "", "c"},
        {1, 0, "f", "c"},
        {1, 0, "f", "d"},
        {2, 0, "f", "c"},
        {2, 1, "f", "c"},
        {1, 0, "eight___", "c"},
        {1, 0, "eight____", "c"},
        {1, 0, "the same |one| the same", "c"},
        {1, 0, "the same |two| the same", "c"},
        {1, 0, "the same |two| the same", "a longer category"},
        {1, 0, "the same |two| the same", "a longer_category"},
        {1, 0, "the same |two| the samf", "a longer_category"},
    };
    enum { ASKED = sizeof asked / sizeof *asked };
    struct perftrace_budget budget = {.max = 1 << 24};
    struct perftrace_json_names names;
    const struct perftrace_json_site *sites[ASKED];
    const struct perftrace_json_text none = text_of("\0\0\0\0\0\0\0");
    assert_true(perftrace_json_names_open(&names, &budget, 1 << 20));
    for (unsigned turn = 0; turn < 3; turn++)
        for (unsigned i = 0; i < ASKED; i++) {
            struct perftrace_json_text name = text_of(asked[i].name), category = text_of(asked[i].category);
            const struct perftrace_json_site *site =
                perftrace_json_names_site(&names, asked[i].kind, asked[i].phase, &name, &category, &none);
            assert_non_null(site);
            assert_string_equal(site->info.name.bytes, asked[i].name);
            assert_string_equal(site->info.target.bytes, asked[i].category);
            assert_true(site->info.kind == asked[i].kind && site->info.phase == asked[i].phase);
            assert_true(turn == 0 || site == sites[i]);
            sites[i] = site;
        }
    assert_int_equal(names.site_count, ASKED);
    perftrace_json_names_free(&names);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_as_read_each_time),
        cmocka_unit_test(damage_each_time),
        cmocka_unit_test(places),
        cmocka_unit_test(each_byte_counts),
        cmocka_unit_test(each_byte_of_a_text_counts),
        cmocka_unit_test(names_that_look_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
