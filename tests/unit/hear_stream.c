/* What the tests of the stream share. */
#include "hear_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

struct made made;
struct heard heard;
size_t hear_keyed, hear_told;

int hear_set_up(void **state) {
    (void)state;
    heard.length = heard.items = heard.damages = 0;
    heard.text[0] = 0;
    made_header(&made, 1);
    made_process(&made, PERFTRACE_CLOCK_MONOTONIC);
    made_track(&made, 1, PERFTRACE_TRACK_THREAD, "main");
    return 0;
}

int hear_tear_down(void **state) {
    (void)state;
    made_free(&made);
    return 0;
}

void hear_with_ticks(void) {
    made.length = sizeof(struct perftrace_file_header);
    made_process(&made, PERFTRACE_CLOCK_TSC);
    made_track(&made, 1, PERFTRACE_TRACK_THREAD, "main");
    made_site(&made, 1, PERFTRACE_RECORD_EVENT, 0, "e", NULL, 0);
}

struct perftrace_stream *hear_open(void) {
    struct perftrace_stream *stream = perftrace_stream_open(&(struct perftrace_stream_options){
        .on_item = heard_item, .on_damage = heard_damage, .context = &heard});
    assert_non_null(stream);
    return stream;
}

/* The same trace with the items fetched one by one. */
static void fetch_all(struct heard *fetched, uint32_t unwanted) {
    struct perftrace_stream *stream = perftrace_stream_open(&(struct perftrace_stream_options){
        .on_damage = heard_damage, .context = fetched, .unwanted = unwanted});
    const struct perftrace_item *item;
    assert_non_null(stream);
    for (size_t at = sizeof(struct perftrace_file_header); at < made.length;) {
        struct perftrace_block_header header;
        memcpy(&header, made.bytes + at, sizeof header);
        assert_int_equal(perftrace_stream_block(stream, &header, made.bytes + at + sizeof header, at), 0);
        while ((item = perftrace_stream_next(stream)) != NULL)
            heard_item(fetched, item);
        at += sizeof header + header.bytes;
    }
    assert_int_equal(perftrace_stream_finish(stream), 0);
    while ((item = perftrace_stream_next(stream)) != NULL)
        heard_item(fetched, item);
    assert_null(perftrace_stream_next(stream));
    perftrace_stream_close(stream);
}

/* What the calls of a stream are, with the keys of those that have one. */
struct known_call {
    uint64_t key[2];
    char what[200]; /* of what the key stands for */
};
enum { KNOWN_MAX = 4096 };
struct heard_calls {
    struct heard heard;
    size_t keyed, told, known_count;
    struct known_call known[KNOWN_MAX];
};

/* Calls with one key are alike in all that it stands for, and others are not. */
static void check_key(struct heard_calls *calls, const uint64_t key[2], const struct perftrace_call *call) {
    static struct heard values;
    values.length = 0;
    values.text[0] = 0;
    heard_item(&values, &(struct perftrace_item){.kind = PERFTRACE_ITEM_EVENT,
                                                 .site = call->site,
                                                 .value_count = call->parameter_count,
                                                 .values = call->parameters});
    struct known_call known = {.key = {key[0], key[1]}};
    snprintf(known.what, sizeof known.what, "%u %u %.150s", call->site->id,
             call->parent_site == NULL ? 0 : call->parent_site->id, values.text);
    for (size_t i = 0; i < calls->known_count; i++) {
        bool same_key = memcmp(calls->known[i].key, key, sizeof known.key) == 0;
        assert_int_equal(same_key, strcmp(calls->known[i].what, known.what) == 0);
        if (same_key)
            return;
    }
    assert_true(calls->known_count < KNOWN_MAX);
    calls->known[calls->known_count++] = known;
}

static void take_call(struct heard_calls *calls, struct perftrace_stream *stream,
                      struct perftrace_call *call) {
    uint64_t key[2] = {call->key[0], call->key[1]};
    bool keyed = (key[0] | key[1]) != 0;
    assert_true(keyed || !call->brief);
    if (keyed) { /* as one that is known, and then as one that isn't */
        struct perftrace_call whole = *call;
        assert_true(perftrace_stream_fill(stream, call, false));
        size_t metrics = call->metric_count;
        assert_int_equal(call->parameter_count, 0);
        if (whole.key_tells_rest) {
            assert_int_equal(whole.metric_count, metrics);
            calls->told++;
        }
        *call = whole;
        assert_true(perftrace_stream_fill(stream, call, true));
        assert_int_equal(call->metric_count, metrics);
        check_key(calls, key, call);
        calls->keyed++;
    }
    assert_false(call->brief);
    if (!call->async)
        heard_item(&calls->heard, &(struct perftrace_item){.kind = PERFTRACE_ITEM_SPAN_END,
                                                           .time_ns = call->start_ns + call->elapsed_ns,
                                                           .site = call->site,
                                                           .track = call->track,
                                                           .call = call});
}

static void fetch_calls(struct heard_calls *calls) {
    struct perftrace_stream *stream = perftrace_stream_open(&(struct perftrace_stream_options){0});
    struct perftrace_call *some;
    size_t count;
    assert_non_null(stream);
    calls->heard.length = calls->keyed = calls->told = calls->known_count = 0;
    calls->heard.text[0] = 0;
    for (size_t at = sizeof(struct perftrace_file_header); at <= made.length;) {
        struct perftrace_block_header header = {0};
        if (at == made.length) {
            assert_int_equal(perftrace_stream_finish(stream), 0);
        } else {
            memcpy(&header, made.bytes + at, sizeof header);
            assert_int_equal(perftrace_stream_block(stream, &header, made.bytes + at + sizeof header, at), 0);
        }
        while ((count = perftrace_stream_calls(stream, &some)) > 0)
            for (size_t i = 0; i < count; i++)
                take_call(calls, stream, &some[i]);
        at += sizeof header + header.bytes;
    }
    assert_int_equal(perftrace_stream_error(stream), 0);
    perftrace_stream_close(stream);
}

/* Without those of its lines that begin with a letter, or those that don't. */
static void leave_out(struct heard *of, char letter, bool others) {
    char *to = of->text;
    for (const char *line = of->text, *end; *line != 0; line = end) {
        end = strchr(line, '\n') + 1;
        if ((*line == letter) != others)
            continue;
        memmove(to, line, (size_t)(end - line));
        to += end - line;
    }
    *to = 0;
}

const char *hear(struct perftrace_trace_info *info) {
    static const char first[] = "track 1 main\n";
    static struct heard fetched, less;
    static struct heard_calls calls;
    fetched.length = less.length = 0;
    struct perftrace_stream *stream = hear_open();
    assert_int_equal(made_feed(&made, stream), 0);
    assert_int_equal(perftrace_stream_finish(stream), 0);
    if (info != NULL)
        *info = *perftrace_stream_info(stream);
    perftrace_stream_close(stream);
    fetch_all(&fetched, 0);
    assert_string_equal(heard.text, fetched.text);
    fetch_all(&less, PERFTRACE_ITEM_BIT(PERFTRACE_ITEM_SPAN_BEGIN));
    leave_out(&fetched, 'B', false);
    assert_string_equal(less.text, fetched.text);
    fetch_calls(&calls);
    leave_out(&fetched, 'E', true);
    assert_string_equal(calls.heard.text, fetched.text);
    hear_keyed = calls.keyed;
    hear_told = calls.told;
    assert_memory_equal(heard.text, first, sizeof first - 1);
    return heard.text + sizeof first - 1;
}
