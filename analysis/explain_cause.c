/* What a difference is due to, where threads wait for each other. A span may have grown because it waited: then something on another thread
 * has grown, too, and ended before it did. */
#include "explain.h"

#include <stdlib.h>

struct growth {
    const struct explain_stretch *first, *second;
    uint32_t names; /* numbers below it; and EXPLAIN_IN_NONE */
    int64_t *
        own; /* by name: how much longer it was innermost on the stretches' own track; the last: in no span */
    int64_t *others; /* and on the other threads */
};

static uint64_t self_in(const struct explain_part *parts, uint32_t count, uint32_t name) {
    return name < count ? parts[name].self_ns : 0;
}

static uint64_t self_of(const struct explain_stretch *stretch, uint32_t name) {
    return name == EXPLAIN_IN_NONE ? stretch->gap_ns
                                   : self_in(stretch->own, stretch->own_count, name) +
                                         self_in(stretch->others, stretch->others_count, name);
}

static uint64_t pair_of(const struct explain_stretch *stretch, uint32_t ended, uint32_t went_on) {
    uint32_t pair = pair_table_find(&stretch->pairs, pair_key(ended, went_on));
    return pair == INTERN_NONE ? 0 : stretch->pair_ns[pair];
}

static int64_t pair_growth(const struct growth *growth, uint32_t ended, uint32_t went_on) {
    return (int64_t)(pair_of(growth->first, ended, went_on) - pair_of(growth->second, ended, went_on));
}

static int64_t total_growth(const struct growth *growth, uint32_t name) {
    return name == EXPLAIN_IN_NONE ? growth->own[growth->names] : growth->own[name] + growth->others[name];
}

static int grow(struct growth *growth, const struct explain *explain) {
    uint32_t names = growth->names = explain->names.count;
    const struct explain_stretch *first = growth->first, *second = growth->second;
    growth->own = malloc((2 * (size_t)names + 1) * sizeof *growth->own);
    if (growth->own == NULL)
        return -1;
    growth->others = growth->own + names + 1;
    for (uint32_t name = 0; name < names; name++) {
        growth->own[name] = (int64_t)(self_in(first->own, first->own_count, name) -
                                      self_in(second->own, second->own_count, name));
        growth->others[name] = (int64_t)(self_in(first->others, first->others_count, name) -
                                         self_in(second->others, second->others_count, name));
    }
    growth->own[names] = (int64_t)(first->gap_ns - second->gap_ns);
    return 0;
}

/* Work that one thread does in the one stretch and another in the other: so much of it moved to the own track; negative: away from there. */
static int64_t moved_here(const struct growth *growth, uint32_t name) {
    int64_t own = growth->own[name], others = growth->others[name];
    if ((own > 0) == (others > 0))
        return 0;
    return own > 0 ? (own < -others ? own : -others) : -(-own < others ? -own : others);
}

/* Takes waiting for what has moved out of what has waited for it. */
static void settle_pair(const struct growth *growth, uint64_t key, int64_t *here) {
    uint32_t ended = (uint32_t)(key >> 32), went_on = (uint32_t)key;
    int64_t moved = moved_here(growth, ended), waited = pair_growth(growth, ended, went_on);
    int64_t *of = &here[went_on == EXPLAIN_IN_NONE ? growth->names : went_on];
    if (moved > 0 && waited < 0)
        *of += moved < -waited ? moved : -waited;
    else if (moved < 0 && waited > 0)
        *of -= -moved < waited ? -moved : waited;
}

/* The span of the own track that grew most, without what only moved and waiting for that. 0: none grew; -1: no memory. */
static int64_t largest_here(const struct growth *growth, uint32_t *name) {
    int64_t *here = malloc(((size_t)growth->names + 1) * sizeof *here), most = 0;
    if (here == NULL)
        return -1;
    for (uint32_t i = 0; i < growth->names; i++)
        here[i] = growth->own[i] - moved_here(growth, i);
    here[growth->names] = growth->own[growth->names];
    for (uint32_t i = 0; i < growth->first->pairs.count; i++)
        settle_pair(growth, growth->first->pairs.keys[i], here);
    for (uint32_t i = 0; i < growth->second->pairs.count; i++)
        if (pair_table_find(&growth->first->pairs, growth->second->pairs.keys[i]) == INTERN_NONE)
            settle_pair(growth, growth->second->pairs.keys[i], here);
    for (uint32_t i = 0; i <= growth->names; i++)
        if (here[i] > most) {
            most = here[i];
            *name = i < growth->names ? i : EXPLAIN_IN_NONE;
        }
    free(here);
    return most;
}

