/* The findings that would save most: what, by which calls one sees it, and the usual fix. */
#include "report.h"

#include "../../analysis/advice.h"
#include "../support/units.h"

#include <inttypes.h>
#include <string.h>

enum { LINE_COLUMNS = 80, INDENT_COLUMNS = 4 };

static struct analysis_advice_list find_advice(struct report *report) {
    struct analysis_advice_list list;
    struct analysis_findings findings = {
        .siblings = analysis_siblings(report->model),
        .cache = analysis_cache(report->model),
    };
    findings.breakdowns = analysis_breakdowns(report->model, &findings.breakdown_count);
    report->failed |= analysis_advise(report->model, &findings, &list) != 0;
    return list;
}

/* ---- sentences ------------------------------------------------------------------------------------ */

static void add_text(struct report *report, const char *text) {
    perftrace_buffer_text(&report->line, text);
}

static void add_function(struct report *report, uint32_t function) {
    perftrace_buffer_visible(&report->line, report->model->functions[function].name);
}

static void add_count(struct report *report, uint64_t count, const char *one, const char *many) {
    perftrace_buffer_print(&report->line, "%" PRIu64 " %s", count, count == 1 ? one : many);
}

static void add_time(struct report *report, uint64_t ns) {
    add_text(report, units_duration(ns).text);
}

static void add_percent(struct report *report, uint64_t part, uint64_t whole) {
    double percent = whole == 0 ? 0 : 100 * (double)part / (double)whole;
    perftrace_buffer_print(&report->line, "%.*f %%", percent < 9.95 ? 1 : 0, percent);
}

/* ", such as #42 #43" */
static void add_evidence(struct report *report, const struct analysis_advice *advice) {
    for (uint32_t i = 0; i < advice->evidence_count; i++) {
        add_text(report, i == 0 ? ", such as " : " ");
        report_call(report, advice->evidence[i]);
    }
}

static void batch(struct report *report, const struct analysis_advice *advice) {
    const struct analysis_n_plus_one *found = advice->n_plus_one;
    add_function(report, advice->caller);
    add_text(report, " calls ");
    add_function(report, advice->function);
    for (uint32_t i = 0; i < found->through_count; i++) {
        add_text(report, i == 0 ? ", by way of " : " and ");
        add_function(report, found->through[i]);
    }
    add_text(report, found->through_count > 0 ? ", once for each " : " once for each ");
    struct perftrace_text parameter = analysis_text(report->model, found->parameter);
    perftrace_buffer_add(&report->line, parameter.bytes, parameter.length); /* safe to show already */
    add_text(report, " (");
    add_count(report, found->calls, "call", "calls");
    add_text(report, " in ");
    add_count(report, found->parents, "of its calls", "of its calls");
    add_evidence(report, advice);
    add_text(report, "): load all of them in one batch.");
}

static void ask_once(struct report *report, const struct analysis_advice *advice) {
    bool same = advice->caller == advice->first_caller;
    add_function(report, advice->caller);
    add_text(report, " asks ");
    add_function(report, advice->function);
    if (same) {
        add_text(report, " the same again");
    } else {
        add_text(report, " what ");
        add_function(report, advice->first_caller);
        add_text(report, " has asked before");
    }
    add_text(report, " (");
    add_count(report, advice->calls, "time", "times");
    add_evidence(report, advice);
    add_text(report, same ? "): keep the result instead of asking again."
                          : "): ask once, and hand the answer on; check existence as part of the load.");
}

static void cache(struct report *report, const struct analysis_advice *advice) {
    const struct analysis_cache_function *found = advice->cache;
    bool roots = found->root_saved_ns >= found->most.saved_ns / 2;
    add_function(report, advice->function);
    perftrace_buffer_print(&report->line, " is asked what it was asked before (%" PRIu64 " of ",
                           advice->calls);
    add_count(report, found->calls, "call", "calls");
    add_evidence(report, advice);
    add_text(report, "): ");
    add_text(report, roots ? "transaction-level caching; " : "");
    add_count(report, found->most.size, "entry is", "entries are");
    add_text(report, " enough.");
}

static void faster(struct report *report, const struct analysis_advice *advice) {
    add_function(report, advice->function);
    add_text(report, " takes ");
    add_percent(report, advice->time_ns, advice->of_ns);
    add_text(report, " of all self time (");
    add_time(report, advice->time_ns);
    add_text(report, " in ");
    add_count(report, advice->calls, "call", "calls");
    add_evidence(report, advice);
    add_text(report, "): make it faster, or call it less.");
}

static void around(struct report *report, const struct analysis_advice *advice) {
    const struct analysis_breakdown *found = advice->breakdown;
    add_function(report, advice->function);
    add_text(report, " spends ");
    add_time(report, advice->time_ns);
    add_text(report, " of ");
    add_time(report, advice->of_ns);
    add_text(report, " outside its ");
    for (uint32_t i = 0; i < found->part_count && i < 3; i++) {
        add_text(report, i == 0 ? "" : " and ");
        perftrace_buffer_visible(&report->line, found->parts[i].name);
    }
    add_text(report, " (");
    add_count(report, advice->calls, "call", "calls");
    add_evidence(report, advice);
    add_text(report, "): look at what it does before and after.");
}

