/* What a diff says: changes in sentences, with their units. */
#include "diff.h"

#include "../support/units.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static const char *const units[] = {"run", "frame", "call"}; /* by enum changes_unit */

/* Times of less than 10 ns with a decimal: a call's may be that short. */
static void say_ns(struct perftrace_buffer *text, double ns) {
    if (ns < 9.95 && ns >= 0.05)
        perftrace_buffer_print(text, "%.1f ns", ns);
    else
        perftrace_buffer_text(text, units_duration(ns < 1.8e19 ? (uint64_t)(ns + 0.5) : UINT64_MAX).text);
}

static void say_number(struct perftrace_buffer *text, double number) {
    if (number < 1e15 && fabs(number - round(number)) < 1e-9)
        perftrace_buffer_print(text, "%.0f", number);
    else
        perftrace_buffer_print(text, "%.4g", number);
}

/* ---- times --------------------------------------------------------------------------------------------- */

/* A share as people read it: 5.2, 130. */
static const char *percent_text(double share) {
    static char texts[2][32];
    static unsigned next;
    char *text = texts[next++ % 2];
    double percent = fabs(share) * 100;
    snprintf(text, sizeof texts[0], percent < 99.95 ? "%.1f" : "%.0f", percent);
    return text;
}

static bool from_nothing(const struct change *change) {
    return change->ns[RUNS_BASE] < 0.05;
}

/* "5.2 % slower", "3.1 % faster", "as fast as before". */
static void say_difference(const struct change *change, struct perftrace_buffer *text) {
    double share = change->time.change;
    if (from_nothing(change) && change->ns[RUNS_HEAD] >= 0.05)
        perftrace_buffer_text(text, "slower, from next to nothing");
    else if (share > 9)
        perftrace_buffer_print(text, "%.3g times as slow", 1 + share);
    else {
        const char *percent = percent_text(share);
        if (strcmp(percent, "0.0") == 0)
            perftrace_buffer_text(text, "as fast as before");
        else
            perftrace_buffer_print(text, "%s %% %s", percent, share < 0 ? "faster" : "slower");
    }
}

/* ", certainly between 4.1 and 6.3 %": the bounds, where they are known. Of what is not certain they are probable. */
static void say_bounds(const struct change *change, struct perftrace_buffer *text) {
    double lower = change->time.lower, upper = change->time.upper;
    if (lower <= -1 || !isfinite(upper) || from_nothing(change))
        return;
    bool open = change->time.answer == COMPARE_UNCLEAR || change->time.answer == COMPARE_TOO_FEW;
    const char *how = open ? "probably" : "certainly";
    if (upper < 0) /* of what became faster: by how much */
        perftrace_buffer_print(text, ", %s between %s and %s %%", how, percent_text(upper),
                               percent_text(lower));
    else if (change->time.change > 9)
        perftrace_buffer_print(text, ", %s between %.3g and %.3g times", how, 1 + lower, 1 + upper);
    else if (lower >= 0)
        perftrace_buffer_print(text, ", %s between %s and %s %%", how, percent_text(lower),
                               percent_text(upper));
    else
        perftrace_buffer_print(text, ", %s between %s %% faster and %s %% slower", how, percent_text(lower),
                               percent_text(upper));
}

/* "12.3 ms -> 12.9 ms a run". */
static void say_both(const struct change *change, struct perftrace_buffer *text) {
    say_ns(text, change->ns[RUNS_BASE]);
    perftrace_buffer_text(text, " -> ");
    say_ns(text, change->ns[RUNS_HEAD]);
    perftrace_buffer_print(text, " a %s", units[change->unit]);
}

void diff_say_time(const struct diff *diff, const struct change *change, struct perftrace_buffer *text) {
    say_difference(change, text);
    say_bounds(change, text);
    perftrace_buffer_text(text, "; ");
    say_both(change, text);
    if (change->unit == CHANGES_PER_CALL || !changes_differs(change->calls))
        return;
    perftrace_buffer_text(text, ", of ");
    diff_say_calls(diff, change, text);
    perftrace_buffer_text(text, ", each ");
    say_ns(text, change->ns[RUNS_BASE] / change->calls[RUNS_BASE].least);
    perftrace_buffer_text(text, " -> ");
    say_ns(text, change->ns[RUNS_HEAD] / change->calls[RUNS_HEAD].least);
}

