/* Samples of promises out of items: calls as they are, or added up by frame, second, run and enclosing call. */
#include "measure.h"

#include "../core/hash.h"
#include "../core/map.h"
#include "enclosed.h"
#include "frames.h"
#include "intern.h"
#include "select.h"

#include <stdlib.h>

enum { SAMPLES_KEPT_MIN = 256 }; /* of each promise, however many there are */

/* Promises that items of one site are for. */
struct site_use {
    uint32_t count;
    uint32_t promises[];
};

/* What is known of a promise within a run. */
struct progress_of {
    double *cells; /* by frame or second */
    uint32_t cell_capacity;
    double total;      /* of the run; bytes in use */
    uint64_t left_out; /* samples of the warm-up */
    uint64_t seen;     /* in this run */
};

struct measure {
    const struct promise *promises;
    size_t count;
    struct measured *results;
    struct progress_of *progress;
    struct perftrace_budget budget; /* of all that follows, and of `cells` */
    struct site_use **uses;         /* by site id; of this run */
    struct site_use *no_use;        /* one that is made anew each time: there was no memory to keep it */
    uint32_t use_capacity;
    struct frames frames;
    struct enclosed enclosed;    /* for those per span */
    struct perftrace_map memory; /* of blocks in use: (promise, address) -> bytes + 1 */
    uint32_t run;
    uint64_t first_ns, last_ns;
    bool any_time;
};

/* ---- opening ---------------------------------------------------------------------------------------- */

/* Half of it is for samples, of which fewer are kept where that is not enough for all promises. */
static void set_limits(struct measure *measure, size_t bytes_max) {
    measure->budget.max = bytes_max != 0 ? bytes_max / 2 : SIZE_MAX;
    uint32_t kept_max = SAMPLES_KEPT_MAX;
    while (kept_max > SAMPLES_KEPT_MIN &&
           measure->budget.max / sizeof(struct sample) / kept_max < measure->count)
        kept_max /= 2;
    for (size_t i = 0; i < measure->count; i++)
        measure->results[i].samples.kept_max = kept_max;
    measure->memory.budget = measure->frames.budget = &measure->budget;
}

static size_t use_bytes(const struct measure *measure) {
    return sizeof(struct site_use) + measure->count * sizeof *measure->no_use->promises;
}

struct measure *measure_open(const struct promise *promises, size_t count, size_t bytes_max) {
    struct measure *measure = calloc(1, sizeof *measure);
    if (measure == NULL)
        return NULL;
    measure->promises = promises;
    measure->count = count;
    measure->results = calloc(count + 1, sizeof *measure->results);
    measure->progress = calloc(count + 1, sizeof *measure->progress);
    measure->no_use = malloc(use_bytes(measure));
    if (measure->results == NULL || measure->progress == NULL || measure->no_use == NULL ||
        enclosed_open(&measure->enclosed, promises, count, &measure->budget) != 0) {
        measure_close(measure);
        return NULL;
    }
    set_limits(measure, bytes_max);
    return measure;
}

static bool any_of(const struct measure *measure, enum promise_subject subject) {
    for (size_t i = 0; i < measure->count; i++)
        if (measure->promises[i].subject == subject)
            return true;
    return false;
}

uint32_t measure_unwanted(const struct measure *measure) {
    uint32_t unwanted =
        PERFTRACE_ITEM_BIT(PERFTRACE_ITEM_SPAN_BEGIN) | PERFTRACE_ITEM_BIT(PERFTRACE_ITEM_EVENT) |
        PERFTRACE_ITEM_BIT(PERFTRACE_ITEM_ASYNC_BEGIN) | PERFTRACE_ITEM_BIT(PERFTRACE_ITEM_FLOW_BEGIN) |
        PERFTRACE_ITEM_BIT(PERFTRACE_ITEM_FLOW_STEP) | PERFTRACE_ITEM_BIT(PERFTRACE_ITEM_FLOW_END) |
        PERFTRACE_ITEM_BIT(PERFTRACE_ITEM_TRACK);
    if (!any_of(measure, PROMISE_COUNTER))
        unwanted |= PERFTRACE_ITEM_BIT(PERFTRACE_ITEM_COUNTER);
    if (!any_of(measure, PROMISE_MEMORY))
        unwanted |= PERFTRACE_ITEM_BIT(PERFTRACE_ITEM_ALLOCATE) | PERFTRACE_ITEM_BIT(PERFTRACE_ITEM_FREE);
    return unwanted;
}

