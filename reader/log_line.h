/* One PERF_TRACE record of a log -> one call. */
#ifndef PERFTRACE_READER_LOG_LINE_H
#define PERFTRACE_READER_LOG_LINE_H

#include "../core/text.h"
#include "log_names.h"

#define PERFTRACE_LOG_MARK "PERF_TRACE|"
enum {
    PERFTRACE_LOG_MARK_LENGTH = 11,
    PERFTRACE_LOG_FIELDS_MAX = 1024,
    PERFTRACE_LOG_PADDING = 32, /* readable bytes that the parser needs after a record */
};

struct perftrace_log_parser {
    struct perftrace_log_names names;
    struct perftrace_buffer scratch;
    struct perftrace_call call; /* what the last record said; its site and track belong to `names` */
    uint32_t thread;            /* track id of the last record */
    const struct perftrace_track_info *track;
    const char *remark; /* NULL, or what of the last record could not be used, though it is a call */
    char *stopped; /* after a failure: what stands from here on was not looked at, or was left as it was */
    struct perftrace_value values[PERFTRACE_LOG_FIELDS_MAX];
};

/* Reads the record that begins (after the mark) at `at` and ends before `end`, into parser->call. The
 * bytes up to and including *end are written to: values lie where they stood, each with a zero after it.
 * NULL, or what is wrong, and then *end is as it was.
 * `entry`: NULL, or what the index, with that list of values, has of this record, which is plain: it is not read again. */
const char *perftrace_log_parse(struct perftrace_log_parser *parser, char *at, char *end,
                                const struct perftrace_log_entry *entry, const uint64_t *values);
/* As perftrace_log_parse, for a record that is keyed, and of which all before elapsed_ms has been read already (in another one, where it was
 * the same): there are no parameters and no caller in parser->call. */
const char *perftrace_log_parse_rest(struct perftrace_log_parser *parser, char *at, char *end,
                                     const struct perftrace_log_entry *entry,
                                     struct perftrace_log_site *site);
/* The metrics of a plain record into values[0] and on; `fields`: the bar before the first of them. False: their names are too many. */
bool perftrace_log_take_metrics(struct perftrace_log_names *names, struct perftrace_log_site *site,
                                const struct perftrace_log_entry *entry, const uint64_t *list,
                                const char *fields, struct perftrace_value *values);
/* The same where site->shape is theirs. */
static inline void perftrace_log_list_metrics(const struct perftrace_log_site *site,
                                              const struct perftrace_log_entry *entry,
                                              const uint64_t *metrics, struct perftrace_value *values) {
    for (size_t i = 0, count = entry->metric_count; i < count; i++) {
        values[i].argument = &site->arguments[site->shape_keys[i]];
        values[i].type = PERFTRACE_TYPE_SIGNED;
        values[i].cut = values[i].null = false;
        values[i].i = (int64_t)metrics[i];
    }
}

#endif
