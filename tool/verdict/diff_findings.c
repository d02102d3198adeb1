/* From changes to findings: in sections, what matters most first. */
#include "diff.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* How much a run takes more or less, for certain. */
static double certain_ns(const struct diff *diff, const struct change *change) {
    double runs = (double)diff->changes.runs[RUNS_BASE] + (double)diff->changes.runs[RUNS_HEAD];
    double share = change->time.answer == COMPARE_FASTER ? -change->time.upper : change->time.lower;
    return isfinite(share) ? share * change->time.weight / runs : 0;
}

/* By how much all spans together could be slower because of this one. */
static double possible_share(const struct diff *diff, const struct change *change) {
    (void)diff;
    return isfinite(change->time.upper) ? change->share * change->time.upper : change->share;
}

static double estimated_share(const struct diff *diff, const struct change *change) {
    (void)diff;
    return change->share * fabs(change->time.change);
}

static double share_of_all(const struct diff *diff, const struct change *change) {
    (void)diff;
    return change->share;
}

/* How many calls more or less, times what one takes. */
static double weight_of_counts(const struct changes_count counts[RUNS_SIDES]) {
    return fabs(counts[RUNS_HEAD].least - counts[RUNS_BASE].least);
}

static double weight_of_calls(const struct diff *diff, const struct change *change) {
    (void)diff;
    return weight_of_counts(change->calls);
}

static double weight_of_repeated(const struct diff *diff, const struct change *change) {
    (void)diff;
    return weight_of_counts(change->repeated);
}

/* ---- what belongs where ----------------------------------------------------------------------------------- */

static bool has_answer(const struct change *change, enum compare_answer answer) {
    return change->judged && change->time.answer == answer;
}

static bool is_slower(const struct diff *diff, const struct change *change) {
    (void)diff;
    return has_answer(change, COMPARE_SLOWER);
}

static bool is_faster(const struct diff *diff, const struct change *change) {
    (void)diff;
    return has_answer(change, COMPARE_FASTER);
}

static bool is_same(const struct diff *diff, const struct change *change) {
    (void)diff;
    return has_answer(change, COMPARE_SAME);
}

static bool is_too_few(const struct diff *diff, const struct change *change) {
    (void)diff;
    return has_answer(change, COMPARE_TOO_FEW);
}

static bool could_matter(const struct diff *diff, const struct change *change) {
    return has_answer(change, COMPARE_UNCLEAR) && possible_share(diff, change) > diff->options.threshold;
}

static bool is_unclear(const struct diff *diff, const struct change *change) {
    return has_answer(change, COMPARE_UNCLEAR) && !could_matter(diff, change);
}

static bool is_new(const struct diff *diff, const struct change *change) {
    (void)diff;
    return change->presence == CHANGES_NEW;
}

static bool is_gone(const struct diff *diff, const struct change *change) {
    (void)diff;
    return change->presence == CHANGES_GONE;
}

static bool is_sometimes(const struct diff *diff, const struct change *change) {
    (void)diff;
    return change->presence == CHANGES_SOMETIMES;
}

/* What is not in all runs can't be compared. Where it is in more runs of head, and nothing tells of all spans together, it may be
 * a regression. */
static enum verdict verdict_of_sometimes(const struct diff *diff, const struct change *change) {
    const size_t *runs = diff->changes.runs;
    bool more =
        change->runs_with[RUNS_HEAD] * runs[RUNS_BASE] > change->runs_with[RUNS_BASE] * runs[RUNS_HEAD];
    return more && !diff->changes.together.judged && change->share > diff->options.threshold
               ? VERDICT_INCONCLUSIVE
               : VERDICT_PASS;
}

static bool is_moved(const struct diff *diff, const struct change *change) {
    for (size_t i = 0; i < diff->changes.caller_count; i++)
        if (diff->changes.callers[i].function == change->function)
            return true;
    return false;
}

/* Another number for certain, or, where it varies, in no run of one side as many as in any of the other. */
static bool differ(const struct changes_count counts[RUNS_SIDES]) {
    return changes_differs(counts) || counts[RUNS_BASE].most < counts[RUNS_HEAD].least ||
           counts[RUNS_HEAD].most < counts[RUNS_BASE].least;
}

