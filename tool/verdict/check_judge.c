/* From judged promises to findings, in sentences. */
#include "check.h"

#include "../../format/format.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static const char *value_text(const struct promise *promise, double value) {
    static char texts[4][CHECK_VALUE_MAX];
    static unsigned next;
    char *text = texts[next++ % 4];
    check_value_text(promise, value, text);
    return text;
}

/* ---- why nothing can be said ------------------------------------------------------------------------------ */

/* Whether there is a place that records such spans. */
static bool knows(const struct check *check, const char *name) {
    for (uint32_t i = 0; i < check->names.count; i++)
        if (check->names.entries[i].owner == PERFTRACE_RECORD_BEGIN &&
            strcmp(text_table_get(&check->names, i).bytes, name) == 0)
            return true;
    return false;
}

static void say_never_ran(const struct check *check, const struct promise *promise,
                          struct perftrace_buffer *text) {
    static const unsigned kinds[] = {[PROMISE_SPAN] = PERFTRACE_RECORD_BEGIN,
                                     [PROMISE_FRAME] = PERFTRACE_RECORD_FRAME,
                                     [PROMISE_MEMORY] = PERFTRACE_RECORD_MEMORY,
                                     [PROMISE_COUNTER] = PERFTRACE_RECORD_COUNTER};
    static const char *const what[] = {[PROMISE_SPAN] = "it never ran",
                                       [PROMISE_FRAME] = "there are no two marks of such frames",
                                       [PROMISE_MEMORY] = "there is no such pool",
                                       [PROMISE_COUNTER] = "there is no such counter",
                                       [PROMISE_REDUNDANT] = "there are no calls"};
    if (promise->subject == PROMISE_SPAN && knows(check, promise->name)) {
        perftrace_buffer_text(text, "no call of it has ended");
        return;
    }
    perftrace_buffer_text(text, what[promise->subject]);
    if (promise->name != NULL)
        check_nearest(check, kinds[promise->subject], promise->name, text);
}

/* Why there are no samples. False: there are. */
static bool say_why_none(const struct check *check, const struct promise *promise,
                         const struct measured *measured, struct perftrace_buffer *text) {
    if (measured->samples.count > 0)
        return false;
    if (promise->track != NULL && strcmp(promise->track, "gpu") == 0 && check->gpu_tracks == 0)
        perftrace_buffer_text(text, "there is no GPU track here");
    else if (measured->seen == 0)
        say_never_ran(check, promise, text);
    else if (measured->tracks == 0) {
        perftrace_buffer_text(text, "it never ran on a track like ");
        perftrace_buffer_visible(text, perftrace_text_of(promise->track));
        check_nearest(check, CHECK_TRACKS, promise->track, text);
    } else if (measured->with_metric == 0 && promise->measure == PROMISE_CPU)
        perftrace_buffer_text(text,
                              "its calls have no metric cpu_ns, cpu_us or cpu_ms: PERF_METRIC records one");
    else if (measured->with_metric == 0) {
        perftrace_buffer_text(text, "its calls have no metric ");
        perftrace_buffer_visible(text, perftrace_text_of(promise->metric));
    } else if (promise->scope == PROMISE_PER_FRAME && measured->scopes == 0)
        perftrace_buffer_print(
            text,
            "there are no two marks of frames (PERF_FRAME); if a span is the frame, say per and its name");
    else if (promise->scope == PROMISE_PER_SPAN && measured->scopes == 0) {
        perftrace_buffer_text(text, "what it is per never ran");
        check_nearest(check, PERFTRACE_RECORD_BEGIN, promise->scope_name, text);
    } else if (promise->scope == PROMISE_PER_SECOND && measured->scopes == 0)
        perftrace_buffer_text(text, "there is no whole second of it");
    else
        perftrace_buffer_text(text, "all of it lies in the warm-up");
    return true;
}

/* ---- what was measured -------------------------------------------------------------------------------------- */

static void say_count(const struct promise *promise, uint64_t count, struct perftrace_buffer *text) {
    perftrace_buffer_print(text, "%" PRIu64 " ", count);
    check_samples_name(promise, count, text);
}

