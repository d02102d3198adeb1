/* perftrace analyze: the report on one or more traces and logs. */
#include "command.h"

#include "../report/page.h"
#include "../../analysis/cache_rules.h"
#include "../report/report.h"
#include "../support/collect.h"
#include "../support/input.h"
#include "../support/page_file.h"
#include "../support/terminal.h"
#include "../support/wanted.h"

#include <stddef.h>

enum format { FORMAT_TEXT, FORMAT_JSON };
static const char *const formats[] = {"text", "json", NULL};

/* By enum rank_order. */
static const char *const sort_names[] = {"calls", "total", "self", "max", "p99", "name", NULL};

struct analyze_values {
    int format; /* enum format */
    int color;  /* enum color_choice */
    int sort;   /* enum rank_order */
    uint64_t top;
    const char *html;
    uint64_t since_ns, until_ns, min_ns;
    uint64_t memory;
    struct option_list functions, callers, threads, group_by, ignored, invalidations;
};

static const struct option analyze_options[] = {
    OPTION_OF(formats, "format", 'f', analyze_values, format,
              "Text for people, or JSON for programs. Default: text."),
    OPTION(TEXT, "html", 0, analyze_values, html, "FILE",
           "Write the report as one page for a browser to FILE instead (- is standard output), with a flame "
           "graph and timelines. It needs no network, and can be sent."),
    OPTION(NUMBER, "top", 'n', analyze_values, top, "N",
           "Entries that each section shows, at most; 0 shows all. Default: 10, and 200 in a page."),
    OPTION_OF(sort_names, "sort", 's', analyze_values, sort,
              "What the first list of functions and the groups are sorted by. Default: calls, and groups by "
              "total."),
    OPTION(
        LIST, "function", 0, analyze_values, functions, "GLOB",
        "Only calls of functions of that name; * is any text, ? one character. Several times: any of them."),
    OPTION(LIST, "caller", 0, analyze_values, callers, "GLOB",
           "Only calls by such functions; \"unknown\" are those without a caller."),
    OPTION(LIST, "thread", 0, analyze_values, threads, "ID|NAME",
           "Only calls on that thread or track: its number or, as a pattern, its name."),
    OPTION(TIME, "since", 0, analyze_values, since_ns, "TIME",
           "Only calls that began so long after the input's first moment, or later: 1.5s, 200ms, 2m."),
    OPTION(TIME, "until", 0, analyze_values, until_ns, "TIME", "Only calls that began before that."),
    OPTION(MS, "min-ms", 0, analyze_values, min_ns, "MS",
           "Only calls that took so many milliseconds at least: 5, or 0.25."),
    OPTION(KEYS, "group-by", 0, analyze_values, group_by, "KEY[,KEY]",
           "Adds up calls by the values of these parameters or metrics."),
    OPTION(
        KEYS, "ignore", 0, analyze_values, ignored, "KEY[,KEY]",
        "Parameters that do not make one call differ from another: request numbers, times. Patterns, too."),
    OPTION(LIST, "invalidates", 0, analyze_values, invalidations, "RULE",
           "A function that writes, for what caches would save: update:id takes results with the same id "
           "out, update all, update:id->load those of load alone."),
    OPTION(SIZE, "memory", 0, analyze_values, memory, "SIZE",
           "How much memory to use at most: 256M, 4G; at least 64M. An input of more different parameters is "
           "reported on approximately, and the report says by how much. Default: 1536M."),
    OPTION_COLOR(analyze_values),
    OPTION_END,
};

/* All calls can be asked for, but not all can be the slowest. */
#define SLOWEST_MAX 100000u

#define SORT_NOT_SAID (-1)
#define TOP_NOT_SAID UINT64_MAX
#define TOP 10u
#define TOP_OF_PAGE 200u
#define TIMELINES_MAX 100u /* in a page: so many of the slowest calls have one */

static struct analysis_texts texts(const struct option_list *list) {
    return (struct analysis_texts){list->items, list->count};
}

static struct analysis_options analysis_options(const struct analyze_values *values, bool several) {
    bool all = values->top == 0 || values->top > SLOWEST_MAX;
    return (struct analysis_options){
        .slowest_max = all ? SLOWEST_MAX : (uint32_t)values->top,
        .memory_max = collect_memory(values->memory, several),
        .neighbours_max = values->html != NULL ? TIMELINES_MAX : 0,
        .selection = {.functions = texts(&values->functions),
                      .callers = texts(&values->callers),
                      .threads = texts(&values->threads),
                      .since_ns = values->since_ns,
                      .until_ns = values->until_ns == UINT64_MAX ? 0 : values->until_ns,
                      .min_ns = values->min_ns},
        .ignored = texts(&values->ignored),
        .group_by = texts(&values->group_by),
        .invalidations = texts(&values->invalidations),
    };
}

