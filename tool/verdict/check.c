/* Reading the inputs of a check: what is measured, what is missing, and the names that there are. */
#include "check.h"

#include "../../analysis/collect.h"
#include "../../analysis/siblings.h"
#include "../../format/format.h"
#include "../support/collect.h"
#include "../support/messages.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { REPEATED_SHOWN = 3 };

static void keep_names(struct check *check, const struct perftrace_reader *reader) {
    for (size_t i = 0; i < perftrace_reader_site_count(reader) && check->names.count < CHECK_NAMES_MAX; i++) {
        const struct perftrace_site_info *site = perftrace_reader_site(reader, i);
        uint32_t kind =
            site->kind == PERFTRACE_RECORD_ASYNC_BEGIN || site->kind == PERFTRACE_RECORD_TRACK_SPAN
                ? PERFTRACE_RECORD_BEGIN
            : site->kind == PERFTRACE_RECORD_TRACK_COUNTER ? PERFTRACE_RECORD_COUNTER
                                                           : site->kind;
        text_table_add(&check->names, kind, site->name.bytes, site->name.length);
    }
    for (size_t i = 0; i < perftrace_reader_track_count(reader); i++) {
        const struct perftrace_track_info *track = perftrace_reader_track(reader, i);
        check->gpu_tracks += track->kind == PERFTRACE_ON_GPU;
        if (track->name.length > 0 && check->names.count < CHECK_NAMES_MAX)
            text_table_add(&check->names, CHECK_TRACKS, track->name.bytes, track->name.length);
    }
}

/* ---- redundant calls ------------------------------------------------------------------------------------ */

static bool asks_for_redundant(const struct check *check) {
    for (size_t i = 0; i < check->budget->count; i++)
        if (check->budget->promises[i].subject == PROMISE_REDUNDANT)
            return true;
    return false;
}

/* A part is for what is measured of all inputs; the rest for reading one of them, and for its model. */
static uint64_t memory_of_measure(const struct check *check) {
    return check->memory / 8;
}

uint64_t check_memory_of_input(const struct check *check) {
    return check->memory - memory_of_measure(check);
}

static struct analysis *open_model(const struct check *check, bool *failed) {
    struct analysis_options options = {.slowest_max = 1,
                                       .memory_max = collect_memory(check_memory_of_input(check), false)};
    struct analysis *model = asks_for_redundant(check) ? collect_open(&options) : NULL;
    *failed = model == NULL && asks_for_redundant(check);
    return model;
}

static void tell_repeated(struct check *check, const struct analysis *model,
                          const struct analysis_asked_again *asked) {
    struct perftrace_buffer *text = &check->redundant;
    perftrace_buffer_print(text, "%" PRIu64 " by ", asked->again);
    perftrace_buffer_visible(text, model->functions[asked->again_caller].name);
    if (asked->again_caller != asked->first_caller) {
        perftrace_buffer_text(text, ", of what ");
        perftrace_buffer_visible(text, model->functions[asked->first_caller].name);
        perftrace_buffer_text(text, " has asked");
    }
    perftrace_buffer_text(text, ": ");
    analysis_question_text(model, &model->questions[asked->question], text);
    perftrace_buffer_print(text, " (such as #%" PRIu64 " #%" PRIu64 ")\n", asked->first.number,
                           asked->second.number);
}

/* Calls that ask what was asked before within the same parent call. */
static int count_redundant(struct check *check, struct analysis *model) {
    const struct analysis_siblings *siblings = analysis_siblings(model);
    struct perftrace_buffer inexact = {0};
    uint64_t redundant = 0;
    for (uint32_t i = 0; i < siblings->asked_again_count; i++)
        redundant += siblings->asked_again[i].again;
    for (uint32_t i = 0; i < siblings->asked_again_count && i < REPEATED_SHOWN; i++)
        tell_repeated(check, model, &siblings->asked_again[i]);
    analysis_approximations(model, &inexact);
    check->redundant_inexact |= inexact.length > 0;
    free(inexact.bytes);
    for (size_t i = 0; i < check->budget->count; i++)
        if (check->budget->promises[i].subject == PROMISE_REDUNDANT && model->calls > 0 &&
            measure_figure(check->measure, i, (double)redundant) != 0)
            return -PERFTRACE_ERROR_MEMORY;
    return 0;
}

