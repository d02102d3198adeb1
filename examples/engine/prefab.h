/* Prefabs: what entities are made of, read from a text file.
 *
 *     mesh NAME                  prefab NAME              # a comment
 *       size WIDTH HEIGHT LENGTH   node NAME [under NAME]
 *       lods METRES METRES METRES    position X Y Z       in relation to the node that it is under
 *       colour RRGGBB                turn DEGREES         about the vertical
 *                                    scale FACTOR
 *                                    draw MESH
 *                                    spin DEGREES         a frame
 *                                    vehicle
 *
 * One statement a line; indentation is for people. The first node of a prefab is its root; the others are under a node
 * that was named before. */
#ifndef ENGINE_PREFAB_H
#define ENGINE_PREFAB_H

#include "world.h"

#define PREFABS_MAX 64
#define NODES_MAX 512 /* of all prefabs of a bundle */

struct prefab_node {
    char name[32];
    uint32_t parent; /* within the prefab; ENTITY_NONE: the root */
    uint32_t below;  /* set by factory_compile */
    struct vec3 place;
    struct quat turn;
    float scale, spin_y, spin_w;
    uint8_t components;
    uint16_t mesh;         /* set by factory_compile, from the name */
    char mesh_name[32];    /* what `draw` says, */
    unsigned line, column; /* and where */
};

struct prefab {
    char name[32];
    uint32_t first, count; /* its nodes, among the bundle's */
    uint8_t components;    /* what any of its nodes has */
    uint32_t free;         /* the first of the families that were taken away, ENTITY_NONE: none */
};

/* Some prefabs and the meshes that they draw. */
struct bundle {
    struct mesh mesh[MESHES_MAX];
    struct prefab prefab[PREFABS_MAX];
    struct prefab_node node[NODES_MAX];
    unsigned meshes, prefabs, nodes;
};

/* What is wrong with a text, and where; lines and columns count from 1, columns by bytes. */
struct prefab_error {
    unsigned line, column;
    char message[160];
};

/* Reads a text of `bytes` bytes. 0, or -1 with *error. Names of meshes are not looked up yet (factory_compile). */
int prefab_parse(struct bundle *bundle, const char *text, size_t bytes, struct prefab_error *error);

/* Fills in *error, with a printf format; returns -1. */
int prefab_fail(struct prefab_error *error, unsigned line, unsigned column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