static void say_path(const struct diff *diff, uint32_t path, struct perftrace_buffer *text) {
    enum { SHOWN = 8 };
    uint32_t names[SHOWN], count = 0;
    for (; path != 0 && count < SHOWN; path = diff->runs.paths[path].parent)
        names[count++] = diff->runs.paths[path].function;
    perftrace_buffer_text(text, path != 0 ? "… > " : "");
    while (count-- > 0) {
        perftrace_buffer_visible(text, runs_name(&diff->runs, names[count]));
        perftrace_buffer_text(text, count > 0 ? " > " : "");
    }
}

void diff_say_where(const struct diff *diff, const struct change *change, struct perftrace_buffer *text) {
    if (change->path == INTERN_NONE)
        return;
    perftrace_buffer_text(text, "most of it in ");
    say_path(diff, change->path, text);
    perftrace_buffer_text(text, ": ");
    say_ns(text, change->path_ns[RUNS_BASE]);
    perftrace_buffer_text(text, " -> ");
    say_ns(text, change->path_ns[RUNS_HEAD]);
    perftrace_buffer_text(text, " a run\n");
}

/* ---- calls ---------------------------------------------------------------------------------------------- */

/* "call", where the last number told is 1. */
static const char *calls_word(const struct changes_count *count) {
    return count->most > 1 || count->most < 1 ? "calls" : "call";
}

static void say_count(const struct changes_count *count, struct perftrace_buffer *text) {
    say_number(text, count->least);
    if (count->least < count->most) {
        perftrace_buffer_text(text, " to ");
        say_number(text, count->most);
    }
}

static void say_counts(const struct changes_count counts[RUNS_SIDES], struct perftrace_buffer *text) {
    say_count(&counts[RUNS_BASE], text);
    perftrace_buffer_text(text, " -> ");
    say_count(&counts[RUNS_HEAD], text);
}

void diff_say_calls(const struct diff *diff, const struct change *change, struct perftrace_buffer *text) {
    (void)diff;
    say_counts(change->calls, text);
    perftrace_buffer_print(text, " %s a %s", calls_word(&change->calls[RUNS_HEAD]),
                           units[change->per_frame ? CHANGES_PER_FRAME : CHANGES_PER_RUN]);
    if (changes_varies(change->calls))
        perftrace_buffer_text(text, "; they vary from run to run, so that this is not certain");
}

void diff_say_repeated(const struct diff *diff, const struct change *change, struct perftrace_buffer *text) {
    (void)diff;
    say_counts(change->repeated, text);
    perftrace_buffer_print(text, " repeated %s a %s", calls_word(&change->repeated[RUNS_HEAD]),
                           units[change->per_frame ? CHANGES_PER_FRAME : CHANGES_PER_RUN]);
    if (changes_differs(change->calls)) {
        perftrace_buffer_text(text, ", of ");
        say_counts(change->calls, text);
    }
    if (changes_varies(change->repeated))
        perftrace_buffer_text(text, "; they vary from run to run, so that this is not certain");
}

void diff_say_presence(const struct diff *diff, const struct change *change, struct perftrace_buffer *text) {
    static const char *const names[] = {"base", "head"};
    const size_t *runs = diff->changes.runs;
    if (change->presence == CHANGES_SOMETIMES) {
        for (int side = 0; side < RUNS_SIDES; side++)
            perftrace_buffer_print(text, "%sin %" PRIu32 " of %zu runs of %s", side == 0 ? "" : ", ",
                                   change->runs_with[side], runs[side], names[side]);
        return;
    }
    enum runs_side side = change->presence == CHANGES_NEW ? RUNS_HEAD : RUNS_BASE;
    perftrace_buffer_print(text, side == RUNS_HEAD ? "is new: " : "is gone: ");
    say_count(&change->calls[side], text);
    perftrace_buffer_print(text, " %s a %s, ", calls_word(&change->calls[side]),
                           units[change->per_frame ? CHANGES_PER_FRAME : CHANGES_PER_RUN]);
    say_ns(text, change->ns[side]);
    perftrace_buffer_print(text, " a %s (%.1f %% of all)", units[change->unit], 100 * change->share);
    if (change->runs_with[side] < runs[side])
        perftrace_buffer_print(text, ", in %" PRIu32 " of %zu runs", change->runs_with[side], runs[side]);
}

