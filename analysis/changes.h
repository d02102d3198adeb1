/* Two sides of runs (runs.h) compared: which spans have become slower or faster, which are new, gone or called by others, and whose
 * calls are more or fewer.
 *
 * What is compared of a span is its self time, so that what does more work itself stands out, and not all that is around it. The figure is
 * that of a run where its calls are as many in all runs of a side: then it may be because of more calls that it is slower. Where
 * runs have different numbers of frames, it is that of a frame. And where the number of calls varies between runs of one side, which
 * only time can have decided (a program that runs for ten seconds, a benchmark that chooses how often), it is that of a call. */
#ifndef PERFTRACE_ANALYSIS_CHANGES_H
#define PERFTRACE_ANALYSIS_CHANGES_H

#include "compare.h"
#include "runs.h"

enum changes_unit { CHANGES_PER_RUN, CHANGES_PER_FRAME, CHANGES_PER_CALL };
enum changes_pairs { CHANGES_PAIRS_IF_EQUAL, CHANGES_PAIRS_YES, CHANGES_PAIRS_NO };

struct changes_options {
    double threshold, alpha; /* as in struct compare_options */
    /* The first of base and the first of head belong together, and so on: if there are as many. */
    enum changes_pairs pairs;
    bool unit_is_chosen; /* `unit` is for all spans; per frame only where all runs have frames */
    enum changes_unit unit;
};

enum changes_presence {
    CHANGES_BOTH,      /* in all runs */
    CHANGES_NEW,       /* in no run of base */
    CHANGES_GONE,      /* in no run of head */
    CHANGES_SOMETIMES, /* in some runs of a side, and not in others */
};

/* A number in the runs of one side: the least and the most. */
struct changes_count {
    double least, most;
};
static inline bool changes_varies(const struct changes_count sides[RUNS_SIDES]) {
    return sides[RUNS_BASE].least < sides[RUNS_BASE].most || sides[RUNS_HEAD].least < sides[RUNS_HEAD].most;
}
/* Exactly: it is the same in all runs of a side, and another on the other. */
static inline bool changes_differs(const struct changes_count sides[RUNS_SIDES]) {
    return !changes_varies(sides) && (sides[RUNS_BASE].least < sides[RUNS_HEAD].least ||
                                      sides[RUNS_BASE].least > sides[RUNS_HEAD].least);
}

struct change {
    uint32_t function; /* of runs.h; of all spans together: INTERN_NONE */
    enum changes_presence presence;
    uint32_t runs_with[RUNS_SIDES]; /* so many runs of each side have it */
    enum changes_unit unit;         /* of the self time: */
    double ns[RUNS_SIDES];          /* medians over runs; of runs without it: 0 */
    bool judged;                    /* the answer in `time` is one */
    struct compare_span time;
    double share; /* of the self time of all spans, on the side where it is larger */
    /* Where it has several: that of runs.h which has most of the difference; else INTERN_NONE. */
    uint32_t path;
    double path_ns[RUNS_SIDES]; /* and its self time, of a run on average */
    bool per_frame;             /* calls and repeated are those of a frame, else of a run */
    struct changes_count calls[RUNS_SIDES], repeated[RUNS_SIDES];
};

/* Somebody else calls it. */
struct changes_caller {
    uint32_t function, caller; /* caller INTERN_NONE: no span around it */
    bool come;                 /* in all runs of head and none of base; else the other way round */
};

struct changes {
    struct change *spans; /* each that has calls */
    size_t count;
    struct change together; /* all spans; judged where runs do the same work, or have frames */
    /* Of spans that are on both sides; those of one function stand together. */
    struct changes_caller *callers;
    size_t caller_count;
    size_t runs[RUNS_SIDES]; /* that are compared: complete ones, or, where a side has none, all of it */
    size_t *compared;        /* these runs: those of base, then those of head */
    bool incomplete;         /* and that is so */
    bool pairs;
    size_t runs_needed; /* of each side, for any difference of any span to become certain */
    double *figures;    /* what `time` points to */
};

enum { CHANGES_JUDGED_MAX = 4000 }; /* spans whose times are compared: the heaviest */

/* 0, or -PERFTRACE_ERROR_MEMORY; then, too, to be freed. */
int changes_find(struct changes *changes, const struct runs *runs, const struct changes_options *options);
void changes_free(struct changes *changes);

#endif
