/* The factory. A batch of families is written column by column, each from the prefab's template. */
#define PERF_TARGET "gameplay_factory"
#include <perftrace.h>

#include "factory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX 1048576

/* ---- preparation ---- */

int factory_prepare(struct bundle *bundle, const char *path, struct prefab_error *error) {
    PERF_SPAN("prepare_bundle", "file", path);
    int result = -1;
    char *text = NULL;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return prefab_fail(error, 0, 0, "could not open: %s", strerror(errno));
    text = malloc(FILE_BYTES_MAX + 1);
    if (text == NULL) {
        prefab_fail(error, 0, 0, "no memory");
        goto done;
    }
    size_t bytes = fread(text, 1, FILE_BYTES_MAX + 1, file);
    if (ferror(file))
        prefab_fail(error, 0, 0, "could not read: %s", strerror(errno));
    else if (bytes > FILE_BYTES_MAX)
        prefab_fail(error, 0, 0, "longer than %d bytes", FILE_BYTES_MAX);
    else if (prefab_parse(bundle, text, bytes, error) == 0)
        result = factory_compile(bundle, error);
    PERF_METRIC("prefabs", bundle->prefabs, "bytes", bytes);
done:
    free(text);
    fclose(file);
    return result;
}

/* Copies `from[index]` and all under it to `to`, from *count on: parents first, each subtree in one piece. */
static void copy_subtree(const struct prefab_node *from, uint32_t nodes, uint32_t index, uint32_t parent,
                         struct prefab_node *to, uint32_t *count) {
    uint32_t at = (*count)++;
    to[at] = from[index];
    to[at].parent = parent;
    for (uint32_t i = index + 1; i < nodes; i++)
        if (from[i].parent == index)
            copy_subtree(from, nodes, i, at, to, count);
    to[at].below = *count - at - 1;
}

static int compile_prefab(struct bundle *bundle, struct prefab *prefab, struct prefab_error *error) {
    PERF_SPAN_LEVEL(PERF_DEBUG, "compile_prefab", "prefab", prefab->name, "nodes", prefab->count);
    struct prefab_node *nodes = &bundle->node[prefab->first], ordered[NODES_MAX];
    uint32_t count = 0;
    copy_subtree(nodes, prefab->count, 0, ENTITY_NONE, ordered, &count);
    memcpy(nodes, ordered, count * sizeof *nodes);
    for (uint32_t i = 0; i < count; i++) {
        prefab->components |= nodes[i].components;
        if (!(nodes[i].components & COMPONENT_MESH))
            continue;
        while (nodes[i].mesh < bundle->meshes &&
               strcmp(bundle->mesh[nodes[i].mesh].name, nodes[i].mesh_name) != 0)
            nodes[i].mesh++;
        if (nodes[i].mesh == bundle->meshes)
            return prefab_fail(error, nodes[i].line, nodes[i].column, "there is no mesh '%s'",
                               nodes[i].mesh_name);
    }
    return 0;
}

int factory_compile(struct bundle *bundle, struct prefab_error *error) {
    PERF_SPAN("compile_bundle", "prefabs", bundle->prefabs, "nodes", bundle->nodes);
    for (unsigned i = 0; i < bundle->prefabs; i++)
        if (compile_prefab(bundle, &bundle->prefab[i], error) != 0)
            return -1;
    return 0;
}

struct prefab *factory_find(struct bundle *bundle, const char *name) {
    for (unsigned i = 0; i < bundle->prefabs; i++)
        if (strcmp(bundle->prefab[i].name, name) == 0)
            return &bundle->prefab[i];
    return NULL;
}

/* ---- spawning ---- */

/* A family's place and direction are the placement's; within it, all is as the template says. */
static void fill_transforms(struct world *world, const struct prefab_node *node, uint32_t nodes,
                            uint32_t first, const struct placement *placements, uint32_t count) {
    for (uint32_t family = 0, at = first; family < count; family++) {
        const struct placement *placement = &placements[family];
        world->place[at] = placement->place;
        world->turn[at] =
            quat_mul((struct quat){0, placement->half_sin, 0, placement->half_cos}, node[0].turn);
        world->scale[at] = node[0].scale;
        world->parent[at] = ENTITY_NONE;
        world->below[at] = node[0].below;
        uint32_t root = at++;
        for (uint32_t i = 1; i < nodes; i++, at++) {
            world->place[at] = node[i].place;
            world->turn[at] = node[i].turn;
            world->scale[at] = node[i].scale;
            world->parent[at] = root + node[i].parent;
            world->below[at] = node[i].below;
        }
    }
}

