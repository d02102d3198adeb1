/* Writes the traces in this folder: make_traces FOLDER. They are kept in the repository, because they also show that traces
 * of version 1 stay readable. Compiled with tests/unit/make_trace.c and core/. */
#include "../../unit/make_trace.h"

#include <stdio.h>
#include <stdlib.h>

enum { LOAD = 1, EXISTS, QUERY, STARTED, ALIVE, FRAME };
enum { MAIN = 1, WORKER, QUEUE };
#define MILLISECONDS(n) ((uint32_t)((n)*1000000))

static void begin(struct made *made) {
    static const struct made_argument part[] = {{"part_id", PERFTRACE_TYPE_TEXT, PERFTRACE_ROLE_PARAMETER}};
    static const struct made_argument entry[] = {
        {"part_id", PERFTRACE_TYPE_TEXT, PERFTRACE_ROLE_PARAMETER},
        {"depth", PERFTRACE_TYPE_U64, PERFTRACE_ROLE_PARAMETER},
    };
    static const struct made_argument value[] = {{"value", PERFTRACE_TYPE_U64, PERFTRACE_ROLE_PARAMETER}};
    made_header(made, 0xab);
    made_process(made, PERFTRACE_CLOCK_MONOTONIC);
    made_site(made, LOAD, PERFTRACE_RECORD_BEGIN, PERFTRACE_PHASE_NONE, "load_node", part, 1);
    made_site(made, EXISTS, PERFTRACE_RECORD_BEGIN, PERFTRACE_PHASE_NONE, "exists_node", part, 1);
    made_site(made, QUERY, PERFTRACE_RECORD_BEGIN, PERFTRACE_PHASE_NONE, "query_single_directory_entry",
              entry, 2);
    made_site(made, STARTED, PERFTRACE_RECORD_EVENT, PERFTRACE_PHASE_NONE, "started", NULL, 0);
    made_site(made, ALIVE, PERFTRACE_RECORD_COUNTER, PERFTRACE_PHASE_NONE, "nodes_alive", value, 1);
    made_site(made, FRAME, PERFTRACE_RECORD_FRAME, PERFTRACE_PHASE_NONE, "frame", NULL, 0);
    made_track(made, MAIN, PERFTRACE_TRACK_THREAD, "main");
    made_track(made, WORKER, PERFTRACE_TRACK_THREAD, "");
    made_track(made, QUEUE, PERFTRACE_TRACK_GPU,
               "queue with a name that is too long for a line of eighty columns");
    made_clock(made, 1000000000, 1000000000);
}

/* exists_node and load_node ask the same; load_node asks twice. */
static void add_calls(struct made *made) {
    const uint64_t words[] = {
        made_word(PERFTRACE_RECORD_EVENT, STARTED, 0, 0),
        BEGIN(EXISTS, 0, 1000),
        4,
        made_text("root"),
        BEGIN(QUERY, 1, 2000),
        4,
        made_text("root"),
        1,
        END(QUERY, 1, MILLISECONDS(15)),
        END(EXISTS, 0, MILLISECONDS(16)),
        BEGIN(LOAD, 0, MILLISECONDS(17)),
        4,
        made_text("root"),
        BEGIN(QUERY, 1, MILLISECONDS(18)),
        4,
        made_text("root"),
        1,
        END(QUERY, 1, MILLISECONDS(18) + 800),
        BEGIN(QUERY, 1, MILLISECONDS(19)),
        4,
        made_text("root"),
        1,
        END(QUERY, 1, MILLISECONDS(19) + 250000),
        END(LOAD, 0, MILLISECONDS(33)),
        made_word(PERFTRACE_RECORD_COUNTER, ALIVE, 0, MILLISECONDS(34)),
        3,
        made_word(PERFTRACE_RECORD_FRAME, FRAME, 0, MILLISECONDS(35)),
    };
    made_chunk(made, MAIN, 0, 0, 1000000000, WORDS(words));
}

static void add_open_spans(struct made *made) {
    const uint64_t words[] = {
        BEGIN(LOAD, 0, MILLISECONDS(20)),
        4,
        made_text("leaf"),
        BEGIN(QUERY, 1, MILLISECONDS(30)),
        4,
        made_text("leaf"),
        2,
    };
    made_lossy_chunk(made, WORKER, 0, 1000000000, WORDS(words));
}

static void end(struct made *made) {
    made_clock(made, 1100000000, 1100000000);
    made_sync(made, UINT64_MAX);
}

static void write_file(struct made *made, const char *folder, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.ptrace", folder, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(made->bytes, 1, made->length, file) != made->length || fclose(file) != 0) {
        perror(path);
        exit(2);
    }
    made_free(made);
}

int main(int argc, char **argv) {
    struct made made = {0};
    if (argc != 2)
        return 2;
    begin(&made);
    add_calls(&made);
    end(&made);
    made_end(&made, 13);
    write_file(&made, argv[1], "finished");

    begin(&made); /* ended in two open spans, with losses */
    add_calls(&made);
    add_open_spans(&made);
    end(&made);
    write_file(&made, argv[1], "killed");

    begin(&made); /* a byte in the middle of the only chunk flipped */
    size_t at = made.length + 200;
    add_calls(&made);
    made.bytes[at] ^= 0x10;
    add_open_spans(&made);
    end(&made);
    made_end(&made, 15);
    write_file(&made, argv[1], "damaged");

    begin(&made); /* nothing recorded */
    end(&made);
    made_end(&made, 0);
    write_file(&made, argv[1], "empty");
    return 0;
}
