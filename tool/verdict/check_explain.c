/* Why a promise was broken: the worst samples, and what the worst of them did that the one in the middle did not. */
#include "check.h"

#include "../support/collect.h"
#include "../support/messages.h"
#include "../support/units.h"

#include <inttypes.h>
#include <stdlib.h>

/* Whether its samples are stretches of time of a known track. */
static bool can_be_explained(const struct promise *promise, const struct samples *samples) {
    return (promise->subject == PROMISE_SPAN || promise->subject == PROMISE_FRAME) &&
           promise->scope != PROMISE_PER_RUN && promise->scope != PROMISE_PER_SECOND &&
           samples->worst_count > 0 && samples->worst[0].start_ns > 0;
}

static struct explain_stretch stretch_of(const struct sample *sample) {
    return (struct explain_stretch){.input = sample->input,
                                    .track = sample->track,
                                    .start_ns = sample->start_ns,
                                    .end_ns = sample->end_ns};
}

/* ---- the second pass ------------------------------------------------------------------------------------ */

static bool is_wanted(const struct explain *explain, uint32_t input) {
    for (size_t i = 0; i < explain->count; i++)
        if (explain->stretches[i].input == input)
            return true;
    return false;
}

/* -1 without memory. An input that can't be read again leaves its stretches without parts. */
static int read_again(struct explain *explain, const char *path, size_t bytes_max, bool *read) {
    struct input input;
    const struct perftrace_item *item;
    int status = 0;
    *read = strcmp(path, "-") != 0 && input_open(&input, path, EXPLAIN_UNWANTED, false, bytes_max) == 0;
    if (!*read) {
        message_note("%s can't be read twice, which it takes to explain what is broken", path);
        return 0;
    }
    while (status == 0 && (item = input_next(&input)) != NULL)
        status = explain_item(explain, item);
    input_close(&input); /* what is wrong with it has been said the first time */
    return status;
}

/* ---- words ---------------------------------------------------------------------------------------------- */

static void add_signed_duration(struct perftrace_buffer *text, int64_t ns) {
    char with_sign[UNITS_TEXT_MAX + 1];
    snprintf(with_sign, sizeof with_sign, "%c%.40s", ns < 0 ? '-' : '+',
             units_duration(ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns).text);
    perftrace_buffer_print(text, "  %9s  ", with_sign);
}

/* "frame 12", "call #42", of input 2. */
static void add_sample(struct perftrace_buffer *text, const struct check *check,
                       const struct promise *promise, const struct sample *sample) {
    bool frame = promise->subject == PROMISE_FRAME || promise->scope == PROMISE_PER_FRAME;
    perftrace_buffer_text(text, frame ? "frame " : "call #");
    if (check->inputs->count > 1)
        perftrace_buffer_print(text, "%" PRIu32 ":", sample->input + 1);
    perftrace_buffer_unsigned(text, sample->number);
}

static void add_worst(struct perftrace_buffer *text, const struct check *check, const struct promise *promise,
                      const struct samples *samples) {
    perftrace_buffer_text(text, "worst:");
    for (uint32_t i = 0; i < samples->worst_count && promise_is_passed(promise, samples->worst[i].value);
         i++) {
        char value[CHECK_VALUE_MAX];
        check_value_text(promise, samples->worst[i].value, value);
        perftrace_buffer_text(text, i > 0 ? ", " : " ");
        add_sample(text, check, promise, &samples->worst[i]);
        perftrace_buffer_print(text, " (%s)", value);
    }
    perftrace_buffer_text(text, "\n");
}

static void add_name(struct perftrace_buffer *text, struct perftrace_text name) {
    if (name.length == 0)
        perftrace_buffer_text(text, "(in no span)");
    else
        perftrace_buffer_visible(text, name);
}

static void add_calls(struct perftrace_buffer *text, const struct explain_difference *difference) {
    uint64_t calls = difference->first.calls, usual_calls = difference->second.calls;
    if (calls != usual_calls)
        perftrace_buffer_print(text, "  (%" PRIu64 " call%s, usually %" PRIu64 ")", calls,
                               calls == 1 ? "" : "s", usual_calls);
}

static void add_part(struct perftrace_buffer *text, const struct explain_difference *difference) {
    add_signed_duration(text, difference->ns);
    add_name(text, difference->name);
    add_calls(text, difference);
    perftrace_buffer_text(text, "\n");
}

