/* Calls under one parent call: N + 1 (one function again and again, with another value of one parameter each time),
 * the same question again, and the same question again at once.
 *
 * How the calls of a parent are found. A call's parent is the call whose number it gives. Where a log gives none, it
 * is the next call of the caller's name to end on the same thread; where the caller never stands in the log itself,
 * calls of one caller whose numbers are at most SIBLINGS_GAP_MAX apart are taken for those of one parent (`by_name`:
 * less sure). Calls without a caller are nobody's siblings.
 *
 * Which level is reported. A call that lies deeper (parent -> helper -> query) counts for the parent if the helper
 * makes fewer than three such calls; up to three functions lie between. The deepest repeated call that differs in
 * one parameter is reported, with the functions between, and the helper above it is not (there have to be three
 * helpers, too); a helper is reported itself where less than a tenth of its time goes into such calls. Calls of a
 * function by itself (a walk) count for the outermost of them, unless one level alone has three; but
 * not where each is within another, and none beside another.
 *
 * What is N + 1. At least three calls of one function under one parent, of the same parameters by name, that differ
 * in the value of exactly one, which takes at least three values. Queries' texts are compared without their
 * literals: texts of another structure are other questions, texts that differ in literals are one. What looks like
 * it and is not, told by what the calls do first and by names last:
 * - batches: the value is a list;
 * - pages: the value moves on by what was returned, or in constant steps with full answers until the last (steps of five and more that are
 *   not what was answered speak against it), or is what the call before answered;
 * - retries and polling: a counter from 0 or 1, or doubling values, with failures until the last call, growing or
 *   regular pauses, or a parent that mostly waits;
 * - filling a cache: a parent that runs once, at the start, whose values are later asked for elsewhere, more
 *   cheaply; and those later calls.
 *
 * What is asked again counts where the answer was still valid, by options.invalidations (validity.h).
 *
 * What would be saved. Each single call takes at least as long as the parent's fastest one, whatever it is about:
 * one call for all is taken to take that time once, and all that the others took beyond it. So saved_ns is, for each
 * parent, one call less than there are times the fastest one.
 *
 * Parents of one function whose calls have been the same thing sixteen times in a row are added up without being
 * looked at closely, but for each sixteenth; the parameter that differs, and counts and times, are those of each. */
#ifndef PERFTRACE_ANALYSIS_SIBLINGS_H
#define PERFTRACE_ANALYSIS_SIBLINGS_H

#include "collect.h"

#define SIBLINGS_THROUGH_MAX 3u
#define SIBLINGS_EXAMPLES_MAX 8u
#define SIBLINGS_GAP_MAX 128u

enum analysis_confidence { ANALYSIS_CERTAIN, ANALYSIS_LIKELY, ANALYSIS_POSSIBLE };
const char *analysis_confidence_name(enum analysis_confidence confidence); /* "certain" … */

/* N + 1, added up over all parents of one function. */
struct analysis_n_plus_one {
    uint32_t caller, function; /* the parent's function, and the one called N times */
    uint32_t through[SIBLINGS_THROUGH_MAX];
    uint32_t through_count; /* functions between: caller -> through[0] -> … -> function */
    uint32_t parameter;     /* that differs: analysis_text gives its name */
    enum analysis_confidence confidence;
    bool by_name;                                            /* no parent numbers */
    uint64_t parents;                                        /* so many parents did it */
    uint64_t calls;                                          /* N, of all of them */
    uint64_t total_ns;                                       /* spent in these calls */
    uint64_t saved_ns;                                       /* if each parent made one call instead */
    uint64_t largest_n;                                      /* of one parent */
    struct analysis_call_id largest;                         /* that parent; number 0: unknown */
    struct analysis_call_id examples[SIBLINGS_EXAMPLES_MAX]; /* its first calls */
    uint32_t example_count;
    uint32_t question; /* of the first example */
};

/* One function with the same parameters asked again under one parent call (or up to three levels deeper), added up
 * over all parameters by who asked first and who asked again. */
struct analysis_asked_again {
    uint32_t function, first_caller, again_caller; /* the callers may be the same */
    uint64_t parents;                              /* parent calls in which it happened */
    uint64_t again;                                /* calls that were not the first */
    uint64_t saved_ns;                             /* spent in those */
    struct analysis_call_id first, second;         /* one instance: the dearest */
    uint32_t question;                             /* of that */
    bool by_name;
    uint64_t last_parent; /* the part's own */
};

/* The same, of one signature or question. */
struct analysis_within {
    uint64_t parents, again, again_ns;
    struct analysis_call_id parent, first, second; /* an instance, the first; parent.number 0: unknown */
    uint64_t last_parent;                          /* the part's own */
};

/* The same signature again, as the very next call of its parent, with the same answer and without a pause. */
struct analysis_sequential {
    uint32_t signature;
    uint64_t runs;                                          /* so many times it happened */
    uint64_t calls;                                         /* of all runs, their first calls too */
    uint64_t longest;                                       /* calls of one run */
    uint64_t saved_ns;                                      /* spent in all but the first of each run */
    struct analysis_call_id numbers[SIBLINGS_EXAMPLES_MAX]; /* of the longest run, in order */
    uint32_t number_count;
};

/* Why repeated calls were not reported as N + 1. */
enum analysis_look_alike {
    ANALYSIS_BATCHES,
    ANALYSIS_PAGES,
    ANALYSIS_RETRIES,
    ANALYSIS_POLLING,
    ANALYSIS_CACHE_USE, /* filling one at the start, and what is then asked from it */
    ANALYSIS_LOOK_ALIKES,
};
const char *analysis_look_alike_name(enum analysis_look_alike what); /* "batches" … */

/* After analysis_finish, each by confidence, then by time saved, then by first call. */
struct analysis_siblings {
    struct analysis_n_plus_one *n_plus_one;
    struct analysis_asked_again *asked_again;
    struct analysis_sequential *sequential;
    uint32_t n_plus_one_count, asked_again_count, sequential_count;
    uint64_t look_alikes[ANALYSIS_LOOK_ALIKES]; /* parents left out */
};
const struct analysis_siblings *analysis_siblings(const struct analysis *analysis);

/* Asked again within one parent call: by the same caller, by another. NULL: never. */
const struct analysis_within *analysis_within_signature(const struct analysis *analysis, uint32_t signature);
const struct analysis_within *analysis_within_question(const struct analysis *analysis, uint32_t question);

#endif
