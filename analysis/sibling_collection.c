/* Groups by shape and path; a table of the questions asked; and at which level a finding is told. */
#include "sibling_collection.h"

#include "../core/hash.h"

#include <stdlib.h>
#include <string.h>

static bool more_groups(struct sibling_collection *collection, struct analysis *analysis) {
    uint32_t capacity = collection->group_capacity == 0 ? 8 : collection->group_capacity * 2;
    size_t bytes = sizeof(struct sibling_group *) + sizeof(struct sibling_judgement);
    size_t more = (capacity - collection->group_capacity) * bytes;
    if (!perftrace_budget_take(&analysis->budget, more))
        return false;
    struct sibling_group **groups = realloc(collection->groups, capacity * sizeof(struct sibling_group *));
    if (groups != NULL)
        collection->groups = groups;
    struct sibling_judgement *judgements =
        realloc(collection->judgements, capacity * sizeof(struct sibling_judgement));
    if (judgements != NULL)
        collection->judgements = judgements;
    if (groups == NULL || judgements == NULL) {
        perftrace_budget_give(&analysis->budget, more);
        return false;
    }
    memset(groups + collection->group_capacity, 0,
           (capacity - collection->group_capacity) * sizeof(struct sibling_group *));
    collection->group_capacity = capacity;
    return true;
}

/* A group's memory is kept when the collection is emptied. */
static struct sibling_group *next_group(struct sibling_collection *collection, struct analysis *analysis) {
    if (collection->group_count == COLLECTION_GROUPS_MAX ||
        (collection->group_count == collection->group_capacity && !more_groups(collection, analysis)))
        return NULL;
    struct sibling_group **place = &collection->groups[collection->group_count];
    if (*place == NULL && perftrace_budget_take(&analysis->budget, sizeof **place)) {
        *place = malloc(sizeof **place);
        if (*place == NULL)
            perftrace_budget_give(&analysis->budget, sizeof **place);
    }
    return *place;
}

uint32_t collection_group(struct sibling_collection *collection, struct analysis *analysis,
                          const struct sibling *first) {
    struct sibling_group *group = next_group(collection, analysis);
    if (group == NULL) {
        collection->left_out++;
        return COLLECTION_GROUPS_MAX;
    }
    sibling_group_begin(group, first);
    return collection->recent = collection->group_count++;
}

static uint32_t group_of(struct sibling_collection *collection, struct analysis *analysis,
                         const struct sibling_shapes *shapes, struct sibling_patterns *patterns,
                         uint32_t function, const struct sibling *call) {
    if (collection->recent < collection->group_count &&
        sibling_is_like(&collection->groups[collection->recent]->first, call))
        return collection->recent;
    for (uint32_t i = 0; i < collection->group_count; i++)
        if (sibling_is_like(&collection->groups[i]->first, call))
            return collection->recent = i;
    uint32_t group = collection_group(collection, analysis, call);
    if (group != COLLECTION_GROUPS_MAX) {
        uint32_t pattern = sibling_pattern_of(patterns, analysis, shapes, function, call);
        collection->groups[group]->pattern = pattern;
        collection->groups[group]->closely = sibling_pattern_is_open(patterns, pattern);
    }
    return group;
}

/* ---- questions ------------------------------------------------------------------------------------ */

static bool is_there(const struct sibling_collection *collection, const struct sibling_asked *asked) {
    return asked->question != 0 && asked->generation >> 1 == collection->generation;
}

static struct sibling_asked *place_of(const struct sibling_collection *collection, uint32_t question) {
    uint32_t mask = collection->asked_size - 1;
    uint32_t at = (uint32_t)perftrace_hash_number(collection->key, question) & mask;
    while (is_there(collection, &collection->asked[at]) && collection->asked[at].question != question + 1)
        at = (at + 1) & mask;
    return &collection->asked[at];
}

static bool more_asked(struct sibling_collection *collection, struct analysis *analysis) {
    struct sibling_collection bigger = {.key = collection->key,
                                        .generation = collection->generation,
                                        .asked_size =
                                            collection->asked_size == 0 ? 128 : collection->asked_size * 2};
    size_t bytes = bigger.asked_size * sizeof *bigger.asked;
    if (collection->asked_size / 2 >= COLLECTION_ASKED_MAX ||
        !perftrace_budget_take(&analysis->budget, bytes))
        return false;
    bigger.asked = calloc(bigger.asked_size, sizeof *bigger.asked);
    if (bigger.asked == NULL) {
        perftrace_budget_give(&analysis->budget, bytes);
        return false;
    }
    for (uint32_t i = 0; i < collection->asked_size; i++)
        if (is_there(collection, &collection->asked[i]))
            *place_of(&bigger, collection->asked[i].question - 1) = collection->asked[i];
    perftrace_budget_give(&analysis->budget, collection->asked_size * sizeof *collection->asked);
    free(collection->asked);
    collection->asked = bigger.asked;
    collection->asked_size = bigger.asked_size;
    return true;
}