static int write_report(const struct analyze_values *values, struct report *report) {
    if (values->html != NULL)
        return report_page(report);
    return values->format == FORMAT_JSON ? report_json(report) : report_text(report);
}

static int analyze(const struct analyze_values *values, const struct input_list *inputs, FILE *out) {
    struct analysis_options options = analysis_options(values, inputs->count > 1);
    struct analysis *model = collect_open(&options);
    if (model == NULL)
        return EXIT_COULD_NOT;
    int code = EXIT_FINE;
    size_t good = 0;
    for (size_t i = 0; i < inputs->count; i++) {
        if (collect_input(model, inputs->paths[i], values->memory) == 0)
            good++;
        else
            code = EXIT_COULD_NOT;
    }
    if (good > 0 || model->calls > 0) {
        struct report report = {
            .model = model,
            .out = out,
            .top = values->top,
            .sort = values->sort == SORT_NOT_SAID ? RANK_CALLS : (enum rank_order)values->sort,
            .group_sort = values->sort == SORT_NOT_SAID ? RANK_TOTAL : (enum rank_order)values->sort,
        };
        report.color = terminal_color((enum color_choice)values->color, out);
        if (analysis_finish(model) != 0 || write_report(values, &report) != 0) {
            message_error("out of memory: the report is incomplete");
            code = EXIT_COULD_NOT;
        }
        if (wanted_check(model) != 0)
            code = EXIT_COULD_NOT;
    }
    analysis_close(model);
    return code;
}

/* The page appears as a whole, or not at all. */
static int analyze_to(const struct analyze_values *values, const struct input_list *inputs) {
    if (values->html == NULL)
        return message_finish_stdout(analyze(values, inputs, stdout));
    struct outfile page;
    if (page_file_open(&page, values->html) != 0)
        return EXIT_COULD_NOT;
    int code = analyze(values, inputs, page.file);
    return page_file_close(&page) == 0 ? code : EXIT_COULD_NOT;
}

static bool rules_are_good(const struct option_list *rules) {
    struct cache_rule rule;
    if (rules->count > CACHE_RULES_MAX) {
        message_error("--invalidates: more than %u rules", CACHE_RULES_MAX);
        return false;
    }
    for (size_t i = 0; i < rules->count; i++) {
        const char *wrong = cache_rule_parse(rules->items[i], &rule);
        if (wrong != NULL) {
            message_error(
                "--invalidates: in \"%s\" %s; a rule is WRITER[:KEY,KEY][->FUNCTION], as in "
                "update_node:part_id",
                rules->items[i], wrong);
            return false;
        }
    }
    return true;
}

static int analyze_run(int argc, char **argv) {
    struct analyze_values values = {
        .sort = SORT_NOT_SAID, .top = TOP_NOT_SAID, .until_ns = UINT64_MAX, .memory = COLLECT_MEMORY_DEFAULT};
    int operands;
    int code = options_parse(&command_analyze, argc, argv, &values, &operands);
    if (code != OPTIONS_PARSED)
        return code;
    if (values.since_ns >= values.until_ns)
        return message_could_not("--until: no call can begin before that time and not before --since");
    if (values.html != NULL && values.format == FORMAT_JSON)
        return message_could_not("--html: the report is a page then; leave out --format=json");
    if (!rules_are_good(&values.invalidations))
        return EXIT_COULD_NOT;
    if (values.top == TOP_NOT_SAID)
        values.top = values.html != NULL ? TOP_OF_PAGE : TOP;
    if (!collect_memory_suffices(values.memory))
        return EXIT_COULD_NOT;
    if (operands == 0)
        return message_could_not("name a trace, a log, a folder of them, or - for standard input");
    struct input_list inputs;
    int listed = input_list_make(&inputs, operands, argv + 1);
    code = inputs.count > 0 ? analyze_to(&values, &inputs) : EXIT_COULD_NOT;
    input_list_free(&inputs);
    return listed == 0 ? code : EXIT_COULD_NOT;
}

const struct command command_analyze = {
    .name = "analyze",
    .operands = "[options] INPUT...",
    .summary = "report on calls: most frequent, slowest, repeated",
    .details =
        "Reads traces (.ptrace), logs (text with PERF_TRACE lines among anything else) and Chrome's trace "
        "events (JSON, by anybody) and reports the functions called most and those that took longest, the "
        "slowest calls, who calls whom, calls repeated with the same parameters, the same question asked by "
        "different callers, and what to do about it.\n\n"
        "INPUT is a file, a folder (its *.ptrace and *.log files), or - for standard input; it may be "
        "compressed with gzip or zstd. Several inputs are added up; the call numbers then begin with the "
        "input's: #2:42.",
    .options = analyze_options,
    .run = analyze_run,
};