/* ---- callers ---------------------------------------------------------------------------------------------- */

enum { CALLERS_TOLD = 3 };

static size_t say_caller_list(const struct diff *diff, uint32_t function, bool come, const char *before,
                              struct perftrace_buffer *text) {
    size_t told = 0;
    for (size_t i = 0; i < diff->changes.caller_count; i++) {
        const struct changes_caller *caller = &diff->changes.callers[i];
        if (caller->function != function || caller->come != come)
            continue;
        if (told < CALLERS_TOLD) {
            perftrace_buffer_text(text, told == 0 ? before : ", ");
            if (caller->caller == INTERN_NONE)
                perftrace_buffer_text(text, "no span");
            else
                perftrace_buffer_visible(text, runs_name(&diff->runs, caller->caller));
        }
        told++;
    }
    if (told > CALLERS_TOLD)
        perftrace_buffer_print(text, " and %zu more", told - CALLERS_TOLD);
    return told;
}

bool diff_say_callers(const struct diff *diff, const struct change *change, struct perftrace_buffer *text) {
    size_t before = text->length;
    size_t gone = say_caller_list(diff, change->function, false, "moved from ", text);
    size_t come = say_caller_list(diff, change->function, true, gone > 0 ? " to " : "now also in ", text);
    if (gone > 0 && come == 0) { /* others still call it */
        text->length = before;
        say_caller_list(diff, change->function, false, "no longer in ", text);
    }
    return gone + come > 0;
}

/* ---- on the whole ------------------------------------------------------------------------------------------ */

static void say_together(const struct diff *diff, struct perftrace_buffer *text) {
    const struct change *together = &diff->changes.together;
    if (!together->judged)
        return;
    perftrace_buffer_text(text, "All spans together: ");
    if (together->time.answer == COMPARE_TOO_FEW)
        say_both(together, text);
    else
        diff_say_time(diff, together, text);
    perftrace_buffer_text(text, ".\n");
}

static size_t count_if(const struct diff *diff, bool (*wants)(const struct change *change)) {
    size_t count = 0;
    for (size_t i = 0; i < diff->changes.count; i++)
        count += wants(&diff->changes.spans[i]);
    return count;
}

static bool is_same(const struct change *change) {
    return change->judged && change->time.answer == COMPARE_SAME;
}

static bool calls_vary(const struct change *change) {
    return changes_varies(change->calls);
}

static bool is_beyond(const struct change *change) {
    return !change->judged && change->presence == CHANGES_BOTH;
}

static bool is_per_frame(const struct change *change) {
    return change->judged && change->unit == CHANGES_PER_FRAME;
}

static bool is_per_call(const struct change *change) {
    return change->judged && change->unit == CHANGES_PER_CALL;
}

/* Whether all of one side were recorded before all of the other. */
static bool one_after_the_other(const struct diff *diff) {
    uint64_t first[RUNS_SIDES] = {UINT64_MAX, UINT64_MAX}, last[RUNS_SIDES] = {0, 0};
    for (size_t run = 0; run < diff->runs.count; run++) {
        enum runs_side side = diff->runs.about[run].side;
        uint64_t ns = diff->inputs[run].began_ns;
        if (ns == 0)
            return false;
        first[side] = ns < first[side] ? ns : first[side];
        last[side] = ns > last[side] ? ns : last[side];
    }
    return diff->runs.count > RUNS_SIDES &&
           (last[RUNS_BASE] < first[RUNS_HEAD] || last[RUNS_HEAD] < first[RUNS_BASE]);
}