static void say_more(const struct promise *promise, const struct judged *judged,
                     struct perftrace_buffer *text) {
    if (promise->statistic == PROMISE_GROWTH) {
        perftrace_buffer_text(text, "; a longer run would tell");
        return;
    }
    if (judged->more_runs) {
        perftrace_buffer_text(
            text, "; it is nearer to the limit than runs differ from each other: more runs would tell");
        return;
    }
    if (judged->more == JUDGE_NEVER_KNOWN) {
        perftrace_buffer_text(text, "; it is too near to the limit for any number of samples to tell");
        return;
    }
    perftrace_buffer_text(text, "; about ");
    say_count(promise, judged->more, text);
    perftrace_buffer_text(text, " more would tell");
}

static void say_dependence(const struct promise *promise, const struct measured *measured,
                           const struct judged *judged, struct perftrace_buffer *text) {
    if (judged->dependence < 1.5)
        return;
    perftrace_buffer_print(text, " (they resemble each other: %" PRIu64 " ", measured->samples.count);
    check_samples_name(promise, measured->samples.count, text);
    perftrace_buffer_print(text, " tell as much as %.0f)",
                           floor((double)measured->samples.count / judged->dependence));
}

static void say_percentile(const struct promise *promise, const struct measured *measured,
                           const struct judged *judged, struct perftrace_buffer *text) {
    perftrace_buffer_print(text, "%s; %" PRIu64 " of ", value_text(promise, judged->value),
                           measured->samples.passed);
    say_count(promise, measured->samples.count, text);
    perftrace_buffer_print(text, " %s beyond the limit, %.4g may be",
                           measured->samples.passed == 1 ? "is" : "are", judged->allowed);
    if (judged->verdict != VERDICT_INCONCLUSIVE)
        perftrace_buffer_print(text, ", p = %.1g", judged->p_value);
    say_dependence(promise, measured, judged, text);
}

static void say_interval(const struct promise *promise, const struct measured *measured,
                         const struct judged *judged, struct perftrace_buffer *text) {
    perftrace_buffer_print(text, "%s", value_text(promise, judged->value));
    if (isfinite(judged->lower) && isfinite(judged->upper))
        perftrace_buffer_print(text, ", certainly between %s and %s", value_text(promise, judged->lower),
                               value_text(promise, judged->upper));
    perftrace_buffer_text(text, ", of ");
    say_count(promise, measured->samples.count, text);
    say_dependence(promise, measured, judged, text);
}

static void say_exactly(const struct promise *promise, const struct measured *measured,
                        const struct judged *judged, struct perftrace_buffer *text) {
    perftrace_buffer_print(text, "%s", value_text(promise, judged->value));
    if (promise->scope == PROMISE_PER_RUN && measured->samples.count == 1)
        return;
    if (judged->verdict == VERDICT_FAIL && promise->statistic != PROMISE_SUM) {
        perftrace_buffer_print(text, "; %" PRIu64 " of ", measured->samples.passed);
        say_count(promise, measured->samples.count, text);
        perftrace_buffer_print(text, " %s beyond the limit", measured->samples.passed == 1 ? "is" : "are");
        return;
    }
    perftrace_buffer_text(text, ", of ");
    say_count(promise, measured->samples.count, text);
}

static void say_measured(const struct promise *promise, const struct measured *measured,
                         const struct judged *judged, struct perftrace_buffer *text) {
    if (promise->statistic == PROMISE_PERCENTILE)
        say_percentile(promise, measured, judged, text);
    else if (promise->statistic == PROMISE_MEAN || promise->statistic == PROMISE_GROWTH)
        say_interval(promise, measured, judged, text);
    else
        say_exactly(promise, measured, judged, text);
}

/* ---- one promise ---------------------------------------------------------------------------------------------- */

/* The first input in which something is missing. */
static const char *incomplete(const struct check *check, size_t *which) {
    for (size_t i = 0; i < check->inputs->count; i++)
        if (check->states[i].why[0] != '\0') {
            *which = i;
            return check->states[i].why;
        }
    return NULL;
}

/* Why a promise that refers to the baseline has no limit. False: it has one, or is to get a new one. */
static bool say_why_unlimited(const struct check *check, size_t which, struct perftrace_buffer *text) {
    if (!check->unlimited[which] || check->renew)
        return false;
    const struct baseline_line *line = baseline_find(check->baseline, check->budget->promises[which].figure);
    if (line == NULL)
        perftrace_buffer_text(text, "it is not in the baseline; --update-baseline adds it");
    else
        perftrace_buffer_print(text, "the baseline's %" PRIu64 " samples were too few for a bound",
                               line->samples);
    return true;
}