static void add_cause(struct perftrace_buffer *text, const struct explain_cause *cause) {
    perftrace_buffer_text(text, "cause: ");
    add_name(text, cause->difference.name);
    perftrace_buffer_print(
        text, "%s, +%s", cause->elsewhere ? " on another thread" : "",
        units_duration(cause->difference.ns > 0 ? (uint64_t)cause->difference.ns : 0).text);
    add_calls(text, &cause->difference);
    for (size_t i = 0; i < cause->waited_count; i++) {
        perftrace_buffer_text(text, i > 0 ? " and " : "; ");
        add_name(text, cause->waited[i]);
    }
    perftrace_buffer_text(text, cause->waited_count > 0 ? " waited for it\n" : "\n");
}

/* The parts that say most, in order, and the rest in one line, so that they add up. */
static void add_parts(struct perftrace_buffer *text, const struct explain_difference *differences,
                      size_t count, bool adds_up) {
    int64_t rest = 0;
    size_t shown = 0, left = 0;
    for (size_t i = 0; i < count; i++) {
        bool much = differences[i].ns > 0 || differences[i].first.calls > differences[i].second.calls;
        if (much && shown < CHECK_DETAILS_PARTS) {
            add_part(text, &differences[i]);
            shown++;
        } else {
            rest += differences[i].ns;
            left++;
        }
    }
    if (!adds_up || left == 0)
        return;
    add_signed_duration(text, rest);
    perftrace_buffer_print(text, "(%zu other%s)\n", left, left == 1 ? "" : "s");
}

static void add_left_out(struct perftrace_buffer *text, struct finding *finding, uint64_t spans) {
    if (spans == 0)
        return;
    perftrace_buffer_print(text, "%" PRIu64 " span%s of threads beyond the first %d %s not looked at\n",
                           spans, spans == 1 ? "" : "s", EXPLAIN_TRACKS_MAX, spans == 1 ? "was" : "were");
    findings_figure(finding, "spans_not_looked_at", (double)spans);
}

static struct finding_part part_of(struct findings *findings, const struct explain_difference *difference,
                                   bool elsewhere) {
    return (struct finding_part){.name = findings_visible(findings, difference->name),
                                 .elsewhere = elsewhere,
                                 .gap = difference->name.length == 0 && !elsewhere,
                                 .difference_ns = difference->ns,
                                 .ns = difference->first.self_ns,
                                 .usual_ns = difference->second.self_ns,
                                 .calls = difference->first.calls,
                                 .usual_calls = difference->second.calls};
}

static int keep_parts(struct findings *findings, struct finding *finding,
                      const struct explain_difference *differences, size_t count, bool elsewhere) {
    struct finding_part *parts =
        perftrace_arena_take(&findings->arena, (finding->part_count + count + 1) * sizeof *parts);
    if (parts == NULL)
        return -1;
    if (finding->part_count > 0)
        memcpy(parts, finding->parts, finding->part_count * sizeof *parts);
    for (size_t i = 0; i < count; i++)
        parts[finding->part_count++] = part_of(findings, &differences[i], elsewhere);
    finding->parts = parts;
    return 0;
}

static int keep_cause(struct findings *findings, struct finding *finding, const struct explain_cause *cause) {
    struct finding_cause *kept = perftrace_arena_take(&findings->arena, sizeof *kept);
    const char **waited = perftrace_arena_take(&findings->arena, EXPLAIN_WAITED_MAX * sizeof *waited);
    if (kept == NULL || waited == NULL)
        return -1;
    for (size_t i = 0; i < cause->waited_count; i++)
        waited[i] = findings_visible(findings, cause->waited[i]);
    *kept = (struct finding_cause){.part = part_of(findings, &cause->difference, cause->elsewhere),
                                   .waited = waited,
                                   .waited_count = cause->waited_count};
    kept->part.gap = cause->difference.name.length == 0;
    finding->cause = kept;
    return 0;
}