/* ---- which promises an item is for -------------------------------------------------------------------- */

static bool same(const char *name, struct perftrace_text text) {
    return name != NULL && strlen(name) == text.length && memcmp(name, text.bytes, text.length) == 0;
}

static bool is_about(const struct promise *promise, const struct perftrace_item *item) {
    switch (item->kind) {
    case PERFTRACE_ITEM_SPAN_END:
    case PERFTRACE_ITEM_ASYNC_END:
        return promise->subject == PROMISE_SPAN && same(promise->name, item->site->name);
    case PERFTRACE_ITEM_COUNTER:
        return promise->subject == PROMISE_COUNTER && same(promise->name, item->site->name);
    case PERFTRACE_ITEM_ALLOCATE:
    case PERFTRACE_ITEM_FREE:
        return promise->subject == PROMISE_MEMORY && same(promise->name, item->site->name);
    default:
        return false;
    }
}

static void tell_site(struct measured *result, const struct perftrace_site_info *site) {
    if (result->file[0] != '\0' || site->file.length == 0 || site->file.length >= sizeof result->file ||
        memchr(site->file.bytes, '\0', site->file.length) != NULL)
        return;
    memcpy(result->file, site->file.bytes, site->file.length + 1);
    result->line = site->line;
}

/* One that is kept, if there is memory for it. */
static struct site_use *new_use(struct measure *measure, uint32_t id) {
    if (id >= measure->use_capacity &&
        !array_grow_zeros(&measure->budget, (void **)&measure->uses, &measure->use_capacity,
                          id < 16 ? 16 : id * UINT64_C(2), sizeof *measure->uses))
        return measure->no_use;
    if (perftrace_budget_take(&measure->budget, use_bytes(measure)))
        measure->uses[id] = malloc(use_bytes(measure));
    return measure->uses[id] != NULL ? measure->uses[id] : measure->no_use;
}

static struct site_use *find_use(struct measure *measure, const struct perftrace_item *item) {
    uint32_t id = item->site->id;
    if (id < measure->use_capacity && measure->uses[id] != NULL)
        return measure->uses[id];
    struct site_use *use = new_use(measure, id);
    use->count = 0;
    for (uint32_t i = 0; i < measure->count; i++)
        if (is_about(&measure->promises[i], item)) {
            use->promises[use->count++] = i;
            tell_site(&measure->results[i], item->site);
        }
    return use;
}

static bool on_track(const struct promise *promise, const struct perftrace_track_info *track) {
    if (promise->track == NULL)
        return true;
    return (strcmp(promise->track, "gpu") == 0 && track->kind == PERFTRACE_ON_GPU) ||
           analysis_pattern_matches(promise->track, track->name);
}

/* ---- frames ------------------------------------------------------------------------------------------ */

/* Which frames the promise is about, or what happens in them. */
static bool is_of_frames(const struct measure *measure, const struct promise *promise, const char *name) {
    const char *wanted = promise->subject == PROMISE_FRAME ? promise->name : promise->scope_name;
    return (promise->subject == PROMISE_FRAME || promise->scope == PROMISE_PER_FRAME) &&
           frames_are(&measure->frames, wanted, name);
}

static void add_mark(struct measure *measure, const struct perftrace_item *item) {
    const char *name = item->site->name.bytes;
    bool wanted = false;
    for (size_t i = 0; i < measure->count && !wanted; i++)
        wanted = is_of_frames(measure, &measure->promises[i], name);
    bool kept = !wanted || frames_add(&measure->frames, item);
    for (size_t i = 0; i < measure->count && wanted; i++) {
        if (!is_of_frames(measure, &measure->promises[i], name))
            continue;
        measure->results[i].lost += !kept;
        if (measure->promises[i].subject == PROMISE_FRAME)
            tell_site(&measure->results[i], item->site);
    }
}

/* ---- samples ----------------------------------------------------------------------------------------- */

