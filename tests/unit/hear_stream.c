/* What the tests of the stream share. */
#include "hear_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

struct made made;
struct heard heard;

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

/* Without those of its lines that begin with a letter. */
static void leave_out(struct heard *of, char letter) {
    char *to = of->text;
    for (const char *line = of->text, *end; *line != 0; line = end) {
        end = strchr(line, '\n') + 1;
        if (*line == letter)
            continue;
        memmove(to, line, (size_t)(end - line));
        to += end - line;
    }
    *to = 0;
}

const char *hear(struct perftrace_trace_info *info) {
    static const char first[] = "track 1 main\n";
    static struct heard fetched, less;
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
    leave_out(&fetched, 'B');
    assert_string_equal(less.text, fetched.text);
    assert_memory_equal(heard.text, first, sizeof first - 1);
    return heard.text + sizeof first - 1;
}