static int compare_stretches(const struct check *check, struct findings *findings, struct finding *finding,
                             const struct explain *explain, const struct promise *promise,
                             const struct samples *samples, const struct sample *median, size_t first,
                             struct perftrace_buffer *text) {
    const struct explain_stretch *worst = &explain->stretches[first], *usual = &explain->stretches[first + 1];
    uint64_t worst_ns = worst->end_ns - worst->start_ns, usual_ns = usual->end_ns - usual->start_ns;
    if (worst_ns == usual_ns)
        return 0; /* there is one, or too many are as bad */
    size_t count, others_count;
    struct explain_difference *own = explain_compare(explain, worst, usual, false, &count);
    struct explain_difference *others = explain_compare(explain, worst, usual, true, &others_count);
    struct explain_cause cause;
    int caused = explain_find_cause(explain, worst, usual, &cause);
    int status = own != NULL && others != NULL && caused >= 0 ? 0 : -1;
    if (status == 0 && caused > 0) {
        add_cause(text, &cause);
        status = keep_cause(findings, finding, &cause);
    }
    if (status == 0) {
        add_sample(text, check, promise, &samples->worst[0]);
        perftrace_buffer_print(text, " took %s, ", units_duration(worst_ns).text);
        add_sample(text, check, promise, median);
        perftrace_buffer_print(text, ", the one in the middle, %s: the difference is\n",
                               units_duration(usual_ns).text);
        add_parts(text, own, count, true);
        if (others_count > 0 && others[0].ns > 0) {
            perftrace_buffer_text(text, "meanwhile on other threads\n");
            add_parts(text, others, others_count, false);
        }
        add_left_out(text, finding, worst->left_out + usual->left_out);
        findings_figure(finding, "worst_ns", (double)worst_ns);
        findings_figure(finding, "usual_ns", (double)usual_ns);
        status = keep_parts(findings, finding, own, count, false);
        if (status == 0)
            status = keep_parts(findings, finding, others, others_count, true);
    }
    free(own);
    free(others);
    return status;
}

/* ---- all of them ------------------------------------------------------------------------------------------ */

static void tell(const struct check *check, struct findings *findings, const struct check_broken *broken,
                 const struct explain *explain, const struct sample *median, size_t stretch, bool read) {
    const struct promise *promise = &check->promises[broken->promise];
    const struct samples *samples = &measure_result(check->measure, broken->promise)->samples;
    struct perftrace_buffer text = {0};
    if (promise->subject == PROMISE_REDUNDANT) {
        perftrace_buffer_add(&text, check->redundant.bytes, check->redundant.length);
    } else if (can_be_explained(promise, samples)) {
        add_worst(&text, check, promise, samples);
        if (read && compare_stretches(check, findings, broken->finding, explain, promise, samples, median,
                                      stretch, &text) != 0)
            findings->failed = true;
    } else if (promise->subject == PROMISE_SPAN && samples->worst_count > 0 && samples->worst[0].number > 0) {
        add_worst(&text, check, promise, samples);
    }
    if (text.length > 0)
        broken->finding->details = findings_text(findings, &text);
    findings->failed |= text.failed;
    free(text.bytes);
}

int check_explain(const struct check *check, struct findings *findings, const struct check_broken *broken,
                  size_t count) {
    struct explain explain = {.stretches = calloc(2 * count, sizeof *explain.stretches)};
    const struct sample **medians = calloc(count, sizeof *medians);
    size_t *places = calloc(count, sizeof *places);
    bool *read = calloc(check->inputs->count, sizeof *read);
    int status = explain.stretches != NULL && medians != NULL && places != NULL && read != NULL ? 0 : -1;
    for (size_t i = 0; status == 0 && i < count; i++) {
        const struct samples *samples = &measure_result(check->measure, broken[i].promise)->samples;
        if (!can_be_explained(&check->promises[broken[i].promise], samples))
            continue;
        medians[i] = samples_median(samples);
        status = medians[i] != NULL ? 0 : -1;
        places[i] = explain.count;
        explain.stretches[explain.count++] = stretch_of(&samples->worst[0]);
        explain.stretches[explain.count++] =
            status == 0 ? stretch_of(medians[i]) : stretch_of(&samples->worst[0]);
    }
    for (uint32_t input = 0; status == 0 && input < check->inputs->count; input++) {
        if (is_wanted(&explain, input))
            status = read_again(&explain, check->inputs->paths[input],
                                collect_reader_memory(check_memory_of_input(check), NULL), &read[input]);
        explain_end_input(&explain);
    }
    for (size_t i = 0; status == 0 && i < count; i++) {
        bool both = medians[i] != NULL && read[explain.stretches[places[i]].input] && read[medians[i]->input];
        tell(check, findings, &broken[i], &explain, medians[i], places[i], both);
    }
    explain_free(&explain);
    free(medians);
    free(places);
    free(read);
    return status;
}