static bool has_other_calls(const struct diff *diff, const struct change *change) {
    (void)diff;
    return change->presence == CHANGES_BOTH && differ(change->calls);
}

/* Calls that vary repeat themselves as often as they happen to be there, and so do those of more frames. */
static bool has_other_repeated(const struct diff *diff, const struct change *change) {
    (void)diff;
    return change->presence == CHANGES_BOTH && !change->per_frame && !changes_varies(change->calls) &&
           changes_differs(change->repeated);
}

/* ---- sections --------------------------------------------------------------------------------------------- */

static void say_callers(const struct diff *diff, const struct change *change, struct perftrace_buffer *text) {
    diff_say_callers(diff, change, text);
}

/* About how many runs of each side would tell, as bounds come nearer with the root of it; 0: not known. Either the lower bound has to pass the
 * threshold, or the upper one has to keep from what would matter. */
static double runs_wanted(const struct diff *diff, const struct change *change) {
    const size_t *runs = diff->changes.runs;
    double now = (double)(runs[RUNS_BASE] < runs[RUNS_HEAD] ? runs[RUNS_BASE] : runs[RUNS_HEAD]);
    double estimate = log1p(change->time.change), lower = log1p(change->time.lower),
           upper = log1p(change->time.upper);
    double slower = log1p(diff->options.threshold), matters = log1p(diff->options.threshold / change->share);
    double nearer = fmax((estimate - slower) / (estimate - lower), (matters - estimate) / (upper - estimate));
    return isfinite(nearer) && nearer > 0 ? fmax(ceil(now / (nearer * nearer)), now + 1) : 0;
}

static void say_unclear(const struct diff *diff, const struct change *change, struct perftrace_buffer *text) {
    enum { MANY = 100 };
    double wanted = runs_wanted(diff, change);
    diff_say_time(diff, change, text);
    if (wanted > MANY) {
        perftrace_buffer_text(text, "; runs differ too much for any reasonable number of them to tell");
    } else if (wanted > 0) {
        perftrace_buffer_print(text, "; about %" PRIu64 " runs of each would tell", (uint64_t)wanted);
    }
}

static void say_too_few(const struct diff *diff, const struct change *change, struct perftrace_buffer *text) {
    diff_say_time(diff, change, text);
    perftrace_buffer_text(text, "; not certain");
}

struct section {
    const char *title, *rule, *kind;
    enum verdict verdict;
    bool (*wants)(const struct diff *diff, const struct change *change);
    double (*weight)(const struct diff *diff, const struct change *change);
    void (*say)(const struct diff *diff, const struct change *change, struct perftrace_buffer *text);
};

static const char too_few_title[] = "Not certain, for want of runs";

static const struct section sections[] = {
    {"Slower", "slower", "time", VERDICT_FAIL, is_slower, certain_ns, diff_say_time},
    {"Not certain, and large enough to matter", "unclear", "time", VERDICT_INCONCLUSIVE, could_matter,
     possible_share, say_unclear},
    {too_few_title, "too-few-runs", "time", VERDICT_INCONCLUSIVE, is_too_few, estimated_share, say_too_few},
    {"Faster", "faster", "time", VERDICT_PASS, is_faster, certain_ns, diff_say_time},
    {"New", "new", "presence", VERDICT_PASS, is_new, share_of_all, diff_say_presence},
    {"Gone", "gone", "presence", VERDICT_PASS, is_gone, share_of_all, diff_say_presence},
    {"Moved", "moved", "callers", VERDICT_PASS, is_moved, share_of_all, say_callers},
    {"Calls", "calls", "calls", VERDICT_PASS, has_other_calls, weight_of_calls, diff_say_calls},
    {"Repeated calls (same caller, same parameters)", "repeated", "repeated", VERDICT_PASS,
     has_other_repeated, weight_of_repeated, diff_say_repeated},
    {"In some runs only", "sometimes", "presence", VERDICT_PASS, is_sometimes, share_of_all,
     diff_say_presence},
    {"Perhaps slower, but too small to matter", "unclear-small", "time", VERDICT_PASS, is_unclear,
     possible_share, diff_say_time},
    {NULL, "same", "time", VERDICT_PASS, is_same, share_of_all, diff_say_time},
};

/* ---- findings ---------------------------------------------------------------------------------------------- */