static void forget_asked(struct sibling_collection *collection) {
    collection->asked_count = 0;
    collection->generation = (collection->generation + 1) & (UINT32_MAX >> 1);
    if (collection->generation == 0) /* all numbers were used */
        memset(collection->asked, 0, collection->asked_size * sizeof *collection->asked);
}

static enum sibling_novelty ask(struct sibling_collection *collection, struct analysis *analysis,
                                const struct sibling *call, const struct sibling_answer *answer,
                                struct sibling_asked *first) {
    if (collection->key == 0)
        collection->key = perftrace_hash_key() | 1;
    if (collection->asked_count * 2 >= collection->asked_size && !more_asked(collection, analysis)) {
        if (collection->asked_size == 0)
            return SIBLING_NEW;
        /* Full, and there is no more: all are forgotten but what comes from now on. */
        collection->forgotten += collection->asked_count;
        forget_asked(collection);
    }
    struct sibling_asked *place = place_of(collection, call->question);
    struct sibling_asked now = sibling_asked_of(call->call, answer);
    now.generation = collection->generation << 1 | answer->failed;
    if (!is_there(collection, place)) {
        collection->asked_count++;
        *place = now;
        return SIBLING_NEW;
    }
    *first = *place;
    bool other = place->signature != call->signature;
    if (!sibling_answers(first, (first->generation & 1) != 0, call->call, answer->hash)) {
        *place = now;
        first->question = 0;
    }
    return other ? SIBLING_ASKED_BY_OTHER : SIBLING_REPEATED;
}

void collection_list(struct sibling_collection *collection, const struct sibling *call,
                     const struct sibling_answer *answer) {
    if (answer->count_count == 0 || answer->counts[0] <= 1 || collection->list_count == COLLECTION_LISTS_MAX)
        return;
    struct sibling_list *list = &collection->lists[collection->list_count++];
    *list = (struct sibling_list){call->call->id.number, call->shape, answer->count_count, {0}};
    memcpy(list->counts, answer->counts, sizeof list->counts);
}

uint32_t collection_add(struct sibling_collection *collection, struct analysis *analysis,
                        struct sibling_shapes *shapes, struct sibling_patterns *patterns, uint32_t function,
                        const struct sibling *call, enum sibling_novelty *novelty,
                        struct sibling_asked *first) {
    struct sibling_answer answer;
    sibling_answer_of(shapes, call, &answer);
    *novelty = SIBLING_NEW;
    first->question = 0;
    collection_list(collection, call, &answer);
    if (call->shape == SIBLING_SHAPE_NONE)
        return COLLECTION_GROUPS_MAX;
    uint32_t group = group_of(collection, analysis, shapes, patterns, function, call);
    *novelty = ask(collection, analysis, call, &answer, first);
    if (group != COLLECTION_GROUPS_MAX) {
        struct sibling_group *grows = collection->groups[group];
        if (call->question != grows->first.question)
            grows->differing |= sibling_differences(analysis, &shapes->shapes[grows->shape],
                                                    grows->first.question, call->question);
        sibling_group_add(analysis, shapes, grows, call, *novelty == SIBLING_NEW);
    }
    return group;
}

void collection_keep(struct sibling_collection *collection, struct sibling_shapes *shapes) {
    for (uint32_t i = 0; i < collection->group_count; i++)
        sibling_group_keep(shapes, collection->groups[i]);
}

/* ---- levels --------------------------------------------------------------------------------------- */

/* Whether `inner` lies below `outer`: parent -> helper, parent -> helper -> query. */
static bool is_below(const struct sibling_shapes *shapes, const struct sibling_group *outer,
                     const struct sibling_group *inner) {
    uint32_t path[SIBLINGS_THROUGH_MAX], upto[SIBLINGS_THROUGH_MAX];
    uint32_t length = sibling_path_functions(&shapes->paths, outer->path, upto);
    return sibling_path_functions(&shapes->paths, inner->path, path) > length &&
           memcmp(path, upto, length * sizeof *path) == 0 &&
           path[length] == shapes->shapes[outer->shape].function;
}

static bool counts(const struct sibling_collection *collection, uint32_t group) {
    return collection->judgements[group].verdict != SIBLING_NOTHING && !collection->groups[group]->suppressed;
}

