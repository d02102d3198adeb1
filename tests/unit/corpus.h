/* Small programs' calls, made up: with what is to be found in them known from how each was made. For tests of the analysis. */
#ifndef PERFTRACE_TESTS_CORPUS_H
#define PERFTRACE_TESTS_CORPUS_H

#include "make_trace.h"

#include <stdio.h>

#define CORPUS_VALUES_MAX 4u
#define CORPUS_TEXT_MAX 160u

struct corpus_value {
    const char *name;
    bool is_text;
    int64_t number;
    char text[CORPUS_TEXT_MAX];
};

struct corpus_call {
    int parent; /* index, or -1 */
    const char *function;
    struct corpus_value parameters[CORPUS_VALUES_MAX], metrics[CORPUS_VALUES_MAX];
    unsigned parameter_count, metric_count;
    unsigned track; /* from 1; of an async call: where it ends */
    bool async;
    uint64_t start_ns, end_ns;
};

enum corpus_finding { CORPUS_N_PLUS_ONE, CORPUS_OTHER_CALLER, CORPUS_AT_ONCE, CORPUS_FINDINGS };

/* To be found once, with any one of these functions as the one that is called again and again. */
struct corpus_label {
    enum corpus_finding finding;
    const char *functions[4];
};

/* The classes: first what is to be found, then what only looks like it. */
#define CORPUS_EACH_CLASS(DO)                                                                                \
    DO(plain)                                                                                                \
    DO(interleaved)                                                                                          \
    DO(parallel)                                                                                             \
    DO(nested)                                                                                               \
    DO(recursive)                                                                                            \
    DO(literals)                                                                                             \
    DO(other_caller)                                                                                         \
    DO(at_once)                                                                                              \
    DO(queries)                                                                                              \
    DO(retries)                                                                                              \
    DO(pages)                                                                                                \
    DO(warm_up)                                                                                              \
    DO(batches)                                                                                              \
    DO(in_turn)                                                                                              \
    DO(two_parameters)                                                                                       \
    DO(polling)                                                                                              \
    DO(ordinary)

enum corpus_class {
#define CORPUS_NUMBER(name) CORPUS_##name,
    CORPUS_EACH_CLASS(CORPUS_NUMBER) CORPUS_CLASSES
};
extern const char *const corpus_class_names[CORPUS_CLASSES];

/* How all of a program's calls look. */
struct corpus_style {
    unsigned ids;     /* what ids are like */
    unsigned metrics; /* 0: none */
    uint64_t unit_ns; /* what a call takes, about */
    uint64_t base;    /* of ids */
};

struct corpus {
    struct corpus_call *calls;
    unsigned count, capacity;
    struct corpus_label labels[8];
    unsigned label_count;
    enum corpus_class class;
    struct corpus_style style;
    uint64_t random, now_ns;
    int open; /* the innermost call that has not ended; -1: none */
    unsigned track;
};

/* The same for the same seed. Free with corpus_free. */
void corpus_make(struct corpus *corpus, enum corpus_class class, uint64_t seed);
void corpus_free(struct corpus *corpus);

/* A log's lines; `own`: with what perftrace's own lines end with, parent_call among it, else as other programs write them. */
void corpus_write_log(const struct corpus *corpus, FILE *file, bool own);
/* A trace. Calls of a parent on another thread become async. */
void corpus_write_trace(const struct corpus *corpus, struct made *made);

/* ---- for the classes ------------------------------------------------------------------------------ */

uint64_t corpus_random(struct corpus *corpus, uint64_t below);
unsigned corpus_between(struct corpus *corpus, unsigned least, unsigned most);
bool corpus_chance(struct corpus *corpus, unsigned percent);
const char *corpus_pick(struct corpus *corpus, const char *const *words, size_t count);
#define PICK(corpus, words) corpus_pick(corpus, words, sizeof(words) / sizeof((words)[0]))

int corpus_begin(struct corpus *corpus, const char *function);
void corpus_end(struct corpus *corpus);  /* the innermost */
void corpus_work(struct corpus *corpus); /* as long as a call takes, about */
void corpus_pass(struct corpus *corpus, uint64_t ns);
void corpus_number(struct corpus *corpus, const char *name, int64_t number);
void corpus_text(struct corpus *corpus, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void corpus_metric(struct corpus *corpus, const char *name, int64_t number);
void corpus_metric_text(struct corpus *corpus, const char *name, const char *text);
void corpus_id(struct corpus *corpus, const char *name, unsigned which); /* another one for each `which` */
void corpus_leaf(struct corpus *corpus, const char *function);           /* without parameters */
void corpus_label(struct corpus *corpus, enum corpus_finding finding, const char *function,
                  const char *other);

#define CORPUS_DECLARE(name) void corpus_class_##name(struct corpus *corpus);
CORPUS_EACH_CLASS(CORPUS_DECLARE)

#endif
