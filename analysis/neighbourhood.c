/* Keeping the calls around some.
 *
 * Which calls will be looked at is known only when they end, so the last ones of each track are remembered, in rings, one for each
 * class of length: of a call's neighbours those are wanted that can be seen beside it, and short ones, however many, don't push
 * out longer ones. When a call ends that is slower than those kept so far, the rings have what came before and within it; what
 * comes after it, and what is around it, ends later and is added as it comes.
 *
 * A call costs its place in a ring and a comparison, as long as it is neither slow nor within the time around a slow one. */
#include "neighbourhood.h"

#include "../core/arena.h"
#include "../core/map.h"
#include "log_times.h"
#include "part.h"

#include <stdlib.h>
#include <string.h>

#define CLASSES 32u      /* of length, by powers of four */
#define CLASSES_SHOWN 5u /* below its own, beside a call: to a thousandth of its length */
#define RING_CALLS 128u
#define SCENE_CALLS 160u /* around one call */
#define FIRST_CALLS 2500u
#define FIRST_CALLS_IN_ALL 5000u
#define FUNCTIONS_MAX 128u /* whose slowest calls are kept */

struct ring {
    uint64_t count; /* of all that were put in: the last RING_CALLS are there */
    struct analysis_neighbour calls[RING_CALLS];
};

struct track {
    uint64_t last_end_ns;
    struct ring *classes[CLASSES]; /* none of an input that has ended */
};

/* A call, and those around it: what overlaps the time from `from` to `to`, the longest. */
struct scene {
    struct analysis_neighbour self;
    uint64_t from_ns, to_ns;
    struct analysis_neighbour *calls;
    uint32_t count;
    uint32_t shortest; /* which, once they are SCENE_CALLS */
};

struct state {
    struct analysis_neighbourhood found;
    struct perftrace_map track_of; /* (input, id) to its number + 1 */
    struct track *tracks;
    uint32_t track_capacity, found_capacity;
    struct scene *slowest; /* a heap, the fastest on top */
    uint32_t slowest_count, slowest_max;
    struct scene by_function[FUNCTIONS_MAX];
    /* The end of the latest scene in which a call of that length would be seen. */
    uint64_t latest_ns[CLASSES];
    struct analysis_neighbour *first;
    uint32_t first_count, first_of_input;
    uint64_t left_out; /* calls whose surroundings there was no room for */
    struct log_times times;
    struct perftrace_arena names;
};

static unsigned class_of(uint64_t ns) {
    return ns == 0 ? 0 : (63u - (unsigned)__builtin_clzll(ns)) / 2;
}

static uint64_t end_of(const struct analysis_neighbour *call) {
    return call->start_ns + call->elapsed_ns;
}

static bool wanted(const struct analysis *analysis) {
    return analysis->options.neighbours_max > 0;
}

static int neighbourhood_open(const struct analysis *analysis, void *memory) {
    struct state *state = memory;
    if (!wanted(analysis))
        return 0;
    state->slowest_max = analysis->options.neighbours_max;
    state->slowest = calloc(state->slowest_max, sizeof *state->slowest);
    state->first = malloc(FIRST_CALLS_IN_ALL * sizeof *state->first);
    return state->slowest != NULL && state->first != NULL ? 0 : -PERFTRACE_ERROR_MEMORY;
}

/* ---- the last calls of each track ----------------------------------------------------------------------------- */

/* The number of a track, or UINT32_MAX where there is no room for another. */
static uint32_t track_number(struct analysis *analysis, struct state *state, uint32_t input, uint32_t id) {
    uintptr_t known = (uintptr_t)perftrace_map_find(&state->track_of, input, id);
    if (known != 0)
        return (uint32_t)(known - 1);
    uint32_t number = state->found.track_count;
    if (number == state->track_capacity) {
        uint32_t more = number == 0 ? 16 : number * 2;
        size_t bytes = (size_t)more * (sizeof *state->tracks + sizeof *state->found.tracks);
        if (!perftrace_budget_take(&analysis->budget, bytes))
            return UINT32_MAX;
        struct track *tracks = realloc(state->tracks, more * sizeof *tracks);
        if (tracks != NULL)
            state->tracks = tracks;
        struct analysis_neighbour_track *found =
            realloc(state->found.tracks, more * sizeof *state->found.tracks);
        if (found != NULL)
            state->found.tracks = found;
        if (tracks == NULL || found == NULL)
            return UINT32_MAX;
        state->track_capacity = more;
    }
    state->track_of.budget = &analysis->budget;
    if (!perftrace_map_put(&state->track_of, input, id, (void *)((uintptr_t)number + 1)))
        return UINT32_MAX;
    state->tracks[number] = (struct track){0};
    state->found.tracks[number] =
        (struct analysis_neighbour_track){.input = input, .id = id, .name = {"", 0}};
    state->found.track_count++;
    return number;
}

