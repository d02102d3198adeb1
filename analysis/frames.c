/* Marks of frames. */
#include "frames.h"

#include "intern.h"

#include <stdlib.h>
#include <string.h>

bool frames_are(const struct frames *frames, const char *wanted, const char *name) {
    if (wanted == NULL)
        return frames->count == 0 || strcmp(frames->list[0].name, name) == 0;
    return strcmp(wanted, name) == 0;
}

static struct frame_marks *find(const struct frames *frames, const char *name) {
    for (uint32_t i = 0; i < frames->count; i++)
        if (frames_are(frames, name, frames->list[i].name))
            return &frames->list[i];
    return NULL;
}

const struct frame_marks *frames_of(const struct frames *frames, const char *wanted) {
    return find(frames, wanted);
}

static struct frame_marks *make(struct frames *frames, const struct perftrace_item *item) {
    if (!array_reserve_within(frames->budget, (void **)&frames->list, frames->count, &frames->capacity,
                              sizeof *frames->list))
        return NULL;
    struct frame_marks *marks = &frames->list[frames->count];
    *marks = (struct frame_marks){.name = strdup(item->site->name.bytes), .track = item->track->id};
    frames->count += marks->name != NULL;
    return marks->name != NULL ? marks : NULL;
}

bool frames_add(struct frames *frames, const struct perftrace_item *item) {
    struct frame_marks *marks = find(frames, item->site->name.bytes);
    if (marks == NULL)
        marks = make(frames, item);
    if (marks != NULL && marks->count > 0 && item->time_ns < marks->times[marks->count - 1])
        return true;
    if (marks == NULL || marks->count == FRAMES_MAX ||
        !array_reserve_within(frames->budget, (void **)&marks->times, marks->count, &marks->capacity,
                              sizeof *marks->times))
        return false;
    marks->times[marks->count++] = item->time_ns;
    return true;
}

uint32_t frames_at(const struct frame_marks *marks, uint64_t ns) {
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

void frames_clear(struct frames *frames) {
    for (uint32_t i = 0; i < frames->count; i++) {
        perftrace_budget_give(frames->budget, frames->list[i].capacity * sizeof *frames->list[i].times);
        free(frames->list[i].name);
        free(frames->list[i].times);
    }
    perftrace_budget_give(frames->budget, frames->capacity * sizeof *frames->list);
    free(frames->list);
    *frames = (struct frames){.budget = frames->budget};
}
