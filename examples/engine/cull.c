/* Frustum culling on the CPU: spheres against six planes, eight at a time where the processor can do that. */
#define PERF_TARGET "amp_render"
#include <perftrace.h>

#include "render.h"

static void set_plane(struct frustum *frustum, int plane, struct vec3 inwards, struct vec3 through) {
    frustum->x[plane] = inwards.x;
    frustum->y[plane] = inwards.y;
    frustum->z[plane] = inwards.z;
    frustum->d[plane] = -vec3_dot(inwards, through);
}

struct frustum frustum_of(const struct camera *camera) {
    struct vec3 ahead = vec3_unit(vec3_sub(camera->target, camera->eye));
    struct vec3 right = vec3_unit(vec3_cross(ahead, (struct vec3){0, 1, 0}));
    struct vec3 up = vec3_cross(right, ahead);
    float high = tanf(camera->height_angle / 2), wide = high * camera->aspect;
    struct vec3 eye = camera->eye;
    struct frustum frustum;
    /* A side plane holds the eye and an edge of the view; its normal is at right angles to both. */
    for (int side = 0; side < 2; side++) {
        float sign = side == 0 ? 1 : -1;
        struct vec3 flat = {sign * right.x + wide * ahead.x, sign * right.y + wide * ahead.y,
                            sign * right.z + wide * ahead.z};
        struct vec3 steep = {sign * up.x + high * ahead.x, sign * up.y + high * ahead.y,
                             sign * up.z + high * ahead.z};
        set_plane(&frustum, side, vec3_unit(flat), eye);
        set_plane(&frustum, 2 + side, vec3_unit(steep), eye);
    }
    float near = camera->near, far = camera->far;
    set_plane(&frustum, 4, ahead,
              (struct vec3){eye.x + near * ahead.x, eye.y + near * ahead.y, eye.z + near * ahead.z});
    set_plane(&frustum, 5, (struct vec3){-ahead.x, -ahead.y, -ahead.z},
              (struct vec3){eye.x + far * ahead.x, eye.y + far * ahead.y, eye.z + far * ahead.z});
    return frustum;
}

uint32_t cull_scalar(const struct world *world, const struct frustum *frustum, uint32_t first, uint32_t end,
                     uint32_t *seen) {
    uint32_t count = 0;
    for (uint32_t i = first; i < end; i++) {
        int inside = 1;
        for (int plane = 0; plane < 6; plane++)
            inside &= world->bound_x[i] * frustum->x[plane] + world->bound_y[i] * frustum->y[plane] +
                          world->bound_z[i] * frustum->z[plane] + frustum->d[plane] >=
                      -world->bound_radius[i];
        seen[count] = i;
        count += (uint32_t)inside; /* no branch: what is seen is hard to foretell */
    }
    return count;
}

#ifdef __x86_64__
#include <immintrin.h>

/* The same sums in the same order, so that it sees the same. */
__attribute__((target("avx"))) static uint32_t cull_avx(const struct world *world,
                                                        const struct frustum *frustum, uint32_t first,
                                                        uint32_t end, uint32_t *seen) {
    uint32_t count = 0, i = first;
    for (; end - i >= 8; i += 8) {
        __m256 x = _mm256_loadu_ps(world->bound_x + i), y = _mm256_loadu_ps(world->bound_y + i);
        __m256 z = _mm256_loadu_ps(world->bound_z + i);
        __m256 radius = _mm256_sub_ps(_mm256_setzero_ps(), _mm256_loadu_ps(world->bound_radius + i));
        int inside = 0xff;
        for (int plane = 0; plane < 6 && inside != 0; plane++) {
            __m256 sum = _mm256_add_ps(_mm256_mul_ps(x, _mm256_broadcast_ss(&frustum->x[plane])),
                                       _mm256_mul_ps(y, _mm256_broadcast_ss(&frustum->y[plane])));
            sum = _mm256_add_ps(sum, _mm256_mul_ps(z, _mm256_broadcast_ss(&frustum->z[plane])));
            sum = _mm256_add_ps(sum, _mm256_broadcast_ss(&frustum->d[plane]));
            inside &= _mm256_movemask_ps(_mm256_cmp_ps(sum, radius, _CMP_GE_OQ));
        }
        for (; inside != 0; inside &= inside - 1)
            seen[count++] = i + (uint32_t)__builtin_ctz((unsigned)inside);
    }
    return count + cull_scalar(world, frustum, i, end, seen + count);
}

cull_function *cull_simd(void) {
    return __builtin_cpu_supports("avx") ? cull_avx : NULL;
}
#else
cull_function *cull_simd(void) {
    return NULL;
}
#endif
