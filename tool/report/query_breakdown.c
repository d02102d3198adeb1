/* Of functions whose metrics say so: what part of their time went where, and how many there were of what. */
#include "report.h"

#include "../../analysis/breakdown.h"
#include "../support/units.h"

#include <inttypes.h>
#include <string.h>

enum { BAR_COLUMNS = 20, LINE_COLUMNS = 80, NAME_COLUMNS_MAX = 24 };

static void add_bar(struct report *report, uint64_t part, uint64_t whole) {
    double share = whole == 0 ? 0 : (double)part / (double)whole;
    int columns = share >= 1 ? BAR_COLUMNS : (int)(share * BAR_COLUMNS + 0.5);
    for (int i = 0; i < BAR_COLUMNS; i++)
        perftrace_buffer_text(&report->line, i < columns ? "#" : ".");
}

static void add_part(struct report *report, uint64_t ns, uint64_t whole_ns, struct perftrace_text name) {
    report_time(report, ns);
    perftrace_buffer_print(&report->line, "%5.0f %%  ",
                           whole_ns == 0 ? 0 : 100 * (double)ns / (double)whole_ns);
    add_bar(report, ns, whole_ns);
    perftrace_buffer_text(&report->line, "  ");
    perftrace_buffer_visible(&report->line, name);
    report_line(report);
}

static void time_text(struct report *report, const struct analysis_breakdown *breakdown) {
    for (uint32_t i = 0; i < breakdown->part_count; i++)
        add_part(report, breakdown->parts[i].total_ns, breakdown->elapsed_ns, breakdown->parts[i].name);
    if (breakdown->part_count > 0)
        add_part(report, breakdown->left_ns, breakdown->elapsed_ns,
                 (struct perftrace_text){"(left over)", 11});
    if (breakdown->over_calls > 0)
        fprintf(report->out, "%8s too much in %" PRIu64 " %s: parts overlap, or are measured otherwise\n",
                units_duration(breakdown->over_ns).text, breakdown->over_calls,
                breakdown->over_calls == 1 ? "call" : "calls");
}

/* "2-3": only what was there of the outermost ones. */
static void add_range(struct perftrace_buffer *line, const struct analysis_amount *amount, unsigned range) {
    int64_t from, to;
    breakdown_range(range, &from, &to);
    from = from < amount->min ? amount->min : from;
    to = to > amount->max ? amount->max : to;
    perftrace_buffer_signed(line, from);
    if (from != to)
        perftrace_buffer_print(line, "%s%" PRId64, from < 0 ? " to " : "-", to);
}

/* A small column as high as the share of the most frequent range. */
static const char *level(uint64_t calls, uint64_t most) {
    static const char *const levels[] = {"\u2581", "\u2582", "\u2583", "\u2584",
                                         "\u2585", "\u2586", "\u2587", "\u2588"};
    return levels[(unsigned)((double)calls / (double)most * 7 + 0.5)];
}

/* Bytes that begin a character: the text is UTF-8. */
static size_t columns_of(const struct perftrace_buffer *line, size_t from) {
    size_t columns = 0;
    for (size_t i = from; i < line->length; i++)
        columns += ((unsigned char)line->bytes[i] & 0xc0) != 0x80;
    return columns;
}

/* "  records  0 ▁ 12   1 █ 400   2-3 ▆ 300", on as many lines as it takes. */
static void amount_text(struct report *report, const struct analysis_amount *amount) {
    struct perftrace_buffer *line = &report->line;
    uint64_t most = 0;
    for (unsigned i = 0; i < BREAKDOWN_RANGES; i++)
        most = amount->ranges[i] > most ? amount->ranges[i] : most;
    perftrace_buffer_text(line, "  ");
    perftrace_buffer_visible(line, amount->name);
    perftrace_buffer_text(line, ":");
    for (unsigned i = 0; i < BREAKDOWN_RANGES && !line->failed; i++) {
        if (amount->ranges[i] == 0)
            continue;
        size_t before = line->length;
        perftrace_buffer_text(line, "  ");
        add_range(line, amount, i);
        perftrace_buffer_print(line, " %s %" PRIu64, level(amount->ranges[i], most), amount->ranges[i]);
        if (line->failed || columns_of(line, 0) <= LINE_COLUMNS)
            continue;
        char last[128];
        size_t length = line->length - before;
        if (length >= sizeof last)
            continue;
        memcpy(last, line->bytes + before, length);
        line->length = before;
        report_line(report);
        perftrace_buffer_text(line, "   ");
        perftrace_buffer_add(line, last, length);
    }
    report_line(report);
}

