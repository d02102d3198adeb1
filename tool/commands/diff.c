/* perftrace diff: two sets of runs compared. */
#include "command.h"

#include "../support/collect.h"
#include "../support/child.h"
#include "../support/page_file.h"
#include "../support/terminal.h"
#include "../support/turns.h"
#include "../verdict/diff.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum per { PER_AUTO, PER_RUN, PER_FRAME, PER_CALL };
enum counts { COUNTS_TELL, COUNTS_FAIL };
static const char *const per_names[] = {"auto", "run", "frame", "call", NULL};
static const char *const pairs_names[] = {"auto", "yes", "no", NULL}; /* as enum changes_pairs */
static const char *const counts_names[] = {"tell", "fail", NULL};

struct diff_values {
    const char *commands[RUNS_SIDES], *keep;
    const char *output, *html, *threshold;
    int format; /* into findings_formats */
    int color, per, pairs, counts;
    uint64_t runs, confidence, top, memory;
};

static const struct option diff_options[] = {
    OPTION(NUMBER, "runs", 'r', diff_values, runs, "N",
           "Run two programs so many times each, in turns, and compare what they record."),
    OPTION(TEXT, "base", 0, diff_values, commands[RUNS_BASE], "COMMAND",
           "With --runs: the program before the change, with its arguments."),
    OPTION(TEXT, "head", 0, diff_values, commands[RUNS_HEAD], "COMMAND",
           "With --runs: the program after it."),
    OPTION(TEXT, "keep", 0, diff_values, keep, "FOLDER",
           "With --runs: leave the traces in FOLDER. Default: they are removed."),
    OPTION_OF(findings_format_names, "format", 'f', diff_values, format, "For whom. Default: text."),
    OPTION(TEXT, "output", 'o', diff_values, output, "FILE",
           "Write the answer to FILE; standard output then has it as text."),
    OPTION(TEXT, "html", 0, diff_values, html, "FILE",
           "Also write a page with a flame graph of both sides to FILE, to be opened in a browser."),
    OPTION(TEXT, "threshold", 't', diff_values, threshold, "PERCENT",
           "By how much slower is slower. Default: 2."),
    OPTION(NUMBER, "confidence", 0, diff_values, confidence, "PERCENT",
           "How certain it has to be that all that is called slower is. Default: 95."),
    OPTION_OF(pairs_names, "pairs", 0, diff_values, pairs,
              "Whether the first of base and the first of head ran one after the other, and so on. Default: "
              "auto, where there are as many of each."),
    OPTION_OF(per_names, "per", 0, diff_values, per,
              "Whose time is compared. Default: auto, a run's; a frame's, where runs differ in their frames; "
              "a call's, where calls vary from run to run."),
    OPTION_OF(counts_names, "counts", 0, diff_values, counts,
              "Whether more calls, or more repeated ones, are a regression or only told. Default: tell."),
    OPTION(NUMBER, "top", 'n', diff_values, top, "N",
           "So many spans of each kind, in text and markdown; 0: all. Default: 10."),
    OPTION(SIZE, "memory", 0, diff_values, memory, "SIZE",
           "How much memory to use at most: 256M, 4G; at least 64M. Default: 1536M."),
    OPTION_COLOR(diff_values),
    OPTION_END,
};

/* ---- operands ------------------------------------------------------------------------------------------ */

/* Where the arguments of head begin: behind `--`. argc: there is none. -1: there are two. */
static int find_head(int argc, char **argv) {
    int found = argc;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--") == 0) {
            if (found != argc)
                return -1;
            found = i;
        }
    return found;
}

/* Options may stand on both sides of `--`. The operands of each side go to the front of its arguments, from operands[side] on. */
static int parse(int argc, char **argv, struct diff_values *values, char **operands[RUNS_SIDES],
                 int counts[RUNS_SIDES]) {
    int head = find_head(argc, argv), code;
    if (head < 0)
        return message_could_not("there is more than one --: it stands once, between base and head");
    char *end = head < argc ? argv[head] : NULL;
    argv[head] = NULL;
    code = options_parse(&command_diff, head, argv, values, &counts[RUNS_BASE]);
    operands[RUNS_BASE] = operands[RUNS_HEAD] = argv + 1;
    counts[RUNS_HEAD] = 0;
    if (code != OPTIONS_PARSED || end == NULL)
        return code;
    argv[head] = end;
    operands[RUNS_HEAD] = argv + head + 1;
    return options_parse(&command_diff, argc - head, argv + head, values, &counts[RUNS_HEAD]);
}

/* Without `--`: one operand each. 0, or the exit code. */
static int divide(bool divided, char **operands[RUNS_SIDES], int counts[RUNS_SIDES]) {
    int count = counts[RUNS_BASE];
    if (divided && count > 0 && counts[RUNS_HEAD] > 0)
        return 0;
    if (divided)
        return message_could_not(count == 0 ? "name the traces or logs of base, before --"
                                            : "name the traces or logs of head, after --");
    if (count == 2) {
        counts[RUNS_BASE] = counts[RUNS_HEAD] = 1;
        operands[RUNS_HEAD] = operands[RUNS_BASE] + 1;
        return 0;
    }
    if (count > 2)
        return message_could_not("put -- between the traces or logs of base and those of head");
    return message_could_not("name two sets of runs, traces or logs or folders of them: BASE... -- HEAD...");
}

