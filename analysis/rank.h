/* Orders for reports: what comes first in a section. */
#ifndef PERFTRACE_ANALYSIS_RANK_H
#define PERFTRACE_ANALYSIS_RANK_H

#include "collect.h"

/* Each returns an array of pointers into the model, to be freed with free(), and its length in *count
 * (0 and an array that may be freed when nothing qualifies); NULL without memory. */

enum rank_order { RANK_CALLS, RANK_TOTAL, RANK_SELF, RANK_MAX, RANK_P99, RANK_NAME, RANK_ORDERS };

/* By their bytes: as strcmp would. */
int rank_texts(struct perftrace_text a, struct perftrace_text b);

/* Functions that were called: what `order` says, the most first; ties by name. */
const struct analysis_function **rank_functions(const struct analysis *analysis, enum rank_order order,
                                                size_t *count);

/* Most calls first, ties by the names of caller and function. */
const struct analysis_edge **rank_edges(const struct analysis *analysis, size_t *count);

/* Signatures with at least `calls_min` calls: most calls first, ties by first call. `shown`: only so many of the first ones have to be in
 * order (0: all); the others follow in any. */
const struct analysis_signature **rank_repeated(const struct analysis *analysis, uint64_t calls_min,
                                                size_t shown, size_t *count);

/* Questions with parameters that more than one caller asked: most calls first, ties by first call. */
const struct analysis_question **rank_shared_questions(const struct analysis *analysis, size_t *count);

/* The signatures of one question, in order of their first calls. */
const struct analysis_signature **rank_askers(const struct analysis *analysis,
                                              const struct analysis_question *question, size_t *count);

#endif