/* What the nodes have besides a transform: component map, and the columns that it speaks of. */
static void fill_components(struct world *world, const struct prefab *prefab, const struct prefab_node *node,
                            uint32_t first, uint32_t count) {
    for (uint32_t family = 0, at = first; family < count; family++)
        for (uint32_t i = 0; i < prefab->count; i++, at++) {
            world->components[at] = node[i].components;
            world->bound_radius[at] = NEVER_VISIBLE;
            world->lod[at] = 0;
        }
    if (prefab->components & COMPONENT_MESH)
        for (uint32_t family = 0, at = first; family < count; family++)
            for (uint32_t i = 0; i < prefab->count; i++, at++)
                world->mesh[at] = node[i].mesh;
    if (prefab->components & COMPONENT_SPIN)
        for (uint32_t family = 0, at = first; family < count; family++)
            for (uint32_t i = 0; i < prefab->count; i++, at++) {
                world->spin_y[at] = node[i].spin_y;
                world->spin_w[at] = node[i].spin_w;
            }
    memset(world->dirty + first, 1, (size_t)count * prefab->count);
}

/* Families in the places of those that were taken away, which lie anywhere. */
static uint32_t spawn_again(struct world *world, struct prefab *prefab, const struct prefab_node *node,
                            const struct placement *placements, uint32_t count, uint32_t *roots) {
    uint32_t made = 0;
    for (; made < count && prefab->free != ENTITY_NONE; made++) {
        uint32_t root = prefab->free;
        prefab->free = world->next_free[root];
        fill_transforms(world, node, prefab->count, root, &placements[made], 1);
        fill_components(world, prefab, node, root, 1);
        if (roots != NULL)
            roots[made] = root;
    }
    return made;
}

/* Families with new numbers, one after the other. */
static uint32_t spawn_new(struct world *world, struct prefab *prefab, const struct prefab_node *node,
                          const struct placement *placements, uint32_t count, uint32_t *roots) {
    uint32_t room = (world->capacity - world->count) / prefab->count, first = world->count;
    if (count > room)
        count = room;
    PERF_BLOCK("fill_transforms", "entities", count * prefab->count) {
        fill_transforms(world, node, prefab->count, first, placements, count);
    }
    PERF_BLOCK("process_component_map", "entities", count * prefab->count, "components", prefab->components) {
        fill_components(world, prefab, node, first, count);
    }
    world->count += count * prefab->count;
    for (uint32_t i = 0; roots != NULL && i < count; i++)
        roots[i] = first + i * prefab->count;
    return count;
}

uint32_t factory_spawn(struct bundle *bundle, struct world *world, struct prefab *prefab,
                       const struct placement *placements, uint32_t count, uint32_t *roots) {
    PERF_SPAN("spawn_batch", "prefab", prefab->name, "entities", count * prefab->count);
    const struct prefab_node *node = &bundle->node[prefab->first];
    uint32_t again = spawn_again(world, prefab, node, placements, count, roots), made = again;
    if (made < count)
        made += spawn_new(world, prefab, node, placements + made, count - made,
                          roots != NULL ? roots + made : NULL);
    world->alive += made * prefab->count;
    PERF_METRIC("families", made, "again", again);
    return made;
}

void factory_despawn(struct world *world, struct prefab *prefab, uint32_t root) {
    memset(world->components + root, 0, prefab->count);
    memset(world->dirty + root, 0, prefab->count);
    for (uint32_t i = 0; i < prefab->count; i++)
        world->bound_radius[root + i] = NEVER_VISIBLE;
    world->next_free[root] = prefab->free;
    prefab->free = root;
    world->alive -= prefab->count;
}
