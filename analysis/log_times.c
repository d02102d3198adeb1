/* Placing the calls of a log in time. */
#include "log_times.h"

enum { OF_CALL, OF_TRACK };

/* What is known of a call from its children, before it has ended itself. */
struct log_parent {
    struct log_parent *next; /* of the unused ones */
    uint32_t track;          /* of the first child; what happened on others does not fill the call's time */
    uint64_t first_start_ns;
    uint64_t children_ns;
};

struct log_track {
    uint64_t end_ns; /* of its last call */
};

static struct log_track *track_of(struct log_times *times, uint32_t id) {
    struct log_track *track = perftrace_map_find(&times->known, OF_TRACK, id);
    if (track != NULL)
        return track;
    times->arena.bytes_max = SIZE_MAX;
    track = perftrace_arena_take(&times->arena, sizeof *track);
    return track != NULL && perftrace_map_put(&times->known, OF_TRACK, id, track) ? track : NULL;
}

static struct log_parent *new_parent(struct log_times *times, uint64_t number) {
    struct log_parent *parent = times->unused;
    if (parent != NULL) {
        times->unused = parent->next;
    } else {
        if (times->parents >= LOG_PARENTS_MAX)
            return NULL;
        times->arena.bytes_max = SIZE_MAX;
        parent = perftrace_arena_take(&times->arena, sizeof *parent);
        if (parent == NULL)
            return NULL;
        times->parents++;
    }
    if (perftrace_map_put(&times->known, OF_CALL, number, parent))
        return parent;
    parent->next = times->unused;
    times->unused = parent;
    return NULL;
}

static void tell_parent(struct log_times *times, const struct perftrace_call *call, uint64_t start_ns) {
    struct log_parent *parent = perftrace_map_find(&times->known, OF_CALL, call->parent_number);
    if (parent == NULL) {
        parent = new_parent(times, call->parent_number);
        if (parent == NULL)
            return;
        *parent = (struct log_parent){.track = call->track->id, .first_start_ns = start_ns};
    }
    if (parent->track == call->track->id)
        parent->children_ns += call->elapsed_ns;
}

struct log_time log_times_add(struct log_times *times, const struct perftrace_call *call) {
    struct log_time time = {0, call->elapsed_ns, 0};
    struct log_track *track = track_of(times, call->track->id);
    struct log_parent *self = perftrace_map_remove(&times->known, OF_CALL, call->number);
    if (track == NULL)
        return time;
    time.start_ns = track->end_ns;
    if (self != NULL && self->track == call->track->id) {
        time.start_ns = self->first_start_ns;
        time.children_ns = self->children_ns;
        if (track->end_ns - time.start_ns > time.span_ns)
            time.span_ns = track->end_ns - time.start_ns;
    }
    track->end_ns = time.start_ns + time.span_ns;
    if (self != NULL) {
        self->next = times->unused;
        times->unused = self;
    }
    if (call->parent_number != 0)
        tell_parent(times, call, time.start_ns);
    return time;
}

void log_times_free(struct log_times *times) {
    perftrace_map_free(&times->known);
    perftrace_arena_free(&times->arena);
    *times = (struct log_times){0};
}
