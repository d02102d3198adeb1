/* perftrace analyze: the report on one or more traces and logs. */
#include "command.h"

#include "../report/report.h"
#include "../support/collect.h"
#include "../support/input.h"
#include "../support/terminal.h"

#include <stddef.h>

enum format { FORMAT_TEXT, FORMAT_JSON };
static const char *const formats[] = {"text", "json", NULL};

struct analyze_values {
    int format; /* enum format */
    int color;  /* enum color_choice */
    uint64_t top;
};

static const struct option analyze_options[] = {
    {.name = "format",
     .letter = 'f',
     .type = OPTION_CHOICE,
     .offset = offsetof(struct analyze_values, format),
     .choices = formats,
     .help = "Text for people, or JSON for programs. Default: text."},
    {.name = "top",
     .letter = 'n',
     .type = OPTION_NUMBER,
     .offset = offsetof(struct analyze_values, top),
     .value = "N",
     .help = "Entries that each section shows, at most; 0 shows all. Default: 10."},
    {.name = "color",
     .type = OPTION_CHOICE,
     .offset = offsetof(struct analyze_values, color),
     .choices = color_choices,
     .help = "Whether to use colour. Default: auto, on a terminal only."},
    OPTION_END,
};

/* All calls can be asked for, but not all can be the slowest. */
#define SLOWEST_MAX 100000u

static int analyze(const struct analyze_values *values, const struct input_list *inputs) {
    bool all = values->top == 0 || values->top > SLOWEST_MAX;
    struct analysis_options options = {.slowest_max = all ? SLOWEST_MAX : (uint32_t)values->top};
    struct analysis *model = collect_open(&options);
    if (model == NULL)
        return EXIT_COULD_NOT;
    int code = EXIT_FINE;
    size_t good = 0;
    for (size_t i = 0; i < inputs->count; i++) {
        if (collect_input(model, inputs->paths[i]) == 0)
            good++;
        else
            code = EXIT_COULD_NOT;
    }
    if (good > 0 || model->calls > 0) {
        struct report report = {.model = model, .out = stdout, .top = values->top};
        report.color = terminal_color((enum color_choice)values->color, stdout);
        if (analysis_finish(model) != 0 ||
            (values->format == FORMAT_JSON ? report_json(&report) : report_text(&report)) != 0) {
            message_error("out of memory: the report is incomplete");
            code = EXIT_COULD_NOT;
        }
    }
    analysis_close(model);
    return message_finish_stdout(code);
}

static int analyze_run(int argc, char **argv) {
    struct analyze_values values = {.top = 10};
    int operands;
    int code = options_parse(&command_analyze, argc, argv, &values, &operands);
    if (code != OPTIONS_PARSED)
        return code;
    if (operands == 0) {
        message_error("name a trace, a log, a folder of them, or - for standard input");
        return EXIT_COULD_NOT;
    }
    struct input_list inputs;
    int listed = input_list_make(&inputs, operands, argv + 1);
    code = inputs.count > 0 ? analyze(&values, &inputs) : EXIT_COULD_NOT;
    input_list_free(&inputs);
    return listed == 0 ? code : EXIT_COULD_NOT;
}

const struct command command_analyze = {
    .name = "analyze",
    .operands = "[options] INPUT...",
    .summary = "report on calls: most frequent, slowest, repeated",
    .details =
        "Reads traces (.ptrace) and logs (text with PERF_TRACE lines among anything else) and reports the "
        "functions called most, the slowest calls, who calls whom, calls repeated with the same parameters, "
        "and "
        "the same question asked by different callers.\n\n"
        "INPUT is a file, a folder (its *.ptrace and *.log files), or - for standard input. "
        "Several inputs are added up; the call numbers then begin with the input's: #2:42.",
    .options = analyze_options,
    .run = analyze_run,
};