static bool remember(struct analysis *analysis, struct track *track, const struct analysis_neighbour *call) {
    struct ring **ring = &track->classes[class_of(call->elapsed_ns)];
    if (*ring == NULL) {
        if (!perftrace_budget_take(&analysis->budget, sizeof **ring))
            return false;
        *ring = malloc(sizeof **ring);
        if (*ring == NULL)
            return false;
        (*ring)->count = 0;
    }
    (*ring)->calls[(*ring)->count++ % RING_CALLS] = *call;
    if (end_of(call) > track->last_end_ns)
        track->last_end_ns = end_of(call);
    return true;
}

/* ---- the calls around one ------------------------------------------------------------------------------------- */

static void find_shortest(struct scene *scene) {
    scene->shortest = 0;
    for (uint32_t i = 1; i < scene->count; i++)
        if (scene->calls[i].elapsed_ns < scene->calls[scene->shortest].elapsed_ns)
            scene->shortest = i;
}

static void add_to_scene(struct scene *scene, const struct analysis_neighbour *call) {
    if (scene->count < SCENE_CALLS) {
        scene->calls[scene->count++] = *call;
        if (scene->count == SCENE_CALLS)
            find_shortest(scene);
    } else if (call->elapsed_ns > scene->calls[scene->shortest].elapsed_ns) {
        scene->calls[scene->shortest] = *call;
        find_shortest(scene);
    }
}

static bool overlaps(const struct scene *scene, const struct analysis_neighbour *call) {
    return call->start_ns <= scene->to_ns && end_of(call) >= scene->from_ns;
}

/* The newest first: what a full scene keeps of calls of the same length are those next to the call. */
static void add_ring(struct scene *scene, const struct ring *ring) {
    uint64_t there = ring->count < RING_CALLS ? ring->count : RING_CALLS;
    for (uint64_t i = 1; i <= there; i++) {
        const struct analysis_neighbour *call = &ring->calls[(ring->count - i) % RING_CALLS];
        if (end_of(call) < scene->from_ns)
            break; /* as did all before */
        if (overlaps(scene, call))
            add_to_scene(scene, call);
    }
}

/* Makes a scene of a call that has just ended; `scene->calls` is there already, or is NULL. */
static bool begin_scene(struct analysis *analysis, struct state *state, struct scene *scene,
                        const struct analysis_neighbour *call) {
    struct analysis_neighbour *calls = scene->calls;
    if (calls == NULL) {
        if (!perftrace_budget_take(&analysis->budget, SCENE_CALLS * sizeof *calls))
            return false;
        calls = malloc(SCENE_CALLS * sizeof *calls);
        if (calls == NULL)
            return false;
    }
    uint64_t around_ns = call->elapsed_ns / 2;
    *scene = (struct scene){
        .self = *call,
        .from_ns = call->start_ns > around_ns ? call->start_ns - around_ns : 0,
        .to_ns = end_of(call) + around_ns,
        .calls = calls,
    };
    unsigned least = class_of(call->elapsed_ns);
    least = least > CLASSES_SHOWN ? least - CLASSES_SHOWN : 0;
    for (unsigned class = CLASSES; class -- > least;) {
        if (scene->to_ns > state->latest_ns[class])
            state->latest_ns[class] = scene->to_ns;
        for (uint32_t i = 0; i < state->found.track_count; i++) {
            const struct track *track = &state->tracks[i];
            if (track->last_end_ns >= scene->from_ns && track->classes[class] != NULL)
                add_ring(scene, track->classes[class]);
        }
    }
    return true;
}

/* Adds a call to the scene if it is to be seen there: it may be what comes after, or what is around. */
static void show_to(struct scene *scene, const struct analysis_neighbour *call, unsigned class) {
    if (scene->calls != NULL && scene->self.id.input == call->id.input && overlaps(scene, call) &&
        class + CLASSES_SHOWN >= class_of(scene->self.elapsed_ns))
        add_to_scene(scene, call);
}

/* ---- which calls have one ------------------------------------------------------------------------------------- */

static void sift_down(struct state *state, uint32_t at) {
    struct scene *heap = state->slowest;
    struct scene moving = heap[at];
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child + 1 < state->slowest_count && heap[child + 1].self.elapsed_ns < heap[child].self.elapsed_ns)
            child++;
        if (child >= state->slowest_count || heap[child].self.elapsed_ns >= moving.self.elapsed_ns)
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moving;
}

