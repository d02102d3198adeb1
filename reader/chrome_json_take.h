/* What each event of a Chrome JSON file becomes: the state of the reader, and the step from an event to what waits in the list. */
#ifndef PERFTRACE_READER_CHROME_JSON_TAKE_H
#define PERFTRACE_READER_CHROME_JSON_TAKE_H

#include "chrome_json.h"
#include "chrome_json_input.h"
#include "chrome_json_make.h"
#include "chrome_json_pairs.h"

/* What is told once, at the end, with how often and where first. */
enum perftrace_json_note {
    PERFTRACE_JSON_NO_PHASE,
    PERFTRACE_JSON_NO_TIME,
    PERFTRACE_JSON_NEGATIVE,
    PERFTRACE_JSON_NO_ROOM,
    PERFTRACE_JSON_ARGS_LEFT_OUT,
    PERFTRACE_JSON_NOTES,
};

struct perftrace_chrome_json {
    struct perftrace_reader_options options;
    struct perftrace_trace_info info;
    struct perftrace_error_info error;
    struct perftrace_budget budget;
    struct perftrace_json_input input;
    struct perftrace_json_names names;
    struct perftrace_json_store store;
    struct perftrace_json_list list;
    struct perftrace_json_pairs pairs;
    struct perftrace_json_maker maker;
    struct perftrace_json_track *last_track; /* of the last event … */
    uint64_t last_ids;                       /* … with these ids (of struct perftrace_json_event) */
    size_t held_bytes_max;
    uint32_t at,
        until; /* of the list: which are being handed out; the spans that end before `until` go with them */
    size_t track_at; /* at the end: of the tracks, which of them nothing has been told of yet */
    bool handing_out, read, finished;
    bool inner_first; /* there are spans that stand behind what they hold */
    struct perftrace_json_brief briefs[PERFTRACE_JSON_BRIEFS]; /* of these calls */
    struct perftrace_call calls[PERFTRACE_JSON_BRIEFS];
    uint64_t notes[PERFTRACE_JSON_NOTES], first[PERFTRACE_JSON_NOTES];
};

/* False where there is no memory left at all. */
bool perftrace_chrome_json_take(struct perftrace_chrome_json *json, const struct perftrace_json_event *event,
                                uint64_t offset);
void perftrace_chrome_json_note(struct perftrace_chrome_json *json, enum perftrace_json_note note,
                                uint64_t offset);

#endif
