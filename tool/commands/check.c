/* perftrace check: a budget held against traces and logs. */
#include "command.h"

#include "../support/collect.h"
#include "../support/messages.h"
#include "../support/terminal.h"
#include "../verdict/check.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct check_values {
    const char *budget, *baseline, *output;
    bool update_baseline;
    int format; /* into findings_formats */
    int color;
    uint64_t confidence, memory;
};

static const struct option check_options[] = {
    OPTION(TEXT, "budget", 'b', check_values, budget, "FILE",
           "The promises, one a line, as \"frame p99 <= 16.6ms\". Needed."),
    OPTION_OF(findings_format_names, "format", 'f', check_values, format, "For whom. Default: text."),
    OPTION(TEXT, "output", 'o', check_values, output, "FILE",
           "Write the answer to FILE; standard output then has it as text."),
    OPTION(TEXT, "baseline", 0, check_values, baseline, "FILE",
           "What was measured before, for limits such as +5%."),
    OPTION(FLAG, "update-baseline", 0, check_values, update_baseline, NULL,
           "Write what is measured now to the baseline; limits that refer to it then hold."),
    OPTION(NUMBER, "confidence", 0, check_values, confidence, "PERCENT",
           "How certain a verdict has to be. Default: 95."),
    OPTION(SIZE, "memory", 0, check_values, memory, "SIZE",
           "How much memory to use at most: 256M, 4G; at least 64M. What that does not suffice for is "
           "inconclusive. Default: 1536M."),
    OPTION_COLOR(check_values),
    OPTION_END,
};

/* What was measured certainly: of a complete input, and with samples. */
static int renew(const struct check *check, struct baseline *baseline, const char *path) {
    for (size_t i = 0; i < check->inputs->count; i++)
        if (check->states[i].why[0] != '\0')
            return message_error("%s: %s; the baseline stays as it is", check->inputs->paths[i],
                                 check->states[i].why);
    for (size_t i = 0; i < check->budget->count; i++) {
        const struct measured *measured = measure_result(check->measure, i);
        struct judged judged;
        if (measured->lost > 0)
            return message_error(
                "%s: there was no memory for all that counts (--memory allows more); the baseline stays as "
                "it is",
                check->budget->promises[i].text);
        if (measured->samples.count == 0)
            continue;
        if (judge(&check->budget->promises[i], &measured->samples, check->alpha, &judged) != 0 ||
            baseline_set(baseline, &(struct baseline_line){.figure = check->budget->promises[i].figure,
                                                           .value = judged.value,
                                                           .lower = judged.lower,
                                                           .upper = judged.upper,
                                                           .samples = measured->samples.count}) != 0) {
            return message_error("out of memory");
        }
    }
    return baseline_write(baseline, path);
}

static int check_all(const struct check_values *values, struct check *check, struct baseline *baseline) {
    struct findings findings = {.command = "check", .arena = {.bytes_max = (size_t)256 << 20}};
    int code = EXIT_COULD_NOT;
    findings.about = findings_visible(&findings, perftrace_text_of(values->budget));
    if (check_inputs(check) == 0) {
        if (check_judge(check, &findings) != 0)
            message_error("out of memory");
        else if (findings_deliver(&findings, findings_formats[values->format], values->output,
                                  (enum color_choice)values->color) == 0)
            code = message_finish_stdout(findings_exit_code(&findings));
        if (code != EXIT_COULD_NOT && values->update_baseline &&
            renew(check, baseline, values->baseline) != 0)
            code = EXIT_COULD_NOT;
    }
    findings_free(&findings);
    check_close(check);
    return code;
}

static bool needs_baseline(const struct budget_file *budget, const struct check_values *values) {
    for (size_t i = 0; i < budget->count; i++)
        if (budget->promises[i].relative && values->baseline == NULL) {
            message_error("%s:%u: this limit refers to a baseline, which --baseline names", values->budget,
                          budget->promises[i].line);
            return true;
        }
    return false;
}

static int check_with(const struct check_values *values, const struct input_list *inputs) {
    struct budget_file budget;
    struct baseline baseline = {0};
    bool missing = false;
    int code = EXIT_COULD_NOT;
    if (budget_read(&budget, values->budget) != 0 || needs_baseline(&budget, values))
        goto out;
    if (values->baseline != NULL && baseline_read(&baseline, values->baseline, &missing) != 0)
        goto out;
    if (missing && !values->update_baseline) {
        message_error("%s: there is no such baseline; --update-baseline makes it", values->baseline);
        goto out;
    }
    struct check check = {.budget = &budget,
                          .budget_path = values->budget,
                          .inputs = inputs,
                          .baseline = &baseline,
                          .renew = values->update_baseline,
                          .alpha = 1 - (double)values->confidence / 100,
                          .memory = values->memory};
    code = check_all(values, &check, &baseline);
out:
    budget_free(&budget);
    baseline_free(&baseline);
    return code;
}

static int check_run(int argc, char **argv) {
    struct check_values values = {.confidence = 95, .memory = COLLECT_MEMORY_DEFAULT};
    int operands;
    int code = options_parse(&command_check, argc, argv, &values, &operands);
    if (code != OPTIONS_PARSED)
        return code;
    if (values.budget == NULL)
        message_error("--budget names the file of promises, which is needed");
    else if (operands == 0)
        message_error("name a trace, a log, a folder of them, or - for standard input");
    else if (values.confidence < 50 || values.confidence > 99)
        message_error("--confidence: between 50 and 99 percent");
    else if (values.update_baseline && values.baseline == NULL)
        message_error("--update-baseline: --baseline names the file");
    else if (collect_memory_suffices(values.memory))
        goto good;
    return EXIT_COULD_NOT;
good:;
    struct input_list inputs;
    int listed = input_list_make(&inputs, operands, argv + 1);
    code = listed == 0 && inputs.count > 0 ? check_with(&values, &inputs) : EXIT_COULD_NOT;
    input_list_free(&inputs);
    return code;
}

const struct command command_check = {
    .name = "check",
    .operands = "[options] --budget FILE INPUT...",
    .summary = "hold a budget against traces and logs",
    .details =
        "Measures what the budget makes promises about, and answers each: passed, failed, or inconclusive. "
        "Exit code 0: all passed; 1: something failed; 2: it could not be done; 3: nothing failed, but "
        "something is inconclusive: too few samples, records that were lost, a span that never ran.\n\n"
        "A promise is a line: a span (or frame, memory POOL, counter NAME, redundant calls), what of it "
        "(max, mean, p99, calls, self p99 …), per what (per frame, per second, per run, or per the name of "
        "an enclosing span), and a limit: <= 3ms. Several inputs are runs of one program.",
    .more = findings_list_formats,
    .options = check_options,
    .run = check_run,
};