/* Takes the scene over: *scene is what is left to be used for another. */
static void keep_among_slowest(struct state *state, struct scene *scene) {
    struct scene *heap = state->slowest;
    if (state->slowest_count == state->slowest_max) {
        if (scene->self.elapsed_ns <= heap[0].self.elapsed_ns)
            return;
        struct scene fastest = heap[0];
        heap[0] = *scene;
        *scene = fastest;
        sift_down(state, 0);
        return;
    }
    uint32_t at = state->slowest_count++;
    for (; at > 0 && heap[(at - 1) / 2].self.elapsed_ns > scene->self.elapsed_ns; at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = *scene;
    *scene = (struct scene){0};
}

static bool among_slowest(const struct state *state, const struct analysis_neighbour *call) {
    return state->slowest_count < state->slowest_max || call->elapsed_ns > state->slowest[0].self.elapsed_ns;
}

/* Gives the call a scene if it is the slowest of its function so far, or among the slowest of all. */
static void keep_slow(struct analysis *analysis, struct state *state, const struct analysis_neighbour *call) {
    struct scene *of_function = call->function < FUNCTIONS_MAX ? &state->by_function[call->function] : NULL;
    if (of_function != NULL &&
        (of_function->calls == NULL || call->elapsed_ns > of_function->self.elapsed_ns)) {
        if (of_function->calls != NULL)
            keep_among_slowest(state, of_function);
        state->left_out += !begin_scene(analysis, state, of_function, call);
    } else if (among_slowest(state, call)) {
        struct scene scene = {0};
        if (state->slowest_count == state->slowest_max) { /* its memory */
            scene = state->slowest[0];
            state->slowest[0] = state->slowest[--state->slowest_count];
            sift_down(state, 0);
        }
        if (begin_scene(analysis, state, &scene, call))
            keep_among_slowest(state, &scene);
        else
            state->left_out++;
    }
}

/* ---- the part --------------------------------------------------------------------------------------------------- */

/* When a call of a log may have begun. */
static void place(struct state *state, const struct analysis_call *call,
                  struct analysis_neighbour *neighbour) {
    const struct perftrace_track_info track = {.id = call->track};
    const struct perftrace_call placed = {
        .number = call->id.number,
        .parent_number = call->parent,
        .elapsed_ns = call->elapsed_ns,
        .track = &track,
    };
    struct log_time time = log_times_add(&state->times, &placed);
    neighbour->start_ns = time.start_ns;
    neighbour->elapsed_ns = time.span_ns;
    neighbour->made_up = true;
}

static void show_to_all(struct state *state, const struct analysis_neighbour *call) {
    unsigned class = class_of(call->elapsed_ns);
    if (call->start_ns > state->latest_ns[class])
        return;
    for (uint32_t i = 0; i < state->slowest_count; i++)
        show_to(&state->slowest[i], call, class);
    for (uint32_t i = 0; i < FUNCTIONS_MAX; i++)
        show_to(&state->by_function[i], call, class);
}

static void add_call(struct analysis *analysis, struct state *state, const struct analysis_call *call) {
    struct analysis_neighbour neighbour = {
        .id = call->id,
        .parent = call->parent,
        .start_ns = call->start_ns,
        .elapsed_ns = call->elapsed_ns,
        .function = call->function,
        .question = call->question,
        .track = track_number(analysis, state, call->id.input, call->track),
    };
    if (call->start_ns == 0)
        place(state, call, &neighbour);
    if (neighbour.track == UINT32_MAX || end_of(&neighbour) < neighbour.start_ns) { /* a time that can't be */
        state->left_out++;
        return;
    }
    if (state->first_of_input < FIRST_CALLS && state->first_count < FIRST_CALLS_IN_ALL) {
        state->first[state->first_count++] = neighbour;
        state->first_of_input++;
    }
    show_to_all(state, &neighbour);
    state->left_out += !remember(analysis, &state->tracks[neighbour.track], &neighbour);
    keep_slow(analysis, state, &neighbour);
}

static int neighbourhood_add(struct analysis *analysis, void *memory, const struct analysis_call *calls,
                             size_t count) {
    for (uint32_t i = 0; i < count; i++)
        add_call(analysis, memory, &calls[i]);
    return 0;
}

static int neighbourhood_end_input(struct analysis *analysis, void *memory) {
    struct state *state = memory;
    for (uint32_t i = 0; i < state->found.track_count; i++)
        for (unsigned class = 0; class < CLASSES; class ++) {
            struct ring **ring = &state->tracks[i].classes[class];
            if (*ring != NULL)
                perftrace_budget_give(&analysis->budget, sizeof **ring);
            free(*ring);
            *ring = NULL;
        }
    memset(state->latest_ns, 0, sizeof state->latest_ns);
    state->first_of_input = 0;
    log_times_free(&state->times);
    return 0;
}

static int by_call(const void *left, const void *right) {
    const struct analysis_neighbour *a = left, *b = right;
    return analysis_call_before(b->id, a->id) - analysis_call_before(a->id, b->id);
}

static int by_time(const void *left, const void *right) {
    const struct analysis_neighbour *a = left, *b = right;
    if (a->id.input != b->id.input)
        return a->id.input < b->id.input ? -1 : 1;
    if (a->start_ns != b->start_ns)
        return a->start_ns < b->start_ns ? -1 : 1;
    if (a->elapsed_ns != b->elapsed_ns)
        return a->elapsed_ns > b->elapsed_ns ? -1 : 1;
    return by_call(left, right);
}

static void collect_scene(struct analysis_neighbourhood *found, const struct scene *scene) {
    if (scene->calls == NULL)
        return;
    memcpy(found->calls + found->call_count, scene->calls, scene->count * sizeof *scene->calls);
    found->call_count += scene->count;
}

static int neighbourhood_finish(struct analysis *analysis, void *memory) {
    struct state *state = memory;
    struct analysis_neighbourhood *found = &state->found;
    if (!wanted(analysis))
        return 0;
    size_t most = state->first_count + (size_t)(state->slowest_count + FUNCTIONS_MAX) * SCENE_CALLS;
    found->calls = malloc((most + 1) * sizeof *found->calls);
    if (found->calls == NULL)
        return -PERFTRACE_ERROR_MEMORY;
    memcpy(found->calls, state->first, state->first_count * sizeof *state->first);
    found->call_count = state->first_count;
    for (uint32_t i = 0; i < state->slowest_count; i++)
        collect_scene(found, &state->slowest[i]);
    for (uint32_t i = 0; i < FUNCTIONS_MAX; i++)
        collect_scene(found, &state->by_function[i]);
    qsort(found->calls, found->call_count, sizeof *found->calls, by_call);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < found->call_count; i++)
        if (kept == 0 || by_call(&found->calls[kept - 1], &found->calls[i]) != 0)
            found->calls[kept++] = found->calls[i];
    found->call_count = kept;
    qsort(found->calls, kept, sizeof *found->calls, by_time);
    return 0;
}