static void add_figures(struct finding *finding, const struct promise *promise,
                        const struct measured *measured, const struct judged *judged) {
    bool any = measured->samples.count > 0;
    findings_figure(finding, "samples", (double)measured->samples.count);
    findings_figure(finding, "value", any ? judged->value : NAN);
    findings_figure(finding, "lower", any ? judged->lower : NAN);
    findings_figure(finding, "upper", any ? judged->upper : NAN);
    findings_figure(finding, "limit", promise->limit);
    findings_figure(finding, "beyond", (double)measured->samples.passed);
    findings_figure(finding, "p_value", any ? judged->p_value : NAN);
    findings_figure(finding, "dependence", judged->dependence);
    findings_figure(finding, "samples_more",
                    judged->verdict == VERDICT_INCONCLUSIVE && judged->more != JUDGE_NEVER_KNOWN
                        ? (double)judged->more
                        : NAN);
}

static int judge_promise(struct check *check, size_t which, struct findings *findings,
                         struct finding *finding) {
    const struct promise promise = check->promises[which];
    const struct measured *measured = measure_result(check->measure, which);
    struct perftrace_buffer text = {0};
    struct judged judged = {.verdict = VERDICT_INCONCLUSIVE, .dependence = 1, .more = JUDGE_NEVER_KNOWN};
    size_t input = 0;
    int status = -1;
    finding->name = findings_visible(findings, perftrace_text_of(promise.text));
    finding->rule = "budget";
    const bool sited = measured->file[0] != '\0';
    finding->file =
        findings_visible(findings, perftrace_text_of(sited ? measured->file : check->budget_path));
    finding->line = sited ? measured->line : promise.line;
    if (!say_why_none(check, &promise, measured, &text) && !say_why_unlimited(check, which, &text)) {
        if (judge(&promise, &measured->samples, check->alpha, &judged) != 0)
            goto out;
        say_measured(&promise, measured, &judged, &text);
        if (promise.relative && !check->renew)
            perftrace_buffer_print(&text, "; the baseline allows %s", value_text(&promise, promise.limit));
        if (promise.relative && check->renew)
            judged.verdict = VERDICT_PASS;
        else if (judged.verdict == VERDICT_INCONCLUSIVE)
            say_more(&promise, &judged, &text);
    }
    if (judged.verdict == VERDICT_PASS && promise.subject == PROMISE_REDUNDANT && check->redundant_inexact) {
        judged.verdict = VERDICT_INCONCLUSIVE;
        perftrace_buffer_text(&text, "; but there was no memory to tell all parameters apart");
    }
    if (measured->lost > 0) { /* which ones those were is not by chance: nothing can be told */
        judged.verdict = VERDICT_INCONCLUSIVE;
        perftrace_buffer_print(
            &text, "; but there was no memory for %" PRIu64 " of what counts (--memory allows more)",
            measured->lost);
    }
    const char *why = incomplete(check, &input);
    if (judged.verdict != VERDICT_FAIL && why != NULL) {
        perftrace_buffer_print(&text, judged.verdict == VERDICT_PASS ? "; but " : "; ");
        judged.verdict = VERDICT_INCONCLUSIVE;
        if (check->inputs->count > 1) {
            perftrace_buffer_text(&text, "in ");
            perftrace_buffer_visible(&text, perftrace_text_of(check->inputs->paths[input]));
            perftrace_buffer_text(&text, " ");
        }
        perftrace_buffer_print(&text, "%s", why);
    }
    add_figures(finding, &promise, measured, &judged);
    finding->verdict = judged.verdict;
    finding->weight =
        fabs(promise.limit) > 0 && isfinite(promise.limit) ? judged.value / promise.limit : judged.value;
    finding->message = findings_text(findings, &text);
    status = 0;
out:
    free(text.bytes);
    return status;
}

int check_judge(struct check *check, struct findings *findings) {
    size_t count = check->budget->count, broken_count = 0;
    struct check_broken *broken = calloc(count + 1, sizeof *broken);
    int status = broken != NULL ? 0 : -1;
    for (size_t i = 0; status == 0 && i < count; i++) {
        struct finding *finding = findings_add(findings);
        status = finding != NULL ? judge_promise(check, i, findings, finding) : -1;
    }
    for (size_t i = 0; status == 0 && i < count; i++)
        if (findings->list[i].verdict == VERDICT_FAIL)
            broken[broken_count++] = (struct check_broken){i, &findings->list[i]};
    if (status == 0 && broken_count > 0)
        status = check_explain(check, findings, broken, broken_count);
    free(broken);
    return status != 0 || findings->failed ? -1 : 0;
}
