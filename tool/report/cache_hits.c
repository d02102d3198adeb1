/* What could be kept instead of asked for again: signatures with many calls, and what caches of each size would save. */
#include "report.h"

#include "../../analysis/cache.h"
#include "../support/units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CALLS_MIN 3u
#define CURVES_SHOWN 3u    /* functions whose sizes are shown, unless all are */
#define HOTTEST_SHOWN 3u   /* questions of each */
#define ROWS_MAX 10u       /* sizes of each, about */
#define CURVE_POINTS 4096u /* in JSON, about, unless all are asked for */
#define BAR_COLUMNS 30u

/* ---- signatures ----------------------------------------------------------------------------------------------------- */

static void signatures_text(struct report *report) {
    size_t count;
    const struct analysis_signature **repeated = report_repeated(report, CALLS_MIN, &count);
    if (count == 0) {
        report_no_repeats(report, "No call was made three times with the same parameters");
    } else {
        fputs("Signatures called 3+ times (cache candidates):\n", report->out);
        for (size_t i = 0; repeated != NULL && i < report_shown(report, count); i++)
            report_signature(report, repeated[i]);
        report_more(report, count);
    }
    free(repeated);
}

/* ---- caches --------------------------------------------------------------------------------------------------------- */

/* Rounded down, so that 100 is all. */
static unsigned percent(uint64_t part, uint64_t whole) {
    return whole == 0 ? 0 : (unsigned)((unsigned __int128)part * 100 / whole);
}

static void add_name(struct report *report, const struct analysis_cache_function *function) {
    perftrace_buffer_visible(&report->line, report->model->functions[function->function].name);
}

/* Whether caches that live for one root call do otherwise than those that live on. */
static bool roots_differ(const struct analysis_cache *cache) {
    for (size_t i = 0; i < cache->count && cache->root_calls > 0; i++)
        if (cache->functions[i].root_hits != cache->functions[i].all.hits)
            return true;
    return false;
}

/* One line for each function. */
static void caches_text(struct report *report, const struct analysis_cache *cache, bool roots) {
    fputs("\nWhat a cache in front of a function would save (LRU, keyed by its parameters):\n", report->out);
    fprintf(report->out, "     saved  of time   hits  entries for 90 %%  %sfunction\n",
            roots ? "in root calls  " : "");
    for (size_t i = 0; i < report_shown(report, cache->count); i++) {
        const struct analysis_cache_function *function = &cache->functions[i];
        fprintf(report->out, "%10s  %5u %%  %3u %%  %16" PRIu64 "  ",
                units_duration(function->all.saved_ns).text,
                percent(function->all.saved_ns, function->total_ns),
                percent(function->all.hits, function->calls), function->most.size);
        if (roots)
            fprintf(report->out, "%13s  ",
                    function->root_hits > 0 ? units_duration(function->root_saved_ns).text : "-");
        add_name(report, function);
        perftrace_buffer_text(&report->line, function->recursive ? " (calls itself: at most)" : "");
        report_line(report);
    }
    report_more(report, cache->count);
    if (cache->sampled_one_in > 1)
        fprintf(report->out,
                "  Estimated from %" PRIu64 " questions, one in %" PRIu32 ", for want of memory.\n",
                cache->sampled, cache->sampled_one_in);
    if (roots)
        fprintf(report->out,
                "  In root calls: each outermost call (%" PRIu64
                " with several such calls in it) has caches of its own.\n",
                cache->root_calls);
    else if (cache->root_calls > 1)
        fprintf(report->out,
                "  Caches of their own for each of the %" PRIu64 " outermost calls would do as well.\n",
                cache->root_calls);
}

/* "Together 178 ms: …", as the lines above can't be added up. */
static void together_text(struct report *report, const struct analysis_cache *cache) {
    const struct units_text saved = units_duration(cache->apart_ns);
    size_t apart = 0, shown = 0;
    for (size_t i = 0; i < cache->count; i++)
        apart += cache->functions[i].apart;
    if (cache->count < 2 || apart == 0)
        return;
    if (apart == cache->count) {
        fprintf(report->out, "  Together %s, as none of these calls another.\n", saved.text);
        return;
    }
    fprintf(report->out, "  A hit saves what its call calls, too, so these don't add up. Together %s:\n  ",
            saved.text);
    for (size_t i = 0; i < cache->count && shown < 4; i++) {
        if (!cache->functions[i].apart)
            continue;
        perftrace_buffer_text(&report->line, shown++ == 0 ? "" : ", ");
        add_name(report, &cache->functions[i]);
    }
    if (shown < apart)
        perftrace_buffer_print(&report->line, " and %zu more", apart - shown);
    perftrace_buffer_text(&report->line, apart == 1 ? " alone." : " (none of which calls another).");
    report_line(report);
}