static void add_cell(struct measure *measure, size_t which, uint64_t cell, double value) {
    struct progress_of *progress = &measure->progress[which];
    uint64_t wanted = progress->cell_capacity == 0 ? 16 : progress->cell_capacity;
    while (wanted <= cell && wanted < FRAMES_MAX)
        wanted *= 2;
    bool fits =
        cell < progress->cell_capacity ||
        (cell < FRAMES_MAX && array_grow_zeros(&measure->budget, (void **)&progress->cells,
                                               &progress->cell_capacity, wanted, sizeof *progress->cells));
    if (fits)
        progress->cells[cell] += value;
    else
        measure->results[which].lost++;
}

static int add_sample(struct measure *measure, size_t which, struct sample sample) {
    const struct promise *promise = &measure->promises[which];
    struct progress_of *progress = &measure->progress[which];
    if (progress->left_out < promise->warmup_samples) {
        progress->left_out++;
        return 0;
    }
    if (promise->warmup_ns > 0 && sample.start_ns - measure->first_ns < promise->warmup_ns)
        return 0;
    sample.input = measure->run;
    return samples_add(&measure->results[which].samples, promise, &sample) == 0 ? 0 : -PERFTRACE_ERROR_MEMORY;
}

static double number_of(const struct perftrace_value *value) {
    switch (value->type) {
    case PERFTRACE_TYPE_SIGNED:
        return (double)value->i;
    case PERFTRACE_TYPE_DOUBLE:
        return value->d;
    case PERFTRACE_TYPE_STRING:
        return 0;
    default:
        return (double)value->u;
    }
}

static bool metric_of(const struct perftrace_call *call, const char *name, double *number) {
    for (size_t i = 0; i < call->metric_count; i++)
        if (same(name, call->metrics[i].argument->name) && call->metrics[i].type != PERFTRACE_TYPE_STRING) {
            *number = number_of(&call->metrics[i]);
            return true;
        }
    return false;
}

/* False: the call has no such figure. */
static bool figure_of(const struct promise *promise, const struct perftrace_call *call, double *value) {
    static const struct {
        const char *name;
        double ns;
    } cpu[] = {{"cpu_ns", 1}, {"cpu_us", 1e3}, {"cpu_ms", 1e6}};
    switch (promise->measure) {
    case PROMISE_CALLS:
        *value = 1;
        return true;
    case PROMISE_METRIC:
        return metric_of(call, promise->metric, value);
    case PROMISE_CPU:
        for (size_t i = 0; i < sizeof cpu / sizeof *cpu; i++)
            if (metric_of(call, cpu[i].name, value)) {
                *value *= cpu[i].ns;
                return true;
            }
        return false;
    case PROMISE_SELF:
        *value = (double)(call->elapsed_ns -
                          (call->children_ns < call->elapsed_ns ? call->children_ns : call->elapsed_ns));
        return true;
    default:
        *value = (double)call->elapsed_ns;
        return true;
    }
}

static struct sample sample_of(const struct perftrace_call *call, double value) {
    return (struct sample){.value = value,
                           .start_ns = call->start_ns,
                           .end_ns = call->start_ns + call->elapsed_ns,
                           .number = call->number,
                           .track = call->track->id};
}

static int add_call_to(struct measure *measure, size_t which, const struct perftrace_call *call,
                       double value) {
    const struct promise *promise = &measure->promises[which];
    struct progress_of *progress = &measure->progress[which];
    const struct frame_marks *marks;
    switch (promise->scope) {
    case PROMISE_PER_CALL:
        return add_sample(measure, which, sample_of(call, value));
    case PROMISE_PER_RUN:
        if (call->start_ns - measure->first_ns >= promise->warmup_ns)
            progress->total += value;
        return 0;
    case PROMISE_PER_SECOND:
        add_cell(measure, which, (call->start_ns - measure->first_ns) / 1000000000, value);
        return 0;
    case PROMISE_PER_FRAME:
        marks = frames_of(&measure->frames, promise->scope_name);
        if (marks != NULL)
            add_cell(measure, which, frames_at(marks, call->start_ns), value);
        return 0;
    case PROMISE_PER_SPAN:
        break;
    }
    enclosed_add(&measure->enclosed, which, value);
    return 0;
}

static int emit_enclosed(void *context, size_t which, const struct perftrace_call *call, double value) {
    struct measure *measure = context;
    measure->results[which].scopes++;
    return add_sample(measure, which, sample_of(call, value));
}

