/* Reading two sets of runs: each run by a model of its own, of which the figures are kept. */
#include "diff.h"

#include "../../format/format.h"
#include "../support/collect.h"
#include "../support/messages.h"

#include <stdlib.h>
#include <string.h>

/* ---- one run -------------------------------------------------------------------------------------------- */

/* Marks of frames of the kind that is marked first, as `frame` in a budget. */
static void count_frame(struct runs_about *about, const struct perftrace_item *item,
                        const struct perftrace_site_info **first) {
    if (*first == NULL)
        *first = item->site;
    const struct perftrace_text a = (*first)->name, b = item->site->name;
    about->frames += a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0;
}

static int read_items(struct input *input, struct analysis *model, struct runs_about *about) {
    const struct perftrace_item *item;
    const struct perftrace_site_info *frame = NULL;
    int status = analysis_begin_input(model, input->name);
    while (status == 0 && (item = input_next(input)) != NULL) {
        if (item->kind == PERFTRACE_ITEM_FRAME)
            count_frame(about, item, &frame);
        status = analysis_item(model, item);
    }
    const struct perftrace_trace_info info = input_info(input);
    if (status == 0)
        status = analysis_end_input(model, &info, 0);
    return status == 0 ? analysis_finish(model) : status;
}

/* Where spans are recorded: head's places are those that can be looked at now. */
static int keep_places(struct diff *diff, const struct perftrace_reader *reader, enum runs_side side) {
    for (size_t i = 0; i < perftrace_reader_site_count(reader); i++) {
        const struct perftrace_site_info *site = perftrace_reader_site(reader, i);
        uint64_t hash;
        uint32_t function = text_table_find(&diff->runs.names, 0, site->name.bytes, site->name.length, &hash);
        if (function == INTERN_NONE || site->file.length == 0)
            continue;
        struct diff_place *place = &diff->places[function];
        if (place->file != NULL && (place->of_head || side == RUNS_BASE))
            continue;
        struct perftrace_buffer visible = {0};
        struct perftrace_text copy = {NULL, 0};
        perftrace_buffer_visible(&visible, site->file);
        bool kept =
            !visible.failed && perftrace_arena_text(&diff->texts, visible.bytes, visible.length, &copy);
        free(visible.bytes);
        if (!kept)
            return -PERFTRACE_ERROR_MEMORY;
        *place = (struct diff_place){copy.bytes, site->line, side == RUNS_HEAD};
    }
    return 0;
}

/* Room for the places of all functions. */
static int reserve_places(struct diff *diff, uint32_t had) {
    struct diff_place *grown = realloc(diff->places, (diff->runs.names.count + 1) * sizeof *grown);
    if (grown == NULL)
        return -PERFTRACE_ERROR_MEMORY;
    memset(grown + had, 0, (diff->runs.names.count + 1 - had) * sizeof *grown);
    diff->places = grown;
    return 0;
}

static int take_run(struct diff *diff, size_t run, struct input *input, struct analysis *model,
                    struct runs_about *about) {
    struct perftrace_buffer approximations = {0};
    const struct perftrace_trace_info info = input_info(input);
    uint32_t had = diff->runs.names.count;
    diff->inputs[run].began_ns = info.start_realtime_ns;
    about->complete = !input_incomplete(&info, diff->inputs[run].why) && model->calls > 0;
    if (!about->complete && diff->inputs[run].why[0] == '\0')
        snprintf(diff->inputs[run].why, INPUT_WHY_MAX, "no span has ended in it");
    analysis_approximations(model, &approximations);
    diff->inputs[run].inexact = approximations.length > 0;
    free(approximations.bytes);
    int status = runs_add(&diff->runs, run, model, about);
    if (status == 0)
        status = reserve_places(diff, had);
    return status == 0 ? keep_places(diff, input->reader, about->side) : status;
}

/* A part is for the figures of all runs; the rest for reading one of them, and for its model. */
static uint64_t memory_of_runs(const struct diff *diff) {
    return diff->memory / 4;
}