static void outlier(struct report *report, const struct analysis_advice *advice) {
    report_call(report, advice->evidence[0]);
    add_text(report, " ");
    add_function(report, advice->function);
    add_text(report, " took ");
    add_time(report, advice->time_ns);
    add_text(report, ", half of its calls no more than ");
    add_time(report, advice->of_ns);
    add_text(report, ": see what it waited for (a lock, a first use, a large input).");
}

static void add_sentence(struct report *report, const struct analysis_advice *advice) {
    static void (*const sentences[ADVICE_KINDS])(struct report *, const struct analysis_advice *) = {
        [ADVICE_BATCH] = batch,   [ADVICE_ASK_ONCE] = ask_once, [ADVICE_CACHE] = cache,
        [ADVICE_FASTER] = faster, [ADVICE_AROUND] = around,     [ADVICE_OUTLIER] = outlier,
    };
    sentences[advice->kind](report, advice);
}

/* ---- text ----------------------------------------------------------------------------------------- */

/* How many columns the UTF-8 text takes, about. */
static size_t columns_of(const char *bytes, size_t length) {
    size_t columns = 0;
    for (size_t i = 0; i < length; i++)
        columns += ((unsigned char)bytes[i] & 0xc0) != 0x80;
    return columns;
}

/* The line so far, broken between words, with the later lines indented. */
static void print_wrapped(struct report *report) {
    const struct perftrace_buffer *line = &report->line;
    size_t column = 0;
    for (size_t at = 0; !line->failed && at < line->length;) {
        const char *word = line->bytes + at;
        const char *space = memchr(word + 1, ' ', line->length - at - 1);
        size_t length = space != NULL ? (size_t)(space - word) : line->length - at;
        size_t columns = columns_of(word, length);
        if (column + columns > LINE_COLUMNS && column > INDENT_COLUMNS) {
            fprintf(report->out, "\n%*s", INDENT_COLUMNS - 1, "");
            column = INDENT_COLUMNS - 1;
        }
        fwrite(word, 1, length, report->out);
        column += columns;
        at += length;
    }
    fputc('\n', report->out);
    report->line.length = 0;
}

static void what_to_do_text(struct report *report) {
    const struct analysis_advice_list list = find_advice(report);
    if (report->model->calls == 0)
        return;
    report_heading(report, "What To Do");
    if (list.count == 0)
        fputs("  Nothing stands out: of what this report looks for, nothing would save much.\n", report->out);
    for (uint32_t i = 0; i < list.count; i++) {
        const struct analysis_advice *advice = &list.items[i];
        perftrace_buffer_print(&report->line, "%2" PRIu32 ". ", i + 1);
        add_sentence(report, advice);
        add_text(report, advice->at_most ? " Saves at most " : " Saves ");
        add_time(report, advice->saving_ns);
        add_text(report, " (");
        add_percent(report, advice->saving_ns, list.whole_ns);
        add_text(report, ").");
        print_wrapped(report);
    }
}

/* ---- JSON ----------------------------------------------------------------------------------------- */

static void member_function(struct report *report, const char *key, uint32_t function) {
    if (function != INTERN_NONE)
        json_text(&report->json, key, report->model->functions[function].name);
}

static void advice_json(struct report *report, const struct analysis_advice *advice, uint64_t whole_ns) {
    struct json *json = &report->json;
    json_object(json, NULL);
    json_string(json, "kind", analysis_advice_name(advice->kind));
    json_unsigned(json, "saving_ns", advice->saving_ns);
    json_boolean(json, "at_most", advice->at_most);
    json_double(json, "share", (double)advice->saving_ns / (double)whole_ns);
    member_function(report, "function", advice->function);
    member_function(report, "caller", advice->caller);
    member_function(report, "first_caller", advice->first_caller);
    if (advice->question != INTERN_NONE) {
        analysis_question_text(report->model, &report->model->questions[advice->question], &report->line);
        report_json_line(report, "question");
    }
    json_unsigned(json, "calls", advice->calls);
    json_array(json, "evidence");
    for (uint32_t i = 0; i < advice->evidence_count; i++) {
        json_object(json, NULL);
        report_json_call(report, advice->evidence[i]);
        json_end_object(json);
    }
    json_end_array(json);
    add_sentence(report, advice);
    report_json_line(report, "sentence");
    json_end_object(json);
}

static void what_to_do_json(struct report *report) {
    const struct analysis_advice_list list = find_advice(report);
    json_unsigned(&report->json, "count", list.count);
    json_unsigned(&report->json, "whole_ns", list.whole_ns); /* that savings are part of */
    json_array(&report->json, "entries");
    for (uint32_t i = 0; i < list.count; i++)
        advice_json(report, &list.items[i], list.whole_ns);
    json_end_array(&report->json);
}

REPORT_SECTION(what_to_do);
