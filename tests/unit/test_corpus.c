/* Precision and recall on generated programs (corpus.h), written as logs and as traces: what is reported against what each
 * program was made to hold. Prints the figures by class; with arguments SEED PROGRAMS of other ones, and every mistake. */
#include "../../analysis/siblings.h"
#include "corpus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum form { FORM_LOG, FORM_TRACE, FORM_FOREIGN_LOG, FORMS };
static const char *const form_names[FORMS] = {"logs", "traces", "logs without parent_call"};

struct score {
    unsigned programs, labels, found, right, wrong;
};

static uint64_t first_seed = 31337; /* the detector was made with others */
static unsigned programs_of_class = 80;
static bool verbose;

/* ---- one program ---------------------------------------------------------------------------------- */

static void write_program(const struct corpus *corpus, enum form form, const char *path) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    if (form == FORM_TRACE) {
        struct made made = {0};
        corpus_write_trace(corpus, &made);
        assert_int_equal(fwrite(made.bytes, 1, made.length, file), made.length);
        made_free(&made);
    } else
        corpus_write_log(corpus, file, form == FORM_LOG);
    assert_int_equal(fclose(file), 0);
}

static struct analysis *analyse(const struct corpus *corpus, const char *path) {
    struct analysis *analysis = analysis_open(&(struct analysis_options){.slowest_max = 1});
    struct perftrace_error_info error;
    struct perftrace_reader *reader = perftrace_reader_open(path, NULL, &error);
    assert_non_null(analysis);
    assert_non_null(reader);
    assert_int_equal(analysis_begin_input(analysis, path), 0);
    struct perftrace_call *calls;
    size_t count;
    while ((count = perftrace_reader_calls(reader, &calls)) > 0)
        assert_int_equal(analysis_calls(analysis, reader, calls, count), 0);
    assert_int_equal(analysis_end_input(analysis, perftrace_reader_info(reader), 1), 0);
    assert_int_equal(analysis_finish(analysis), 0);
    assert_int_equal(analysis->calls, corpus->count);
    perftrace_reader_close(reader);
    return analysis;
}

/* ---- scoring -------------------------------------------------------------------------------------- */

struct scoring {
    const struct corpus *corpus;
    const struct analysis *analysis;
    unsigned matches[8]; /* by label */
    struct score *score;
    uint64_t seed;
    enum form form;
};

static void mistake(const struct scoring *scoring, const char *what, const char *function) {
    if (verbose)
        printf("  %s seed %llu %s: %s %s\n", corpus_class_names[scoring->corpus->class],
               (unsigned long long)scoring->seed, form_names[scoring->form], what, function);
}

static void add_finding(struct scoring *scoring, enum corpus_finding finding, uint32_t function) {
    const char *name = scoring->analysis->functions[function].name.bytes;
    for (unsigned i = 0; i < scoring->corpus->label_count; i++) {
        const struct corpus_label *label = &scoring->corpus->labels[i];
        bool named = false;
        for (unsigned j = 0; j < 4 && label->functions[j] != NULL; j++)
            named |= strcmp(label->functions[j], name) == 0;
        if (label->finding != finding || !named)
            continue;
        /* The same N + 1 at another level is one too many; the others are told by what was asked. */
        bool again = finding == CORPUS_N_PLUS_ONE && scoring->matches[i] > 0;
        scoring->matches[i]++;
        *(again ? &scoring->score->wrong : &scoring->score->right) += 1;
        if (again)
            mistake(scoring, "told twice:", name);
        return;
    }
    scoring->score->wrong++;
    mistake(scoring,
            finding == CORPUS_N_PLUS_ONE     ? "not N + 1:"
            : finding == CORPUS_OTHER_CALLER ? "not asked by two:"
                                             : "not at once:",
            name);
}

static void score(struct scoring *scoring) {
    const struct analysis *analysis = scoring->analysis;
    const struct analysis_siblings *siblings = analysis_siblings(analysis);
    for (uint32_t i = 0; i < siblings->n_plus_one_count; i++)
        add_finding(scoring, CORPUS_N_PLUS_ONE, siblings->n_plus_one[i].function);
    for (uint32_t i = 0; i < siblings->asked_again_count; i++)
        if (siblings->asked_again[i].first_caller != siblings->asked_again[i].again_caller)
            add_finding(scoring, CORPUS_OTHER_CALLER, siblings->asked_again[i].function);
    for (uint32_t i = 0; i < siblings->sequential_count; i++) {
        uint32_t question = analysis->signatures[siblings->sequential[i].signature].question;
        add_finding(scoring, CORPUS_AT_ONCE, analysis->questions[question].function);
    }
    scoring->score->programs++;
    for (unsigned i = 0; i < scoring->corpus->label_count; i++) {
        scoring->score->labels++;
        scoring->score->found += scoring->matches[i] > 0;
        if (scoring->matches[i] == 0)
            mistake(scoring, "missed:", scoring->corpus->labels[i].functions[0]);
    }
}

/* ---- all ------------------------------------------------------------------------------------------ */

static double percent(unsigned some, unsigned all) {
    return all == 0 ? 100 : 100.0 * some / all;
}

static void run(enum form form, struct score *sum) {
    printf("%s:\n%-16s %8s %6s %6s %6s %6s\n", form_names[form], "class", "programs", "labels", "found",
           "right", "wrong");
    for (int class = 0; class < CORPUS_CLASSES; class ++) {
        struct score of_class = {0};
        if (form == FORM_FOREIGN_LOG && class == CORPUS_parallel)
            continue; /* nothing tells whose calls these are */
        for (unsigned i = 0; i < programs_of_class; i++) {
            struct corpus corpus;
            corpus_make(&corpus, (enum corpus_class) class, first_seed + i);
            write_program(&corpus, form, "program");
            struct analysis *analysis = analyse(&corpus, "program");
            struct scoring scoring = {.corpus = &corpus,
                                      .analysis = analysis,
                                      .score = &of_class,
                                      .seed = first_seed + i,
                                      .form = form};
            score(&scoring);
            analysis_close(analysis);
            corpus_free(&corpus);
        }
        printf("%-16s %8u %6u %6u %6u %6u\n", corpus_class_names[class], of_class.programs, of_class.labels,
               of_class.found, of_class.right, of_class.wrong);
        sum->programs += of_class.programs;
        sum->labels += of_class.labels;
        sum->found += of_class.found;
        sum->right += of_class.right;
        sum->wrong += of_class.wrong;
    }
    printf("%u programs: precision %.1f %%, recall %.1f %%\n\n", sum->programs,
           percent(sum->right, sum->right + sum->wrong), percent(sum->found, sum->labels));
    unlink("program");
}

static void check(enum form form, double precision, double recall) {
    struct score sum = {0};
    run(form, &sum);
    assert_true(sum.programs > 1000);
    assert_true(percent(sum.right, sum.right + sum.wrong) >= precision);
    assert_true(percent(sum.found, sum.labels) >= recall);
}

static void logs(void **state) {
    (void)state;
    check(FORM_LOG, 95, 99);
}

static void traces(void **state) {
    (void)state;
    check(FORM_TRACE, 95, 99);
}

/* They say less: no parents, no times below a millisecond. */
static void foreign_logs(void **state) {
    (void)state;
    check(FORM_FOREIGN_LOG, 90, 95);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logs),
        cmocka_unit_test(traces),
        cmocka_unit_test(foreign_logs),
    };
    if (argc == 3) {
        verbose = true;
        first_seed = strtoull(argv[1], NULL, 10);
        programs_of_class = (unsigned)strtoul(argv[2], NULL, 10);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