/* Whether no other finding lies between the two. */
static bool is_next_below(const struct sibling_collection *collection, const struct sibling_shapes *shapes,
                          const struct sibling_group *outer, const struct sibling_group *inner) {
    if (!is_below(shapes, outer, inner))
        return false;
    for (uint32_t i = 0; i < collection->group_count; i++)
        if (counts(collection, i) && is_below(shapes, outer, collection->groups[i]) &&
            is_below(shapes, collection->groups[i], inner))
            return false;
    return true;
}

/* Keeps what lies below the outer one if a tenth of its time goes there, else the outer one. A tenth, not half:
 * which it is should not depend on how exactly times are known. */
static void choose_level(struct sibling_collection *collection, const struct sibling_shapes *shapes,
                         uint32_t outer) {
    const struct sibling_group *group = collection->groups[outer];
    uint64_t below_ns = 0;
    bool same_number = false;
    for (uint32_t i = 0; i < collection->group_count; i++) {
        const struct sibling_group *inner = collection->groups[i];
        if (!counts(collection, i) || !is_next_below(collection, shapes, group, inner))
            continue;
        below_ns += inner->total_ns;
        same_number |= inner->calls * 5 >= group->calls * 4;
    }
    if (!same_number)
        return;
    bool inner_wins =
        collection->judgements[outer].verdict == SIBLING_FINDING && below_ns >= group->total_ns / 10;
    if (inner_wins) {
        collection->groups[outer]->suppressed = true;
        return;
    }
    for (uint32_t i = 0; i < collection->group_count; i++)
        if (is_below(shapes, group, collection->groups[i]))
            collection->groups[i]->suppressed = true;
}

/* A function that calls itself, and makes a call of its own each time: then that is the finding, unless most of the
 * time is the walk's own. */
static void choose_in_walk(struct sibling_collection *collection, const struct sibling_shapes *shapes,
                           uint32_t function) {
    for (uint32_t i = 0; i < collection->group_count; i++) {
        struct sibling_group *walk = collection->groups[i];
        if (walk->path != SIBLING_PATH_DIRECT || shapes->shapes[walk->shape].function != function ||
            !counts(collection, i))
            continue;
        for (uint32_t j = 0; j < collection->group_count; j++) {
            struct sibling_group *other = collection->groups[j];
            if (j == i || !counts(collection, j) || other->calls * 5 < walk->calls * 4 ||
                shapes->shapes[other->shape].function == function)
                continue;
            bool inner_wins = other->total_ns >= walk->self_ns / 2;
            *(inner_wins ? &walk->suppressed : &other->suppressed) = true;
        }
    }
}

static uint32_t path_length(const struct sibling_shapes *shapes, const struct sibling_group *group) {
    uint32_t path[SIBLINGS_THROUGH_MAX];
    return sibling_path_functions(&shapes->paths, group->path, path);
}

void collection_judge(struct sibling_collection *collection, const struct analysis *analysis,
                      struct sibling_shapes *shapes, struct sibling_patterns *patterns,
                      const struct sibling_parent *parent) {
    bool deep = false;
    for (uint32_t i = 0; i < collection->group_count; i++) {
        collection->judgements[i] =
            sibling_pattern_judge(patterns, analysis, shapes, collection->groups[i], parent);
        deep |= collection->groups[i]->path != SIBLING_PATH_DIRECT &&
                collection->judgements[i].verdict != SIBLING_NOTHING;
    }
    for (uint32_t length = 0; deep && length < SIBLINGS_THROUGH_MAX; length++)
        for (uint32_t i = 0; i < collection->group_count; i++)
            if (path_length(shapes, collection->groups[i]) == length && counts(collection, i))
                choose_level(collection, shapes, i);
    choose_in_walk(collection, shapes, parent->function);
}

void collection_clear(struct sibling_collection *collection) {
    if (collection->asked_count > 0)
        forget_asked(collection);
    collection->group_count = collection->recent = collection->list_count = 0;
}

void collection_free(struct sibling_collection *collection, struct analysis *analysis) {
    size_t bytes =
        collection->asked_size * sizeof *collection->asked +
        collection->group_capacity * (sizeof(struct sibling_group *) + sizeof(struct sibling_judgement));
    for (uint32_t i = 0; i < collection->group_capacity; i++) {
        bytes += collection->groups[i] != NULL ? sizeof **collection->groups : 0;
        free(collection->groups[i]);
    }
    perftrace_budget_give(&analysis->budget, bytes);
    free(collection->groups);
    free(collection->judgements);
    free(collection->asked);
    *collection = (struct sibling_collection){0};
}
