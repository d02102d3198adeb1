/* All entities, as a structure of arrays: entity number i is element i of each column.
 *
 * A *family* is a root and all that hangs below it. Its members have successive numbers, parents before their children and
 * each subtree in one piece; so a subtree is a range, one pass from low to high numbers finds every parent finished before
 * its children, and threads share the work by families. */
#ifndef ENGINE_WORLD_H
#define ENGINE_WORLD_H

#include "pool.h"
#include "vec.h"

#define ENTITY_NONE UINT32_MAX
#define NEVER_VISIBLE (-3e38F) /* the bound_radius of what is not drawn */
#define MESHES_MAX 64
#define LODS 4 /* levels of detail of a mesh, 0 the finest */

/* What an entity has, as bits of its component map. Every entity has a transform. */
enum component { COMPONENT_ALIVE = 1, COMPONENT_MESH = 2, COMPONENT_SPIN = 4, COMPONENT_VEHICLE = 8 };

struct mesh {
    char name[32];
    struct vec3 size; /* it is a box: width, height, length; its place is the middle of its lower side */
    float radius;     /* of the sphere around it */
    float lod_distance[LODS - 1]; /* from here on the next level is used */
    uint32_t colour;              /* 0xRRGGBB */
};

struct world {
    uint32_t capacity, count, alive; /* count: numbers in use so far; alive: of these, not taken away again */
    struct vec3 *place;              /* these three in relation to the parent */
    struct quat *turn;
    float *scale;
    uint32_t *parent;       /* ENTITY_NONE: a root */
    uint32_t *below;        /* how many hang below it, at any depth */
    uint8_t *components;    /* enum component */
    uint8_t *dirty;         /* 1: its matrix is to be computed */
    uint16_t *mesh;         /* with COMPONENT_MESH: index into meshes */
    uint8_t *lod;           /* level of detail at which it was last drawn */
    float *spin_y, *spin_w; /* with COMPONENT_SPIN: the rotation of one frame, about y */
    struct matrix *matrix;  /* in the world; from here on made by the transforms' synchronisation */
    float *bound_x, *bound_y, *bound_z, *bound_radius;
    uint32_t *next_free; /* of a root taken away: the next of its kind */
    const struct mesh *meshes;
};

/* The columns lie in the pool, which needs world_bytes(capacity) for them. 0, or -1 when it has not. */
int world_init(struct world *world, struct pool *pool, uint32_t capacity);
size_t world_bytes(uint32_t capacity);

/* Says that an entity has moved: it and all below it are dirty. */
void world_moved(struct world *world, uint32_t entity);

/* The entities [*first, *end) of one of `parts` parts: whole families, about as many in each part. */
void world_part(const struct world *world, unsigned part, unsigned parts, uint32_t *first, uint32_t *end);

/* A number that depends on every living entity's matrix: equal worlds have equal ones. */
uint64_t world_checksum(const struct world *world);

#endif
