/* All that is kept of a parent's calls when there are many: groups, and which questions were asked. */
#ifndef PERFTRACE_ANALYSIS_SIBLING_COLLECTION_H
#define PERFTRACE_ANALYSIS_SIBLING_COLLECTION_H

#include "sibling_pattern.h"

#define COLLECTION_GROUPS_MAX 256u
#define COLLECTION_ASKED_MAX (1u << 20)
#define COLLECTION_LISTS_MAX 4u

/* Who asked a question first. */
struct sibling_asked {
    uint64_t number, answer;
    uint32_t question; /* + 1; 0: empty */
    uint32_t signature, validity;
    /* Shifted by one, with whether it failed in the lowest bit; of another than the collection's: empty, too. */
    uint32_t generation;
};

/* Whether what the first call was answered did for another, which asked the same: else it had to be asked again. */
static inline bool sibling_answers(const struct sibling_asked *first, bool failed,
                                   const struct analysis_call *again, uint64_t again_answer) {
    return !failed && first->validity == again->validity &&
           (first->signature != again->signature || first->answer == again_answer);
}

static inline struct sibling_asked sibling_asked_of(const struct analysis_call *call,
                                                    const struct sibling_answer *answer) {
    return (struct sibling_asked){.number = call->id.number,
                                  .answer = answer->hash,
                                  .question = call->question + 1,
                                  .signature = call->signature,
                                  .validity = call->validity};
}

struct sibling_collection {
    struct sibling_group **groups;
    struct sibling_judgement *judgements; /* by group, after collection_judge */
    uint32_t group_count, group_capacity, recent;
    struct sibling_asked *asked; /* a hash table */
    uint32_t asked_size, asked_count, generation;
    struct sibling_list lists[COLLECTION_LISTS_MAX];
    uint32_t list_count;
    uint64_t key;
    uint64_t left_out, forgotten; /* calls without a group; questions that made room for others */
};

/* What a call was, of those under its parent. */
enum sibling_novelty { SIBLING_NEW, SIBLING_REPEATED, SIBLING_ASKED_BY_OTHER };

/* Of analysis->budget is taken what it grows by. The call's group: its index, or COLLECTION_GROUPS_MAX where there
 * is none. *first: who asked the same before, if it is not new. The parent's call is one of `function`. The call has
 * to last until collection_keep. */
uint32_t collection_add(struct sibling_collection *collection, struct analysis *analysis,
                        struct sibling_shapes *shapes, struct sibling_patterns *patterns, uint32_t function,
                        const struct sibling *call, enum sibling_novelty *novelty,
                        struct sibling_asked *first);
/* After some calls, which may go then. */
void collection_keep(struct sibling_collection *collection, struct sibling_shapes *shapes);
/* A call that may have listed what others ask for. */
void collection_list(struct sibling_collection *collection, const struct sibling *call,
                     const struct sibling_answer *answer);
/* An empty group for calls like this one, which is not yet in it; COLLECTION_GROUPS_MAX without room. */
uint32_t collection_group(struct sibling_collection *collection, struct analysis *analysis,
                          const struct sibling *first);
/* Says of each group what it is, with those left out that are the same finding at another level. */
void collection_judge(struct sibling_collection *collection, const struct analysis *analysis,
                      struct sibling_shapes *shapes, struct sibling_patterns *patterns,
                      const struct sibling_parent *parent);
/* Empties it and keeps its memory. */
void collection_clear(struct sibling_collection *collection);
void collection_free(struct sibling_collection *collection, struct analysis *analysis);

#endif