static void add_figures(struct finding *finding, const struct change *change) {
    static const char *const units[] = {"run", "frame", "call"};
    finding->per = units[change->unit];
    findings_figure(finding, "base_ns", change->ns[RUNS_BASE]);
    findings_figure(finding, "head_ns", change->ns[RUNS_HEAD]);
    if (change->judged) {
        findings_figure(finding, "change", change->time.change);
        findings_figure(finding, "lower", change->time.lower > -1 ? change->time.lower : NAN); /* unbounded */
        findings_figure(finding, "upper", change->time.upper);
        findings_figure(finding, "p_value", fmin(change->time.p_slower, change->time.p_faster));
    }
    findings_figure(finding, "share", change->share);
    if (change->function == INTERN_NONE)
        return;
    findings_figure(finding, "base_calls", change->calls[RUNS_BASE].least);
    findings_figure(finding, "base_calls_most", change->calls[RUNS_BASE].most);
    findings_figure(finding, "head_calls", change->calls[RUNS_HEAD].least);
    findings_figure(finding, "head_calls_most", change->calls[RUNS_HEAD].most);
    findings_figure(finding, "base_repeated", change->repeated[RUNS_BASE].least);
    findings_figure(finding, "head_repeated", change->repeated[RUNS_HEAD].least);
}

/* With --counts=fail more of them is a regression; what varies is not certain. */
static enum verdict verdict_of_counts(const struct diff *diff, const struct section *section,
                                      const struct change *change) {
    const struct changes_count *counts = section->wants == has_other_calls ? change->calls : change->repeated;
    if (!diff->counts_fail || counts[RUNS_HEAD].least <= counts[RUNS_BASE].most)
        return VERDICT_PASS;
    return changes_varies(counts) ? VERDICT_INCONCLUSIVE : VERDICT_FAIL;
}

/* What is not certain, and does not look like a change either. */
static bool is_of_no_interest(const struct diff *diff, const struct section *section,
                              const struct change *change) {
    double share = section->wants == is_unclear ? change->time.change : fabs(change->time.change);
    return (section->wants == is_unclear || section->wants == is_too_few) && share <= diff->options.threshold;
}

/* Whether it is of numbers, which may be a failure if that is asked for. */
static bool is_of_counts(const struct section *section) {
    return section->wants == has_other_calls || section->wants == has_other_repeated;
}

static int add_finding(const struct diff *diff, struct findings *findings, const struct section *section,
                       const struct change *change, double weight) {
    struct finding *finding = findings_add(findings);
    struct perftrace_buffer text = {0};
    if (finding == NULL)
        return -1;
    if (change->function == INTERN_NONE)
        perftrace_buffer_text(&text, "all spans together");
    else
        perftrace_buffer_visible(&text, runs_name(&diff->runs, change->function));
    if (text.length == 0)
        perftrace_buffer_text(&text, "\"\""); /* a span may have no name */
    finding->name = findings_text(findings, &text);
    section->say(diff, change, &text);
    finding->message = findings_text(findings, &text);
    if (section->wants == is_slower || section->wants == could_matter) {
        diff_say_where(diff, change, &text);
        finding->details = text.length > 0 ? findings_text(findings, &text) : NULL;
    }
    free(text.bytes);
    finding->rule = change->function == INTERN_NONE ? "together" : section->rule;
    finding->kind = section->kind;
    finding->section = section->title;
    finding->quiet = section->wants == is_same || is_of_no_interest(diff, section, change);
    finding->weight = weight;
    finding->verdict = is_of_counts(section)            ? verdict_of_counts(diff, section, change)
                       : section->wants == is_sometimes ? verdict_of_sometimes(diff, change)
                                                        : section->verdict;
    if (finding->verdict == VERDICT_FAIL && diff->changes.incomplete) {
        finding->verdict = VERDICT_INCONCLUSIVE;
        finding->section = is_of_counts(section) ? section->title : "Slower, as far as can be told";
    }
    if (change->function != INTERN_NONE && diff->places[change->function].file != NULL) {
        finding->file = diff->places[change->function].file;
        finding->line = diff->places[change->function].line;
    }
    add_figures(finding, change);
    return 0;
}

struct weighed {
    const struct change *change;
    double weight;
};