static void rules_text(struct report *report, const struct analysis_cache *cache) {
    const struct analysis_texts rules = report->model->options.invalidations;
    for (size_t i = 0; i < rules.count; i++) {
        perftrace_buffer_text(&report->line, i == 0 ? "\n  Invalidated by " : "                 ");
        perftrace_buffer_visible(&report->line, perftrace_text_of(rules.texts[i]));
        const uint64_t removed = cache->rules[i].removed, writes = cache->rules[i].writes;
        if (writes == 0)
            perftrace_buffer_text(&report->line, ": no such call");
        else
            perftrace_buffer_print(&report->line, ": %" PRIu64 " answer%s, by %" PRIu64 " call%s", removed,
                                   removed == 1 ? "" : "s", writes, writes == 1 ? "" : "s");
        report_line(report);
    }
}

/* ---- sizes of one cache --------------------------------------------------------------------------------------------- */

static void size_text(struct report *report, const struct analysis_cache_function *function, uint64_t size,
                      const struct analysis_cache_point *point) {
    unsigned share = percent(point->saved_ns, function->all.saved_ns);
    unsigned bar = share * BAR_COLUMNS / 100;
    fprintf(report->out, "%13" PRIu64 " %10" PRIu64 " %10s  %4u %%%s%.*s\n", size, point->hits,
            units_duration(point->saved_ns).text, share, bar > 0 ? "  " : "", (int)bar,
            "##############################");
}

/* 1, 2, 4, 8 …, or wider steps for large caches, up to the size that gives 90 %; then all. */
static void sizes_text(struct report *report, const struct analysis_cache_function *function) {
    unsigned step = 1;
    while (function->most.size >> (step * ROWS_MAX) > 0)
        step++;
    struct analysis_cache_point point = {0}, next = {0};
    bool more = analysis_cache_step(function, &next);
    uint64_t hits = 0;
    for (uint64_t size = 1; size < function->most.size; size <<= step) {
        while (more && next.size <= size) {
            point = next;
            more = analysis_cache_step(function, &next);
        }
        if (point.hits > hits)
            size_text(report, function, size, &point);
        hits = point.hits;
    }
    if (function->most.size < function->all.size)
        size_text(report, function, function->most.size, &function->most);
    size_text(report, function, function->all.size, &function->all);
}

static void hottest_text(struct report *report, const struct analysis_cache_function *function) {
    for (uint32_t i = 0; i < function->hottest_count && i < HOTTEST_SHOWN; i++) {
        const struct analysis_question *question = &report->model->questions[function->hottest[i].question];
        fprintf(report->out, "%s%13" PRIu64 " calls %16s  ",
                i == 0 ? "      asked most, by the time of what is repeated:\n" : "", question->calls,
                units_duration(function->hottest[i].saved_ns).text);
        analysis_question_text(report->model, question, &report->line);
        report_line(report);
    }
}

static void curve_text(struct report *report, const struct analysis_cache_function *function) {
    perftrace_buffer_text(&report->line, "\n  ");
    add_name(report, function);
    perftrace_buffer_print(&report->line, ": %" PRIu64 " calls, %" PRIu64 " different, %s", function->calls,
                           function->questions, units_duration(function->total_ns).text);
    report_line(report);
    if (function->all.size == 1) {
        fputs("      To keep the last answer is enough.\n", report->out);
    } else {
        fputs("      entries       hits      saved  of what can be saved\n", report->out);
        sizes_text(report, function);
    }
    hottest_text(report, function);
}

static void cache_hits_text(struct report *report) {
    const struct analysis_cache *cache = analysis_cache(report->model);
    report_heading(report, "Cache Hit Opportunities");
    signatures_text(report);
    if (cache->sampled_one_in == 0)
        fputs("\nWhat caches would save is not known: there was not enough memory.\n", report->out);
    if (cache->count > 0) {
        caches_text(report, cache, roots_differ(cache));
        together_text(report, cache);
    }
    rules_text(report, cache);
    for (size_t i = 0; i < report_shown(report, cache->count) && (i < CURVES_SHOWN || report->top == 0); i++)
        curve_text(report, &cache->functions[i]);
}

/* ---- JSON ----------------------------------------------------------------------------------------------------------- */