/* ---- options -------------------------------------------------------------------------------------------- */

/* A number of percent, not negative. */
static int parse_threshold(const char *text, double *share) {
    char *end;
    if (text == NULL) {
        *share = 0.02;
        return 0;
    }
    double percent = strtod(text, &end);
    if (*text < '0' || *text > '9' || (strcmp(end, "") != 0 && strcmp(end, "%") != 0) || percent > 1000)
        return message_could_not("--threshold: \"%s\" is no number of percent between 0 and 1000", text);
    *share = percent / 100;
    return 0;
}

/* Then there is no place for anything else. */
static bool page_is_on_stdout(const struct diff_values *values) {
    return values->html != NULL && strcmp(values->html, "-") == 0;
}

static int take_options(const struct diff_values *values, struct diff *diff) {
    if (parse_threshold(values->threshold, &diff->options.threshold) != 0)
        return EXIT_COULD_NOT;
    if (values->confidence < 50 || values->confidence > 99)
        return message_could_not("--confidence: between 50 and 99 percent");
    if (!collect_memory_suffices(values->memory))
        return EXIT_COULD_NOT;
    if (page_is_on_stdout(values) && values->output != NULL)
        return message_could_not(
            "--html=- has standard output for itself: --output would have its text there");
    diff->options.alpha = 1 - (double)values->confidence / 100;
    diff->options.pairs = (enum changes_pairs)values->pairs;
    diff->options.unit_is_chosen = values->per != PER_AUTO;
    diff->options.unit = values->per == PER_FRAME  ? CHANGES_PER_FRAME
                         : values->per == PER_CALL ? CHANGES_PER_CALL
                                                   : CHANGES_PER_RUN;
    diff->memory = values->memory;
    diff->counts_fail = values->counts == COUNTS_FAIL;
    return 0;
}

/* ---- the command ----------------------------------------------------------------------------------------- */

/* "base.ptrace -> head.ptrace", "9 runs (base/1.ptrace …) -> …", "9 runs of ./base -> …". */
static void add_side(struct perftrace_buffer *text, const struct input_list *list, const char *command) {
    const char *name = command != NULL ? command : list->paths[0];
    if (command != NULL || list->count > 1)
        perftrace_buffer_print(text, "%zu run%s%s", list->count, list->count == 1 ? "" : "s",
                               command != NULL ? " of " : " (");
    perftrace_buffer_visible(text, perftrace_text_of(name));
    if (command == NULL && list->count > 1)
        perftrace_buffer_text(text, " …)");
}

/* 0, or -1 after an error message. */
static int write_page(const struct diff *diff, const struct findings *findings, const char *path) {
    struct outfile page;
    if (path == NULL)
        return 0;
    if (page_file_open(&page, path) != 0)
        return -1;
    int status = diff_page(diff, findings, page.file);
    if (status != 0)
        message_error("out of memory: the page is incomplete");
    return page_file_close(&page) == 0 ? status : -1;
}

static int answer(const struct diff_values *values, const struct diff *diff) {
    struct findings findings = {
        .command = "diff", .arena = {.bytes_max = (size_t)1 << 30}, .shown_max = values->top};
    struct perftrace_buffer about = {0};
    int code = EXIT_COULD_NOT;
    add_side(&about, diff->sides[RUNS_BASE], values->commands[RUNS_BASE]);
    perftrace_buffer_text(&about, " -> ");
    add_side(&about, diff->sides[RUNS_HEAD], values->commands[RUNS_HEAD]);
    findings.about = findings_text(&findings, &about);
    const char *command = values->commands[RUNS_HEAD]; /* the program, as its traces may be gone */
    const char *place = command != NULL ? command : diff->sides[RUNS_HEAD]->paths[0];
    findings.place = findings_visible(
        &findings, (struct perftrace_text){place, command != NULL ? strcspn(place, " ") : strlen(place)});
    free(about.bytes);
    if (diff_judge(diff, &findings) != 0)
        message_error("out of memory");
    else if (write_page(diff, &findings, values->html) == 0 &&
             (page_is_on_stdout(values) ||
              findings_deliver(&findings, findings_formats[values->format], values->output,
                               (enum color_choice)values->color) == 0))
        code = message_finish_stdout(findings_exit_code(&findings));
    findings_free(&findings);
    return code;
}

static int compare_inputs(const struct diff_values *values, struct diff *diff) {
    int code = EXIT_COULD_NOT;
    if (diff->options.pairs == CHANGES_PAIRS_YES &&
        diff->sides[RUNS_BASE]->count != diff->sides[RUNS_HEAD]->count)
        message_error("--pairs=yes: there are %zu runs of base and %zu of head",
                      diff->sides[RUNS_BASE]->count, diff->sides[RUNS_HEAD]->count);
    else if (diff_inputs(diff) == 0)
        code = answer(values, diff);
    diff_close(diff);
    return code;
}