static int heaviest_first(const void *left, const void *right) {
    const struct weighed *a = left, *b = right;
    if (a->weight < b->weight || a->weight > b->weight)
        return a->weight > b->weight ? -1 : 1;
    return (a->change > b->change) - (a->change < b->change);
}

static int add_section(const struct diff *diff, struct findings *findings, const struct section *section) {
    const struct changes *changes = &diff->changes;
    struct weighed *found = malloc((changes->count + 1) * sizeof *found);
    size_t count = 0;
    if (found == NULL)
        return -1;
    for (size_t i = 0; i < changes->count; i++)
        if (section->wants(diff, &changes->spans[i]))
            found[count++] = (struct weighed){&changes->spans[i], section->weight(diff, &changes->spans[i])};
    qsort(found, count, sizeof *found, heaviest_first);
    if (section->wants(diff, &changes->together) && changes->together.judged)
        found[count++] = (struct weighed){&changes->together, 0}; /* a span says more */
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++)
        status = add_finding(diff, findings, section, found[i].change, found[i].weight);
    free(found);
    return status;
}

/* Inputs in which something is missing. */
static int add_incomplete(const struct diff *diff, struct findings *findings) {
    for (size_t i = 0; i < diff->runs.count; i++) {
        struct perftrace_buffer text = {0};
        if (diff->inputs[i].why[0] == '\0')
            continue;
        struct finding *finding = findings_add(findings);
        if (finding == NULL)
            return -1;
        *finding = (struct finding){.verdict = VERDICT_INCONCLUSIVE,
                                    .rule = "incomplete",
                                    .kind = "runs",
                                    .section = "Incomplete",
                                    .weight = INFINITY};
        perftrace_buffer_visible(&text, perftrace_text_of(diff->inputs[i].path));
        finding->name = findings_text(findings, &text);
        perftrace_buffer_text(&text, diff->inputs[i].why);
        perftrace_buffer_text(
            &text, diff->changes.incomplete ? "; nothing is certain, as no run of that side is complete"
                   : diff->changes.pairs    ? "; it and the run that it is a pair with are left out"
                                            : "; it is left out");
        finding->message = findings_text(findings, &text);
        free(text.bytes);
    }
    return 0;
}

/* Too few runs for anything to be certain: how many it takes. */
static int add_runs_needed(const struct diff *diff, struct findings *findings) {
    const struct changes *changes = &diff->changes;
    struct perftrace_buffer text = {0};
    bool too_few = changes->together.judged && changes->together.time.answer == COMPARE_TOO_FEW;
    for (size_t i = 0; i < changes->count && !too_few; i++)
        too_few = is_too_few(diff, &changes->spans[i]);
    if (!too_few)
        return 0;
    struct finding *finding = findings_add(findings);
    if (finding == NULL)
        return -1;
    *finding = (struct finding){.verdict = VERDICT_INCONCLUSIVE,
                                .rule = "runs",
                                .kind = "runs",
                                .name = "runs",
                                .section = too_few_title,
                                .weight = INFINITY};
    perftrace_buffer_print(&text, "%zu of base, %zu of head: %s; it takes about %zu of each",
                           changes->runs[RUNS_BASE], changes->runs[RUNS_HEAD],
                           changes->runs[RUNS_BASE] == 1 && changes->runs[RUNS_HEAD] == 1
                               ? "no difference of times can be certain"
                               : "too few for every difference of times to become certain",
                           changes->runs_needed);
    finding->message = findings_text(findings, &text);
    free(text.bytes);
    return 0;
}

int diff_judge(const struct diff *diff, struct findings *findings) {
    struct perftrace_buffer text = {0};
    int status = add_incomplete(diff, findings);
    for (size_t i = 0; i < sizeof sections / sizeof *sections && status == 0; i++) {
        if (sections[i].wants == is_too_few)
            status = add_runs_needed(diff, findings);
        if (status == 0)
            status = add_section(diff, findings, &sections[i]);
    }
    diff_say_notes(diff, &text);
    findings->notes = findings_text(findings, &text);
    diff_say_summary(diff, findings, &text);
    findings->summary = findings_text(findings, &text);
    free(text.bytes);
    return status != 0 || findings->failed ? -1 : 0;
}
