/* Samples of promises out of items: calls as they are, or added up by frame, second, run and enclosing call. */
#include "measure.h"

#include "../core/hash.h"
#include "../core/map.h"
#include "enclosed.h"
#include "intern.h"
#include "select.h"

#include <stdlib.h>

#define CELLS_MAX (1u << 24) /* frames or seconds of a run; what comes later counts for the last */

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

struct frame_marks {
    char *name;
    uint64_t *times;
    uint32_t count, capacity, track;
};

struct measure {
    const struct promise *promises;
    size_t count;
    struct measured *results;
    struct progress_of *progress;
    struct site_use **uses; /* by site id; of this run */
    uint32_t use_capacity;
    struct frame_marks *frames; /* by name, in order of their first marks */
    uint32_t frame_count, frame_capacity;
    struct enclosed enclosed;    /* for those per span */
    struct perftrace_map memory; /* of blocks in use: (promise, address) -> bytes + 1 */
    uint32_t run;
    uint64_t first_ns, last_ns;
    bool any_time;
};

/* ---- opening ---------------------------------------------------------------------------------------- */

struct measure *measure_open(const struct promise *promises, size_t count) {
    struct measure *measure = calloc(1, sizeof *measure);
    if (measure == NULL)
        return NULL;
    measure->promises = promises;
    measure->count = count;
    measure->results = calloc(count + 1, sizeof *measure->results);
    measure->progress = calloc(count + 1, sizeof *measure->progress);
    if (measure->results == NULL || measure->progress == NULL ||
        enclosed_open(&measure->enclosed, promises, count) != 0) {
        measure_close(measure);
        return NULL;
    }
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

static struct site_use *find_use(struct measure *measure, const struct perftrace_item *item) {
    uint32_t id = item->site->id, had = measure->use_capacity;
    if (id < measure->use_capacity && measure->uses[id] != NULL)
        return measure->uses[id];
    while (measure->use_capacity <= id) {
        if (array_reserve((void **)&measure->uses, measure->use_capacity, &measure->use_capacity,
                          sizeof *measure->uses) != 0)
            return NULL;
        for (; had < measure->use_capacity; had++)
            measure->uses[had] = NULL;
    }
    struct site_use *use = malloc(sizeof *use + measure->count * sizeof *use->promises);
    if (use == NULL)
        return NULL;
    use->count = 0;
    for (uint32_t i = 0; i < measure->count; i++)
        if (is_about(&measure->promises[i], item)) {
            use->promises[use->count++] = i;
            tell_site(&measure->results[i], item->site);
        }
    return measure->uses[id] = use;
}

static bool on_track(const struct promise *promise, const struct perftrace_track_info *track) {
    if (promise->track == NULL)
        return true;
    return (strcmp(promise->track, "gpu") == 0 && track->kind == PERFTRACE_ON_GPU) ||
           analysis_pattern_matches(promise->track, track->name);
}

/* ---- frames ------------------------------------------------------------------------------------------ */

static struct frame_marks *marks_of(struct measure *measure, const char *name) {
    for (uint32_t i = 0; i < measure->frame_count; i++)
        if (name == NULL || strcmp(measure->frames[i].name, name) == 0)
            return &measure->frames[i];
    return NULL;
}

static int add_mark(struct measure *measure, const struct perftrace_item *item) {
    struct frame_marks *marks = marks_of(measure, item->site->name.bytes);
    if (marks == NULL) {
        if (array_reserve((void **)&measure->frames, measure->frame_count, &measure->frame_capacity,
                          sizeof *measure->frames) != 0)
            return -PERFTRACE_ERROR_MEMORY;
        marks = &measure->frames[measure->frame_count];
        *marks = (struct frame_marks){.name = strdup(item->site->name.bytes), .track = item->track->id};
        if (marks->name == NULL)
            return -PERFTRACE_ERROR_MEMORY;
        measure->frame_count++;
    }
    if (marks->count == CELLS_MAX || (marks->count > 0 && item->time_ns < marks->times[marks->count - 1]))
        return 0;
    if (array_reserve((void **)&marks->times, marks->count, &marks->capacity, sizeof *marks->times) != 0)
        return -PERFTRACE_ERROR_MEMORY;
    marks->times[marks->count++] = item->time_ns;
    for (size_t i = 0; i < measure->count; i++)
        if (measure->promises[i].subject == PROMISE_FRAME &&
            (measure->promises[i].name == NULL || strcmp(measure->promises[i].name, marks->name) == 0))
            tell_site(&measure->results[i], item->site);
    return 0;
}

/* Which frame a moment is in: 1 is the first; 0: before it. */
static uint32_t frame_at(const struct frame_marks *marks, uint64_t ns) {
    uint32_t low = 0, high = marks->count;
    if (high > 0 && marks->times[high - 1] <= ns)
        return high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (marks->times[middle] <= ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- samples ----------------------------------------------------------------------------------------- */

static int add_cell(struct progress_of *progress, uint32_t cell, double value) {
    uint32_t had = progress->cell_capacity;
    cell = cell < CELLS_MAX ? cell : CELLS_MAX - 1;
    while (progress->cell_capacity <= cell) {
        if (array_reserve((void **)&progress->cells, progress->cell_capacity, &progress->cell_capacity,
                          sizeof *progress->cells) != 0)
            return -PERFTRACE_ERROR_MEMORY;
        for (; had < progress->cell_capacity; had++)
            progress->cells[had] = 0;
    }
    progress->cells[cell] += value;
    return 0;
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
        return add_cell(progress, (uint32_t)((call->start_ns - measure->first_ns) / 1000000000 % CELLS_MAX),
                        value);
    case PROMISE_PER_FRAME:
        marks = marks_of(measure, promise->scope_name);
        return marks == NULL ? 0 : add_cell(progress, frame_at(marks, call->start_ns), value);
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
    int status = enclosed_begin(&measure->enclosed, call);
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
                return -PERFTRACE_ERROR_MEMORY;
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
    if (item->kind == PERFTRACE_ITEM_FRAME)
        return add_mark(measure, item);
    const struct site_use *use = find_use(measure, item);
    if (use == NULL)
        return -PERFTRACE_ERROR_MEMORY;
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
    const struct frame_marks *marks = marks_of(measure, is_frame ? promise->name : promise->scope_name);
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
    if (progress->seen == 0 || seconds > CELLS_MAX)
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
        free(measure->uses[i]);
        measure->uses[i] = NULL;
    }
    for (uint32_t i = 0; i < measure->frame_count; i++) {
        free(measure->frames[i].name);
        free(measure->frames[i].times);
    }
    measure->frame_count = 0;
    for (size_t i = 0; measure->progress != NULL && i < measure->count; i++) {
        free(measure->progress[i].cells);
        measure->progress[i] = (struct progress_of){0};
    }
    perftrace_map_free(&measure->memory);
    measure->memory = (struct perftrace_map){0};
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
    free(measure->frames);
    enclosed_close(&measure->enclosed);
    free(measure);
}
