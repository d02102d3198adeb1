/* In the place of gpu.c in a build without OpenCL. */
#include "gpu.h"

#include <stdio.h>

struct gpu *gpu_start(uint32_t entities_max) {
    (void)entities_max;
    fprintf(stderr, "no GPU culling: built without OpenCL (Debian: ocl-icd-opencl-dev, opencl-headers)\n");
    return NULL;
}

void gpu_stop(struct gpu *gpu) {
    (void)gpu;
}

uint32_t gpu_cull(struct gpu *gpu, const struct world *world, const struct frustum *frustum) {
    (void)gpu, (void)world, (void)frustum;
    return ENTITY_NONE;
}

bool gpu_saw(const struct gpu *gpu, uint32_t entity) {
    (void)gpu, (void)entity;
    return false;
}

const char *gpu_name(const struct gpu *gpu) {
    (void)gpu;
    return "none";
}