/* [entries, hits, saved_ns] for each number of entries at which more is hit. Of very many, all but those are left out that
 * save and hit a good deal more than the one before. Not complete are estimates, either. */
static void curve_json(struct report *report, const struct analysis_cache_function *function) {
    struct analysis_cache_point point = {0}, shown = {0};
    uint64_t count = 0, ns = 0, hits = 0;
    while (analysis_cache_step(function, &point))
        count++;
    bool every = report->top == 0 || count <= CURVE_POINTS;
    if (!every) {
        ns = function->all.saved_ns / (CURVE_POINTS / 2);
        hits = function->all.hits / (CURVE_POINTS / 2);
    }
    json_boolean(&report->json, "curve_complete", every && !function->sampled);
    json_array(&report->json, "curve");
    point = (struct analysis_cache_point){0};
    while (analysis_cache_step(function, &point)) {
        if (!every && point.size != function->all.size && point.size != function->most.size &&
            point.saved_ns - shown.saved_ns <= ns && point.hits - shown.hits <= hits)
            continue;
        json_row(&report->json, (const uint64_t[]){point.size, point.hits, point.saved_ns}, 3);
        shown = point;
    }
    json_end_array(&report->json);
}

static void point_json(struct json *json, const char *key, const struct analysis_cache_point *point) {
    json_object(json, key);
    json_unsigned(json, "entries", point->size);
    json_unsigned(json, "hits", point->hits);
    json_unsigned(json, "saved_ns", point->saved_ns);
    json_end_object(json);
}

static void hottest_json(struct report *report, const struct analysis_cache_function *function) {
    struct json *json = &report->json;
    json_array(json, "hottest");
    for (uint32_t i = 0; i < function->hottest_count; i++) {
        const struct analysis_question *question = &report->model->questions[function->hottest[i].question];
        json_object(json, NULL);
        analysis_question_text(report->model, question, &report->line);
        report_json_line(report, "question");
        json_unsigned(json, "calls", question->calls);
        json_unsigned(json, "saved_ns", function->hottest[i].saved_ns);
        json_object(json, "first_call");
        report_json_call(report, question->first);
        json_end_object(json);
        json_end_object(json);
    }
    json_end_array(json);
}

static void function_json(struct report *report, const struct analysis_cache *cache,
                          const struct analysis_cache_function *function) {
    struct json *json = &report->json;
    json_object(json, NULL);
    json_text(json, "function", report->model->functions[function->function].name);
    json_unsigned(json, "calls", function->calls);
    json_unsigned(json, "questions", function->questions);
    json_unsigned(json, "total_ns", function->total_ns);
    json_boolean(json, "recursive", function->recursive);
    json_boolean(json, "together", function->apart);
    point_json(json, "all", &function->all);
    point_json(json, "for_90_percent", &function->most);
    json_object(json, "in_root_calls");
    json_unsigned(json, "hits", function->root_hits);
    json_unsigned(json, "saved_ns", function->root_saved_ns);
    json_end_object(json);
    hottest_json(report, function);
    if (cache->sampled_one_in != 1)
        json_unsigned(json, "sampled_one_in", cache->sampled_one_in);
    curve_json(report, function);
    json_end_object(json);
}

static void rules_json(struct report *report, const struct analysis_cache *cache) {
    const struct analysis_texts rules = report->model->options.invalidations;
    json_array(&report->json, "invalidations");
    for (size_t i = 0; i < rules.count; i++) {
        json_object(&report->json, NULL);
        json_string(&report->json, "rule", rules.texts[i]);
        json_unsigned(&report->json, "calls", cache->rules[i].writes);
        json_unsigned(&report->json, "results", cache->rules[i].removed);
        json_end_object(&report->json);
    }
    json_end_array(&report->json);
}

static void cache_hits_json(struct report *report) {
    const struct analysis_cache *cache = analysis_cache(report->model);
    struct json *json = &report->json;
    report_json_repeated(report, CALLS_MIN, NULL);
    json_object(json, "caches");
    json_unsigned(json, "count", cache->count);
    json_unsigned(json, "together_ns", cache->apart_ns);
    json_unsigned(json, "root_calls", cache->root_calls);
    rules_json(report, cache);
    json_array(json, "entries");
    for (size_t i = 0; i < report_shown(report, cache->count); i++)
        function_json(report, cache, &cache->functions[i]);
    json_end_array(json);
    json_end_object(json);
}

REPORT_SECTION(cache_hits);