static void say_how(const struct diff *diff, struct perftrace_buffer *text) {
    const struct changes *changes = &diff->changes;
    size_t per_frame = count_if(diff, is_per_frame), per_call = count_if(diff, is_per_call);
    perftrace_buffer_print(text, "Compared: self time, of %zu run%s and %zu run%s%s.\n",
                           changes->runs[RUNS_BASE], changes->runs[RUNS_BASE] == 1 ? "" : "s",
                           changes->runs[RUNS_HEAD], changes->runs[RUNS_HEAD] == 1 ? "" : "s",
                           changes->pairs && changes->runs[RUNS_BASE] > 1
                               ? ", in pairs (the first with the first, and so on)"
                               : "");
    if (one_after_the_other(diff))
        perftrace_buffer_print(
            text,
            "One side was recorded after the other: whatever the machine did meanwhile looks like a "
            "change. Runs in turns (--runs) are surer.\n");
    if (per_frame > 0)
        perftrace_buffer_print(
            text, "Of %zu span%s it is that of a frame: runs have different numbers of frames.\n", per_frame,
            per_frame == 1 ? "" : "s");
    if (per_call > 0)
        perftrace_buffer_print(
            text, "Of %zu span%s it is that of a call: how often they are called varies from run to run.\n",
            per_call, per_call == 1 ? "" : "s");
}

static void say_left_out(const struct diff *diff, struct perftrace_buffer *text) {
    size_t inexact = 0;
    for (size_t i = 0; i < diff->runs.count; i++)
        inexact += diff->inputs[i].inexact;
    if (inexact > 0)
        perftrace_buffer_print(
            text,
            "Memory did not suffice to tell all calls of %zu run%s apart: repeated calls and "
            "callers are not exact.\n",
            inexact, inexact == 1 ? "" : "s");
    if (diff->runs.calls_left_out > 0)
        perftrace_buffer_print(text, "%" PRIu64 " calls are of spans beyond those that there was room for.\n",
                               diff->runs.calls_left_out);
    if (diff->runs.calls_cut > 0)
        perftrace_buffer_print(text,
                               "%" PRIu64
                               " calls are of paths beyond those that there was room for: there, their time "
                               "counts for what is around them.\n",
                               diff->runs.calls_cut);
    size_t beyond = count_if(diff, is_beyond);
    if (beyond > 0)
        perftrace_buffer_print(text, "The times of %zu spans that take least were not compared.\n", beyond);
}

void diff_say_notes(const struct diff *diff, struct perftrace_buffer *text) {
    size_t same = count_if(diff, is_same), varying = count_if(diff, calls_vary);
    say_together(diff, text);
    if (same > 0)
        perftrace_buffer_print(text, "%zu span%s not changed by more than %.3g %%.\n", same,
                               same == 1 ? " has" : "s have", 100 * diff->options.threshold);
    if (varying > 0)
        perftrace_buffer_print(text, "How often %zu span%s called varies from run to run.\n", varying,
                               varying == 1 ? " is" : "s are");
    if (diff->changes.runs[RUNS_BASE] == 1 || diff->changes.runs[RUNS_HEAD] == 1)
        perftrace_buffer_print(
            text, "Numbers of calls are exact; whether they vary from run to run, one run does not tell.\n");
    say_how(diff, text);
    say_left_out(diff, text);
}

static size_t count_rule(const struct findings *findings, const char *rule) {
    size_t count = 0;
    for (size_t i = 0; i < findings->count; i++)
        count += strcmp(findings->list[i].rule, rule) == 0;
    return count;
}

static size_t count_failed(const struct findings *findings, const char *rule) {
    size_t count = 0;
    for (size_t i = 0; i < findings->count; i++)
        count += findings->list[i].verdict == VERDICT_FAIL && strcmp(findings->list[i].rule, rule) == 0;
    return count;
}

void diff_say_summary(const struct diff *diff, const struct findings *findings,
                      struct perftrace_buffer *text) {
    static const struct {
        const char *rule, *words;
    } told[] = {{"slower", "slower"}, {"faster", "faster"}, {"same", "not changed"}};
    const struct change *together = &diff->changes.together;
    size_t unclear = count_rule(findings, "unclear") + count_rule(findings, "unclear-small") +
                     count_rule(findings, "too-few-runs");
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        perftrace_buffer_print(text, "%s%zu %s", i == 0 ? "" : ", ", count_rule(findings, told[i].rule),
                               told[i].words);
    if (unclear > 0)
        perftrace_buffer_print(text, ", %zu not certain", unclear);
    size_t counts = count_failed(findings, "calls") + count_failed(findings, "repeated");
    if (counts > 0)
        perftrace_buffer_print(text, "; %zu called or repeated more often", counts);
    if (together->judged && together->time.answer == COMPARE_SLOWER)
        perftrace_buffer_text(text, "; all together slower");
}
