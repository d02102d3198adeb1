/* Culling on a GPU through OpenCL. In a build without OpenCL (gpu_without.c) there is never one. */
#ifndef ENGINE_GPU_H
#define ENGINE_GPU_H

#include "render.h"

/* NULL where there is no OpenCL device; says on standard error why. */
struct gpu *gpu_start(uint32_t entities_max);
void gpu_stop(struct gpu *gpu); /* NULL is fine */

/* How many entities the frustum sees: the same as cull_scalar. What the device did, and when, is on a track of its own in
 * the trace. ENTITY_NONE: the device failed. */
uint32_t gpu_cull(struct gpu *gpu, const struct world *world, const struct frustum *frustum);

/* Whether it saw that entity the last time. */
bool gpu_saw(const struct gpu *gpu, uint32_t entity);

/* The device's name. */
const char *gpu_name(const struct gpu *gpu);

#endif
