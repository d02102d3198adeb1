/* Places in blocks, and a list of those that are free. */
#include "sibling_kept.h"

#include <stdlib.h>

static void put_unused(struct sibling_kept *kept, struct sibling_place *place) {
    place->next = kept->unused;
    kept->unused = place;
    kept->unused_count++;
}

static bool add_block(struct sibling_kept *kept, struct analysis *analysis) {
    if (!perftrace_budget_take(&analysis->budget, sizeof *kept->blocks))
        return false;
    struct sibling_block *block = malloc(sizeof *block);
    if (block == NULL) {
        perftrace_budget_give(&analysis->budget, sizeof *block);
        return false;
    }
    block->next = kept->blocks;
    kept->blocks = block;
    kept->count += SIBLING_BLOCK_CALLS;
    for (uint32_t i = SIBLING_BLOCK_CALLS; i-- > 0;)
        put_unused(kept, &block->places[i]);
    return true;
}

/* What is not used is found again. */
static void look_for_unused(struct sibling_kept *kept, const struct open_parents *parents) {
    for (struct sibling_block *block = kept->blocks; block != NULL; block = block->next)
        for (uint32_t i = 0; i < SIBLING_BLOCK_CALLS; i++)
            block->places[i].used = false;
    for (const struct open_parent *parent = parents->newest; parent != NULL; parent = parent->older)
        for (uint32_t i = 0; i < parent->count; i++)
            if (parent->calls[i].kept)
                ((struct sibling_place *)(uintptr_t)parent->calls[i].call)->used = true;
    kept->unused = NULL;
    kept->unused_count = 0;
    for (struct sibling_block *block = kept->blocks; block != NULL; block = block->next)
        for (uint32_t i = 0; i < SIBLING_BLOCK_CALLS; i++)
            if (!block->places[i].used)
                put_unused(kept, &block->places[i]);
}

/* All places are gone over for an eighth of them, or, where there is no memory for as many, at least a 32nd. */
static bool find_places(struct sibling_kept *kept, struct analysis *analysis,
                        const struct open_parents *parents) {
    look_for_unused(kept, parents);
    while (kept->unused_count <= kept->count / 8 && add_block(kept, analysis))
        ;
    return kept->unused_count > kept->count / 32;
}

bool sibling_kept_add(struct sibling_kept *kept, struct analysis *analysis, struct sibling_shapes *shapes,
                      const struct open_parents *parents, struct sibling *call) {
    if (kept->unused == NULL && !find_places(kept, analysis, parents))
        return false;
    struct sibling_place *place = kept->unused;
    kept->unused = place->next;
    kept->unused_count--;
    sibling_keep(shapes, call, &place->call);
    return true;
}

void sibling_kept_free(struct sibling_kept *kept, struct analysis *analysis) {
    while (kept->blocks != NULL) {
        struct sibling_block *block = kept->blocks;
        kept->blocks = block->next;
        free(block);
        perftrace_budget_give(&analysis->budget, sizeof *block);
    }
    *kept = (struct sibling_kept){0};
}