static int add_call(struct measure *measure, const struct perftrace_item *item, const struct site_use *use) {
    const struct perftrace_call *call = item->call;
    int status = 0;
    enclosed_begin(&measure->enclosed, call);
    for (uint32_t i = 0; status == 0 && i < use->count && !call->unfinished; i++) {
        uint32_t which = use->promises[i];
        const struct promise *promise = &measure->promises[which];
        struct measured *result = &measure->results[which];
        double value;
        result->seen++;
        measure->progress[which].seen++;
        if (!on_track(promise, call->track))
            continue;
        result->tracks++;
        if (!figure_of(promise, call, &value))
            continue;
        result->with_metric++;
        status = add_call_to(measure, which, call, value);
    }
    return status != 0 ? status : enclosed_end(&measure->enclosed, call, emit_enclosed, measure);
}

static int add_value(struct measure *measure, const struct perftrace_item *item, const struct site_use *use) {
    int status = 0;
    for (uint32_t i = 0; status == 0 && i < use->count && item->value_count > 0; i++) {
        uint32_t which = use->promises[i];
        measure->results[which].seen++;
        if (!on_track(&measure->promises[which], item->track))
            continue;
        measure->results[which].tracks++;
        measure->results[which].with_metric++;
        status = add_sample(measure, which,
                            (struct sample){.value = number_of(&item->values[0]),
                                            .start_ns = item->time_ns,
                                            .end_ns = item->time_ns,
                                            .track = item->track->id});
    }
    return status;
}

/* Blocks are known by their addresses; one that was never seen allocated was there before the trace. */
static int add_block(struct measure *measure, const struct perftrace_item *item, const struct site_use *use) {
    int status = 0;
    for (uint32_t i = 0; status == 0 && i < use->count; i++) {
        uint32_t which = use->promises[i];
        struct progress_of *progress = &measure->progress[which];
        uintptr_t had = (uintptr_t)perftrace_map_remove(&measure->memory, which, item->id);
        progress->total -= had != 0 ? (double)(had - 1) : 0;
        if (item->kind == PERFTRACE_ITEM_ALLOCATE) {
            if (!perftrace_map_put(&measure->memory, which, item->id, (void *)(uintptr_t)(item->bytes + 1)))
                measure->results[which].lost++;
            progress->total += (double)item->bytes;
        }
        measure->results[which].seen++;
        measure->results[which].tracks++;
        measure->results[which].with_metric++;
        status = add_sample(measure, which,
                            (struct sample){.value = progress->total,
                                            .start_ns = item->time_ns,
                                            .end_ns = item->time_ns,
                                            .track = item->track->id});
    }
    return status;
}

/* ---- runs -------------------------------------------------------------------------------------------- */

int measure_begin_run(struct measure *measure) {
    measure->any_time = false;
    for (size_t i = 0; i < measure->count; i++)
        if (samples_begin_run(&measure->results[i].samples) != 0)
            return -PERFTRACE_ERROR_MEMORY;
    return 0;
}

int measure_item(struct measure *measure, const struct perftrace_item *item) {
    if (item->site == NULL)
        return 0;
    uint64_t first = item->call != NULL ? item->call->start_ns : item->time_ns;
    if (!measure->any_time || first < measure->first_ns)
        measure->first_ns = first;
    if (!measure->any_time || item->time_ns > measure->last_ns)
        measure->last_ns = item->time_ns;
    measure->any_time = true;
    if (item->kind == PERFTRACE_ITEM_FRAME) {
        add_mark(measure, item);
        return 0;
    }
    const struct site_use *use = find_use(measure, item);
    switch (item->kind) {
    case PERFTRACE_ITEM_SPAN_END:
    case PERFTRACE_ITEM_ASYNC_END:
        return add_call(measure, item, use);
    case PERFTRACE_ITEM_COUNTER:
        return add_value(measure, item, use);
    case PERFTRACE_ITEM_ALLOCATE:
    case PERFTRACE_ITEM_FREE:
        return add_block(measure, item, use);
    default:
        return 0;
    }
}