/* How much more of the time it took, relatively: 1 is as busy as ever. */
static double busier(const struct growth *growth, uint32_t name) {
    double first_ns = (double)(growth->first->end_ns - growth->first->start_ns);
    double second_ns = (double)(growth->second->end_ns - growth->second->start_ns);
    return (double)self_of(growth->first, name) * second_ns /
           (((double)self_of(growth->second, name) + 1) * first_ns);
}

#define AS_BUSY 1.25 /* no more than that is as busy as ever */

/* Whether a span on other threads is there more often because there was more time: it polls, or does what there is always more of. Then
 * nobody has waited for it who took a larger share of the time. */
static bool goes_on_as_ever(const struct growth *growth, uint32_t name, uint32_t waiting) {
    const struct explain_stretch *first = growth->first, *second = growth->second;
    if (name >= first->others_count || name >= second->others_count)
        return false;
    const struct explain_part *now = &first->others[name], *usual = &second->others[name];
    return busier(growth, name) <= AS_BUSY && busier(growth, name) < busier(growth, waiting) &&
           now->calls > usual->calls &&
           (double)now->self_ns * (double)usual->calls <=
               AS_BUSY * (double)usual->self_ns * (double)now->calls;
}

/* What `waiting` waited for: on another thread, grown by at least so much while it waited. INTERN_NONE: nothing. */
static uint32_t waited_for(const struct growth *growth, uint32_t waiting, int64_t least_ns, bool elsewhere,
                           const bool *passed) {
    uint32_t found = INTERN_NONE;
    int64_t most = 0;
    bool waiting_is_new = self_of(growth->second, waiting) == 0;
    for (uint32_t name = 0; name < growth->names; name++) {
        int64_t total = total_growth(growth, name), ns;
        bool is_new = self_of(growth->second, name) == 0;
        if (passed[name] || growth->others[name] < least_ns || total < least_ns ||
            (elsewhere && waiting_is_new && !is_new))
            continue; /* what has never been there makes others wait, rather than the other way round */
        ns = pair_growth(growth, name, waiting);
        if (ns < least_ns && !waiting_is_new && is_new)
            ns = pair_growth(
                growth, waiting,
                name); /* who is woken may be first, if the other has never been there otherwise */
        if (ns < least_ns || ns <= most || goes_on_as_ever(growth, name, waiting))
            continue;
        most = ns;
        found = name;
    }
    return found;
}

static void fill(struct explain_cause *cause, const struct explain *explain, const struct growth *growth,
                 uint32_t name, bool elsewhere) {
    cause->elsewhere = elsewhere;
    cause->difference.ns =
        elsewhere ? total_growth(growth, name) : growth->own[name == EXPLAIN_IN_NONE ? growth->names : name];
    if (name == EXPLAIN_IN_NONE)
        return;
    cause->difference.name = text_table_get(&explain->names, name);
    const struct explain_stretch *of[] = {growth->first, growth->second};
    struct explain_part *to[] = {&cause->difference.first, &cause->difference.second};
    for (int i = 0; i < 2; i++) {
        if (name < of[i]->own_count)
            *to[i] = of[i]->own[name];
        if (elsewhere && name < of[i]->others_count) {
            to[i]->self_ns += of[i]->others[name].self_ns;
            to[i]->calls += of[i]->others[name].calls;
        }
    }
}

int explain_find_cause(const struct explain *explain, const struct explain_stretch *first,
                       const struct explain_stretch *second, struct explain_cause *cause) {
    struct growth growth = {.first = first, .second = second};
    bool *passed = calloc((size_t)explain->names.count + 1, sizeof *passed);
    *cause = (struct explain_cause){.elsewhere = false};
    int status = passed != NULL && grow(&growth, explain) == 0 ? 0 : -1;
    uint32_t name = INTERN_NONE, next;
    int64_t here = status == 0 ? largest_here(&growth, &name) : -1;
    status = here < 0 ? -1 : 0;
    if (here > 0) {
        int64_t longer =
            (int64_t)(first->end_ns - first->start_ns) - (int64_t)(second->end_ns - second->start_ns);
        int64_t least_ns = (longer > 0 && longer < here ? longer : here) / 2 + 1;
        while (cause->waited_count < EXPLAIN_WAITED_MAX &&
               (next = waited_for(&growth, name, least_ns, cause->waited_count > 0, passed)) != INTERN_NONE) {
            cause->waited[cause->waited_count++] = name == EXPLAIN_IN_NONE
                                                       ? (struct perftrace_text){"", 0}
                                                       : text_table_get(&explain->names, name);
            if (name != EXPLAIN_IN_NONE)
                passed[name] = true;
            name = next;
        }
        fill(cause, explain, &growth, name, cause->waited_count > 0);
        status = 1;
    }
    free(growth.own);
    free(passed);
    return status;
}
