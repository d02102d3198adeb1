/* A report: sections that show the model, as text for people and scripts, or as JSON for programs. */
#ifndef PERFTRACE_TOOL_REPORT_H
#define PERFTRACE_TOOL_REPORT_H

#include "../../analysis/collect.h"
#include "../../analysis/rank.h"
#include "../../analysis/siblings.h"
#include "../support/json.h"

struct report {
    const struct analysis *model; /* finished */
    FILE *out;
    uint64_t top;               /* how many entries a section shows; 0: all */
    enum rank_order sort;       /* of the first section of functions */
    enum rank_order group_sort; /* of the groups */
    bool color;
    bool failed;                  /* out of memory: the report is incomplete */
    struct perftrace_buffer line; /* scratch of the sections */
    struct json json;
};

struct report_section {
    const char *name; /* its key in the JSON */
    void (*text)(struct report *report);
    /* Members of the section's object, which is open already. */
    void (*json)(struct report *report);
};
/* Of NAME_text and NAME_json. */
#define REPORT_SECTION(name) const struct report_section section_##name = {#name, name##_text, name##_json}

/* All sections to report->out. 0, or -1 without memory; failed writes are the file's affair. */
int report_text(struct report *report);
int report_json(struct report *report);

/* ---- for the sections ----------------------------------------------------------------------------- */

void report_heading(struct report *report, const char *title);    /* an empty line and "=== Title ===" */
void report_top_heading(struct report *report, const char *what); /* "=== Top 10 What ===" */

/* How many of `count` entries are shown. */
size_t report_shown(const struct report *report, size_t count);
/* "  … and 34 more" when not all were shown. */
void report_more(const struct report *report, size_t count);

/* report->line so far, and an end of line; empties it. */
void report_line(struct report *report);

/* Right-aligned in so many columns: any text, a time in three digits, a number. Added to report->line. */
#define REPORT_TIME_COLUMNS 8
void report_column(struct report *report, const char *text, int columns);
void report_time(struct report *report, uint64_t ns);
void report_count(struct report *report, uint64_t count, int columns);

/* "#42", or with several inputs "#2:42", the second input's call 42; added to report->line. */
void report_call(struct report *report, struct analysis_call_id id);
/* The calls of a signature, at most so many of them: "#42 #43 … and 7 more". */
void report_calls(struct report *report, const struct analysis_signature *signature, uint32_t most);
/* A line of call numbers, `count` of so many `calls`. */
void report_numbers(struct report *report, const struct analysis_call_id *ids, uint32_t count,
                    uint64_t calls);
/* "  12 calls: signature", and on another line their numbers. */
void report_signature(struct report *report, const struct analysis_signature *signature);
/* A line on what was asked again within one parent call; nothing for NULL. */
void report_within(struct report *report, const struct analysis_within *within);

/* JSON: report->line so far, as a text; empties it. */
void report_json_line(struct report *report, const char *key);
/* JSON: function, caller, signature, calls and call_numbers of a signature. */
void report_json_signature(struct report *report, const struct analysis_signature *signature);
/* Signatures with at least `calls_min` calls, those that are shown in order; to be freed. NULL: the report has failed. */
/* A line that says that there was nothing: "No call was made twice"; and where writes make answers invalid, that it is about valid ones. */
void report_no_repeats(struct report *report, const char *text);
const struct analysis_signature **report_repeated(struct report *report, uint64_t calls_min, size_t *count);
/* "count" and "entries" of them, each with what `more` (NULL: nothing) adds to it. */
void report_json_repeated(struct report *report, uint64_t calls_min,
                          void (*more)(struct report *report, const struct analysis_signature *signature));
/* JSON: "number" and, with several inputs, "input" of a call. */
void report_json_call(struct report *report, struct analysis_call_id id);
/* JSON: "call_numbers", of `count` calls. */
void report_json_numbers(struct report *report, const struct analysis_call_id *ids, uint32_t count);
/* JSON: "within_one_parent", whose numbers are 0 for NULL. */
void report_json_within(struct report *report, const struct analysis_within *within);

#endif