static int compare_files(const struct diff_values *values, struct diff *diff, char **operands[RUNS_SIDES],
                         const int counts[RUNS_SIDES]) {
    struct input_list lists[RUNS_SIDES];
    int listed = 0, code = EXIT_COULD_NOT;
    for (int side = 0; side < RUNS_SIDES; side++) {
        listed |= input_list_make(&lists[side], counts[side], operands[side]);
        diff->sides[side] = &lists[side];
    }
    if (listed == 0)
        code = compare_inputs(values, diff);
    for (int side = 0; side < RUNS_SIDES; side++) {
        input_list_free(&lists[side]);
        diff->sides[side] = NULL;
    }
    return code;
}

/* ---- running ---------------------------------------------------------------------------------------------- */

struct running {
    const struct diff_values *values;
    struct diff *diff;
    const char *folder;
};

static int run_and_compare(void *context) {
    const struct running *running = context;
    const struct diff_values *values = running->values;
    const struct turns turns = {.names = {"base", "head"},
                                .commands = {values->commands[RUNS_BASE], values->commands[RUNS_HEAD]},
                                .runs = values->runs,
                                .folder = running->folder};
    struct input_list lists[RUNS_SIDES] = {0};
    int code = EXIT_COULD_NOT;
    for (int side = 0; side < RUNS_SIDES; side++)
        running->diff->sides[side] = &lists[side];
    if (turns_run(&turns, lists) == 0)
        code = compare_inputs(values, running->diff);
    for (int side = 0; side < RUNS_SIDES; side++)
        input_list_free(&lists[side]);
    return code;
}

/* In a process of its own, so that whatever ends it, a signal or a lack of memory, somebody is left who removes the traces. */
static int compare_programs(const struct diff_values *values, struct diff *diff) {
    struct child child;
    char *folder = turns_folder(values->keep);
    struct running running = {values, diff, folder};
    if (folder == NULL)
        return EXIT_COULD_NOT;
    int reason = child_call(&child, run_and_compare, &running);
    if (values->keep == NULL)
        turns_remove(folder);
    else
        message_note("the traces are in %s/base and %s/head", folder, folder);
    free(folder);
    if (reason != 0)
        return message_could_not("%s", strerror(reason));
    if (child.signal != 0)
        raise(child.signal);
    return child.signal != 0 ? 128 + child.signal : child.status;
}

/* 0, or the exit code: what --runs needs and goes with. */
static int check_runs(const struct diff_values *values, bool divided, const int counts[RUNS_SIDES]) {
    bool both = values->commands[RUNS_BASE] != NULL && values->commands[RUNS_HEAD] != NULL;
    if (values->runs == 0)
        return message_could_not(
            "--runs: say how often each program is to run, once at the least; --base, --head and --keep need "
            "it");
    if (values->runs > TURNS_RUNS_MAX)
        return message_could_not("--runs: at most 999");
    if (!both)
        return message_could_not(
            "--runs: --base and --head name the programs, each with its arguments in one text");
    if (divided || counts[RUNS_BASE] > 0)
        return message_could_not("--runs runs two programs; it does not go with traces or logs");
    return 0;
}

static int diff_run(int argc, char **argv) {
    struct diff_values values = {.confidence = 95, .top = 10, .memory = COLLECT_MEMORY_DEFAULT};
    struct diff diff = {0};
    char **operands[RUNS_SIDES];
    int counts[RUNS_SIDES];
    bool divided = find_head(argc, argv) < argc;
    int code = parse(argc, argv, &values, operands, counts);
    if (code != OPTIONS_PARSED)
        return code;
    bool runs = values.runs != 0 || values.commands[RUNS_BASE] != NULL ||
                values.commands[RUNS_HEAD] != NULL || values.keep != NULL;
    code = runs ? check_runs(&values, divided, counts) : divide(divided, operands, counts);
    if (code == 0)
        code = take_options(&values, &diff);
    if (code != 0)
        return code;
    return runs ? compare_programs(&values, &diff) : compare_files(&values, &diff, operands, counts);
}

const struct command command_diff = {
    .name = "diff",
    .operands = "[options] BASE... -- HEAD...",
    .summary = "compare two sets of runs, span by span",
    .details =
        "Tells which spans have become slower, and which faster, from runs of a program before and after a "
        "change: traces, logs, or folders of them; without -- one of each. What is compared is self time, "
        "what a span takes without the spans in it. Exit code 0: no regression; 1: something has become "
        "slower, for certain; 2: it could not be done; 3: it is inconclusive: too few runs, records that "
        "were lost.\n\n"
        "With --runs, --base and --head name two programs, which are run in turns, base, head, head, base "
        "and so on, each run with a trace of its own; a program that fails ends it.\n\n"
        "Also told: spans that are new or gone, spans that others call now, and changes of the number of "
        "calls and of repeated calls (same caller, same parameters), which are exact.",
    .more = findings_list_formats,
    .options = diff_options,
    .run = diff_run,
};