static void neighbourhood_approximated(const struct analysis *analysis, const void *memory,
                                       struct perftrace_buffer *text) {
    (void)analysis;
    const struct state *state = memory;
    if (state->left_out == 0)
        return;
    perftrace_buffer_text(text, "Timelines: ");
    perftrace_buffer_unsigned(text, state->left_out);
    perftrace_buffer_text(text, " calls are missing from them\n");
}

static void neighbourhood_close(void *memory) {
    struct state *state = memory;
    for (uint32_t i = 0; i < state->found.track_count; i++)
        for (unsigned class = 0; class < CLASSES; class ++)
            free(state->tracks[i].classes[class]);
    for (uint32_t i = 0; i < state->slowest_count; i++)
        free(state->slowest[i].calls);
    for (uint32_t i = 0; i < FUNCTIONS_MAX; i++)
        free(state->by_function[i].calls);
    free(state->slowest);
    free(state->first);
    free(state->tracks);
    free(state->found.tracks);
    free(state->found.calls);
    perftrace_map_free(&state->track_of);
    perftrace_arena_free(&state->names);
    log_times_free(&state->times);
}

void analysis_neighbourhood_name(struct analysis *analysis, const struct perftrace_track_info *track) {
    struct state *state = analysis->parts[ANALYSIS_PART_neighbourhood];
    uintptr_t known = (uintptr_t)perftrace_map_find(&state->track_of, analysis->input_count, track->id);
    if (known == 0)
        return;
    struct analysis_neighbour_track *found = &state->found.tracks[known - 1];
    struct perftrace_text name = perftrace_name_shown(track->name);
    found->kind = track->kind;
    state->names.bytes_max = SIZE_MAX;
    state->names.budget = &analysis->budget;
    perftrace_arena_text(&state->names, name.bytes, name.length, &found->name);
}

const struct analysis_neighbourhood *analysis_neighbourhood(const struct analysis *analysis) {
    return &((const struct state *)analysis->parts[ANALYSIS_PART_neighbourhood])->found;
}

const struct analysis_part part_neighbourhood = {
    .state_bytes = sizeof(struct state),
    .open = neighbourhood_open,
    .wants = wanted,
    .add = neighbourhood_add,
    .apart = true,
    .end_input = neighbourhood_end_input,
    .finish = neighbourhood_finish,
    .approximated = neighbourhood_approximated,
    .close = neighbourhood_close,
};
