/* Rendering, as far as it goes without a screen: which entities the camera sees, how fine each is drawn, and what would be
 * handed to the GPU: instances, those of one mesh and level of detail in one piece.
 *
 *     sync_transforms ─> cull_cpu ─> update_lods ─> build_batches ─> extract_instances
 *                   └──> cull_gpu                                                       */
#ifndef ENGINE_RENDER_H
#define ENGINE_RENDER_H

#include "engine.h"

/* The view: six planes that look inwards; a point is inside where x·p.x + y·p.y + z·p.z + d >= 0 for all. */
struct frustum {
    float x[6], y[6], z[6], d[6];
};

struct camera {
    struct vec3 eye, target;
    float height_angle; /* radians, of the view from bottom to top */
    float aspect;       /* width / height */
    float near, far;
};

struct frustum frustum_of(const struct camera *camera);

/* What is drawn of one entity. */
struct instance {
    struct matrix matrix;
    uint32_t entity;
    uint32_t batch;
    uint32_t unused[2]; /* 64 bytes: a cache line */
};

#define BATCHES_MAX (MESHES_MAX * LODS) /* batch number: mesh × LODS + level */

/* What one part of a system has found: the entities that it sees, in the frame pool, and how many for each batch. */
struct seen {
    uint32_t *entities, count;
    uint32_t batch[BATCHES_MAX]; /* after build_batches: where its next instance of that batch goes */
};

struct renderer {
    struct camera camera; /* to be set between frames */
    struct frustum frustum;
    struct seen seen[PARTS_MAX];
    struct instance *instances; /* of this frame, by batches */
    uint32_t instances_count, batches_count;
    uint64_t seen_total;    /* over all frames: entities seen, */
    uint64_t seen_checksum; /* and a number that depends on how many in which frame and batch */
    uint64_t gpu_differs;   /* frames in which the GPU saw another number */
    uint32_t gpu_seen;
};

/* Systems: see above. cull_gpu only where engine->gpu is there. */
extern const struct plugin plugin_render;

/* Writes the numbers of the entities in [first, end) whose bounds touch the frustum to `seen`; returns how many.
 * The two give the same; cull_simd is NULL where the processor has no AVX. */
uint32_t cull_scalar(const struct world *world, const struct frustum *frustum, uint32_t first, uint32_t end,
                     uint32_t *seen);
typedef uint32_t cull_function(const struct world *world, const struct frustum *frustum, uint32_t first,
                               uint32_t end, uint32_t *seen);
cull_function *cull_simd(void);

#endif