/* The calls that it is about, and what they took: those with a part of the time, or all where there are only amounts. */
static uint64_t calls_of(const struct report *report, const struct analysis_breakdown *breakdown,
                         uint64_t *elapsed_ns) {
    const struct analysis_function *function = &report->model->functions[breakdown->function];
    *elapsed_ns = breakdown->part_count > 0 ? breakdown->elapsed_ns : function->total_ns;
    return breakdown->part_count > 0 ? breakdown->calls : function->calls;
}

static void query_breakdown_text(struct report *report) {
    uint32_t count;
    const struct analysis_breakdown *breakdowns = analysis_breakdowns(report->model, &count);
    if (count == 0)
        return;
    report_heading(report, "Performance Breakdown of Query Operations");
    for (size_t i = 0; i < report_shown(report, count); i++) {
        const struct analysis_function *function = &report->model->functions[breakdowns[i].function];
        uint64_t ns, calls = calls_of(report, &breakdowns[i], &ns);
        perftrace_buffer_visible(&report->line, function->name);
        perftrace_buffer_print(&report->line, "  (%" PRIu64 " call%s, %s)", calls, calls == 1 ? "" : "s",
                               units_duration(ns).text);
        report_line(report);
        time_text(report, &breakdowns[i]);
        for (uint32_t amount = 0; amount < breakdowns[i].amount_count; amount++)
            amount_text(report, &breakdowns[i].amounts[amount]);
    }
    report_more(report, count);
}

static void amount_json(struct json *json, const struct analysis_amount *amount) {
    json_object(json, NULL);
    json_text(json, "name", amount->name);
    json_unsigned(json, "calls", amount->calls);
    json_signed(json, "min", amount->min);
    json_signed(json, "max", amount->max);
    json_double(json, "mean", amount->sum / (double)amount->calls);
    json_array(json, "ranges");
    for (unsigned range = 0; range < BREAKDOWN_RANGES; range++) {
        int64_t from, to;
        if (amount->ranges[range] == 0)
            continue;
        breakdown_range(range, &from, &to);
        json_object(json, NULL);
        json_signed(json, "from", from < amount->min ? amount->min : from);
        json_signed(json, "to", to > amount->max ? amount->max : to);
        json_unsigned(json, "calls", amount->ranges[range]);
        json_end_object(json);
    }
    json_end_array(json);
    json_end_object(json);
}

static void breakdown_json(struct report *report, const struct analysis_breakdown *breakdown) {
    struct json *json = &report->json;
    uint64_t elapsed_ns, calls = calls_of(report, breakdown, &elapsed_ns);
    json_object(json, NULL);
    json_text(json, "function", report->model->functions[breakdown->function].name);
    json_unsigned(json, "calls", calls);
    json_unsigned(json, "elapsed_ns", elapsed_ns);
    json_array(json, "parts");
    for (uint32_t i = 0; i < breakdown->part_count; i++) {
        const struct analysis_time_part *part = &breakdown->parts[i];
        json_object(json, NULL);
        json_text(json, "name", part->name);
        json_unsigned(json, "calls", part->calls);
        json_unsigned(json, "total_ns", part->total_ns);
        json_unsigned(json, "max_ns", part->max_ns);
        json_end_object(json);
    }
    json_end_array(json);
    json_unsigned(json, "left_ns", breakdown->left_ns);
    json_unsigned(json, "over_calls", breakdown->over_calls);
    json_unsigned(json, "over_ns", breakdown->over_ns);
    json_array(json, "amounts");
    for (uint32_t i = 0; i < breakdown->amount_count; i++)
        amount_json(json, &breakdown->amounts[i]);
    json_end_array(json);
    json_end_object(json);
}

static void query_breakdown_json(struct report *report) {
    uint32_t count;
    const struct analysis_breakdown *breakdowns = analysis_breakdowns(report->model, &count);
    json_unsigned(&report->json, "count", count);
    json_array(&report->json, "entries");
    for (size_t i = 0; i < report_shown(report, count); i++)
        breakdown_json(report, &breakdowns[i]);
    json_end_array(&report->json);
}

REPORT_SECTION(query_breakdown);