static int read_run(struct diff *diff, size_t run, enum runs_side side, const char *path) {
    uint64_t memory = diff->memory - memory_of_runs(diff);
    struct analysis_options options = {.slowest_max = 1, .memory_max = collect_memory(memory, false)};
    struct runs_about about = {.side = side};
    struct input input;
    struct analysis *model = collect_open(&options);
    if (model == NULL)
        return -1;
    uint32_t unwanted = analysis_unwanted(model) & ~PERFTRACE_ITEM_BIT(PERFTRACE_ITEM_FRAME);
    if (input_open(&input, path, unwanted, false, collect_reader_memory(memory, model)) != 0) {
        analysis_close(model);
        return -1;
    }
    collect_share(model, input.reader, memory);
    int status = read_items(&input, model, &about);
    if (status == 0)
        status = take_run(diff, run, &input, model, &about);
    if (status != 0)
        message_error("%s: out of memory", input.name);
    else
        status = input_end(&input);
    input_close(&input);
    analysis_close(model);
    return status == 0 ? 0 : -1;
}

/* ---- all of them ------------------------------------------------------------------------------------------ */

enum { NAMES_TOLD = 3 };

static bool is_on(const struct change *change, enum runs_side side) {
    return change->runs_with[side] > 0;
}

/* "a, b, c …": spans of one side. */
static void list_names(const struct diff *diff, enum runs_side side, struct perftrace_buffer *text) {
    size_t told = 0;
    for (size_t i = 0; i < diff->changes.count && told <= NAMES_TOLD; i++) {
        const struct change *change = &diff->changes.spans[i];
        if (!is_on(change, side))
            continue;
        perftrace_buffer_text(text, told == 0 ? "" : told < NAMES_TOLD ? ", " : " …");
        if (told++ < NAMES_TOLD)
            perftrace_buffer_visible(text, runs_name(&diff->runs, change->function));
    }
    if (told == 0)
        perftrace_buffer_text(text, "no spans at all");
}

/* False, after an error message: there is nothing to compare. */
static bool have_something_in_common(const struct diff *diff) {
    for (size_t i = 0; i < diff->changes.count; i++)
        if (is_on(&diff->changes.spans[i], RUNS_BASE) && is_on(&diff->changes.spans[i], RUNS_HEAD))
            return true;
    struct perftrace_buffer base = {0}, head = {0};
    list_names(diff, RUNS_BASE, &base);
    list_names(diff, RUNS_HEAD, &head);
    if (base.failed || head.failed)
        message_error("out of memory");
    else
        message_error("no span is on both sides: base has %.*s, head has %.*s; are they runs of one program?",
                      (int)base.length, base.bytes, (int)head.length, head.bytes);
    free(base.bytes);
    free(head.bytes);
    return false;
}

/* False, after an error message: --per=frame, and there are none. */
static bool has_frames_if_wanted(const struct diff *diff) {
    if (!diff->options.unit_is_chosen || diff->options.unit != CHANGES_PER_FRAME)
        return true;
    for (size_t run = 0; run < diff->runs.count; run++)
        if (diff->runs.about[run].frames == 0) {
            message_error("--per=frame: there are no marks of frames (PERF_FRAME) in %s",
                          diff->inputs[run].path);
            return false;
        }
    return true;
}

int diff_inputs(struct diff *diff) {
    size_t count = diff->sides[RUNS_BASE]->count + diff->sides[RUNS_HEAD]->count, run = 0;
    int status = 0;
    diff->texts.bytes_max = SIZE_MAX;
    diff->inputs = calloc(count + 1, sizeof *diff->inputs);
    if (diff->inputs == NULL || runs_open(&diff->runs, count) != 0)
        return message_error("out of memory");
    runs_limit(&diff->runs, (size_t)memory_of_runs(diff));
    for (int side = 0; side < RUNS_SIDES; side++)
        for (size_t i = 0; i < diff->sides[side]->count; i++, run++) {
            diff->inputs[run].path = diff->sides[side]->paths[i];
            status |= read_run(diff, run, (enum runs_side)side, diff->inputs[run].path);
        }
    if (status != 0 || !has_frames_if_wanted(diff))
        return -1;
    if (changes_find(&diff->changes, &diff->runs, &diff->options) != 0)
        return message_error("out of memory");
    return have_something_in_common(diff) ? 0 : -1;
}

void diff_close(struct diff *diff) {
    changes_free(&diff->changes);
    runs_free(&diff->runs);
    free(diff->inputs);
    free(diff->places);
    perftrace_arena_free(&diff->texts);
}