/* ---- inputs --------------------------------------------------------------------------------------------- */

static int read_items(struct check *check, struct input *input, struct analysis *model) {
    const struct perftrace_item *item;
    int status = measure_begin_run(check->measure);
    if (status == 0 && model != NULL)
        status = analysis_begin_input(model, input->name);
    while (status == 0 && (item = input_next(input)) != NULL) {
        status = measure_item(check->measure, item);
        if (status == 0 && model != NULL)
            status = analysis_item(model, item);
    }
    const struct perftrace_trace_info info = input_info(input);
    if (status == 0 && model != NULL)
        status = analysis_end_input(model, &info, 0);
    if (status == 0 && model != NULL)
        status = analysis_finish(model) == 0 ? count_redundant(check, model) : -PERFTRACE_ERROR_MEMORY;
    return status == 0 ? measure_end_run(check->measure) : status;
}

static int read_input(struct check *check, size_t which) {
    struct input input;
    bool failed;
    struct analysis *model = open_model(check, &failed);
    if (failed)
        return -1;
    uint32_t unwanted = measure_unwanted(check->measure);
    if (model != NULL)
        unwanted &= analysis_unwanted(model);
    uint64_t memory = check_memory_of_input(check);
    if (input_open(&input, check->inputs->paths[which], unwanted, false,
                   collect_reader_memory(memory, model)) != 0) {
        analysis_close(model);
        return -1;
    }
    if (model != NULL)
        collect_share(model, input.reader, memory);
    int status = read_items(check, &input, model);
    if (status != 0) {
        message_error("%s: out of memory", input.name);
    } else {
        const struct perftrace_trace_info info = input_info(&input);
        keep_names(check, input.reader);
        input_incomplete(&info, check->states[which].why);
        status = input_end(&input);
    }
    input_close(&input);
    analysis_close(model);
    return status == 0 ? 0 : -1;
}

/* The limits by the baseline. What has none there is beyond no limit. */
static void set_limits(struct check *check) {
    for (size_t i = 0; i < check->budget->count; i++) {
        struct promise *promise = &check->promises[i];
        *promise = check->budget->promises[i];
        if (!promise->relative)
            continue;
        bool ceiling = promise_has_ceiling(promise);
        const struct baseline_line *line =
            check->renew ? NULL : baseline_find(check->baseline, check->budget->promises[i].figure);
        double bound = line == NULL ? NAN : ceiling ? line->upper : line->lower;
        check->unlimited[i] = !isfinite(bound);
        promise->limit =
            check->unlimited[i] ? (ceiling ? INFINITY : -INFINITY) : bound * (1 + promise->limit);
    }
}

int check_inputs(struct check *check) {
    check->promises = calloc(check->budget->count + 1, sizeof *check->promises);
    check->unlimited = calloc(check->budget->count + 1, sizeof *check->unlimited);
    if (check->promises != NULL && check->unlimited != NULL) {
        set_limits(check);
        check->measure =
            measure_open(check->promises, check->budget->count, (size_t)memory_of_measure(check));
    }
    check->states = calloc(check->inputs->count + 1, sizeof *check->states);
    if (check->measure == NULL || check->states == NULL)
        return message_error("out of memory");
    int status = 0;
    for (size_t i = 0; i < check->inputs->count; i++)
        status |= read_input(check, i);
    return status;
}

void check_close(struct check *check) {
    measure_close(check->measure);
    free(check->promises);
    free(check->unlimited);
    free(check->states);
    text_table_free(&check->names);
    free(check->redundant.bytes);
}