/* Frames and seconds that are complete: each is a sample, also when nothing of the promise was in it. */
static int end_frames(struct measure *measure, size_t which) {
    const struct promise *promise = &measure->promises[which];
    const struct progress_of *progress = &measure->progress[which];
    bool is_frame = promise->subject == PROMISE_FRAME;
    const struct frame_marks *marks =
        frames_of(&measure->frames, is_frame ? promise->name : promise->scope_name);
    int status = 0;
    if (marks == NULL || marks->count < 2)
        return 0;
    struct measured *result = &measure->results[which];
    result->scopes += marks->count - 1;
    if (is_frame) {
        result->seen += marks->count - 1;
        result->tracks = result->with_metric = result->seen;
    } else if (progress->seen == 0) {
        return 0;
    }
    for (uint32_t frame = 1; status == 0 && frame < marks->count; frame++) {
        uint64_t start = marks->times[frame - 1], end = marks->times[frame];
        double value = is_frame                          ? (double)(end - start)
                       : frame < progress->cell_capacity ? progress->cells[frame]
                                                         : 0;
        status = add_sample(
            measure, which,
            (struct sample){
                .value = value, .start_ns = start, .end_ns = end, .number = frame, .track = marks->track});
    }
    return status;
}

static int end_seconds(struct measure *measure, size_t which) {
    const struct progress_of *progress = &measure->progress[which];
    uint64_t seconds = (measure->last_ns - measure->first_ns) / 1000000000;
    int status = 0;
    if (progress->seen == 0 || seconds > FRAMES_MAX)
        return 0;
    measure->results[which].scopes += seconds;
    for (uint32_t second = 0; status == 0 && second < seconds; second++) {
        uint64_t start = measure->first_ns + second * UINT64_C(1000000000);
        status = add_sample(
            measure, which,
            (struct sample){.value = second < progress->cell_capacity ? progress->cells[second] : 0,
                            .start_ns = start,
                            .end_ns = start + 1000000000,
                            .number = second + 1});
    }
    return status;
}

static int end_promise(struct measure *measure, size_t which) {
    const struct promise *promise = &measure->promises[which];
    if (promise->subject == PROMISE_SPAN && promise->scope == PROMISE_PER_SPAN)
        measure->results[which].lost += measure->enclosed.lost;
    if (promise->subject == PROMISE_FRAME || promise->scope == PROMISE_PER_FRAME)
        return end_frames(measure, which);
    if (promise->subject == PROMISE_SPAN && promise->scope == PROMISE_PER_SECOND)
        return end_seconds(measure, which);
    if (promise->subject == PROMISE_SPAN && promise->scope == PROMISE_PER_RUN &&
        measure->progress[which].seen > 0)
        return measure_figure(measure, which, measure->progress[which].total);
    return 0;
}

static void forget_run(struct measure *measure) {
    for (uint32_t i = 0; i < measure->use_capacity; i++) {
        if (measure->uses[i] != NULL)
            perftrace_budget_give(&measure->budget, use_bytes(measure));
        free(measure->uses[i]);
        measure->uses[i] = NULL;
    }
    frames_clear(&measure->frames);
    for (size_t i = 0; measure->progress != NULL && i < measure->count; i++) {
        perftrace_budget_give(&measure->budget, measure->progress[i].cell_capacity * sizeof(double));
        free(measure->progress[i].cells);
        measure->progress[i] = (struct progress_of){0};
    }
    perftrace_map_free(&measure->memory);
    enclosed_clear(&measure->enclosed);
}

int measure_end_run(struct measure *measure) {
    int status = 0;
    for (size_t i = 0; status == 0 && i < measure->count; i++)
        status = end_promise(measure, i);
    forget_run(measure);
    measure->run++;
    return status;
}

int measure_figure(struct measure *measure, size_t promise, double value) {
    struct sample sample = {.value = value, .input = measure->run};
    struct measured *result = &measure->results[promise];
    return samples_add(&result->samples, &measure->promises[promise], &sample) == 0 ? 0
                                                                                    : -PERFTRACE_ERROR_MEMORY;
}

const struct measured *measure_result(const struct measure *measure, size_t promise) {
    return &measure->results[promise];
}

void measure_close(struct measure *measure) {
    if (measure == NULL)
        return;
    forget_run(measure);
    for (size_t i = 0; measure->results != NULL && i < measure->count; i++)
        samples_free(&measure->results[i].samples);
    free(measure->results);
    free(measure->progress);
    free(measure->uses);
    free(measure->no_use);
    enclosed_close(&measure->enclosed);
    free(measure);
}
