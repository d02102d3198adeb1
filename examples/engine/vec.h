/* The arithmetic that the engine needs: vectors, rotations (unit quaternions), matrices of 3 × 4. */
#ifndef ENGINE_VEC_H
#define ENGINE_VEC_H

#include <math.h>

struct vec3 {
    float x, y, z;
};

struct quat {
    float x, y, z, w;
};

/* Rotation and scale, and in the last column the place. */
struct matrix {
    float at[3][4];
};

static inline struct vec3 vec3_sub(struct vec3 a, struct vec3 b) {
    return (struct vec3){a.x - b.x, a.y - b.y, a.z - b.z};
}

static inline float vec3_dot(struct vec3 a, struct vec3 b) {
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

static inline struct vec3 vec3_cross(struct vec3 a, struct vec3 b) {
    return (struct vec3){a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

static inline struct vec3 vec3_unit(struct vec3 a) {
    float scale = 1 / sqrtf(vec3_dot(a, a));
    return (struct vec3){a.x * scale, a.y * scale, a.z * scale};
}

/* The rotation by an angle (radians) about the y axis, which points up. */
static inline struct quat quat_about_y(float angle) {
    return (struct quat){0, sinf(angle / 2), 0, cosf(angle / 2)};
}

static inline struct quat quat_mul(struct quat a, struct quat b) {
    return (struct quat){
        a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y, a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x,
        a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w, a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z};
}

/* Of a quaternion that is nearly of length 1, one that is nearer to it: one step of Newton's for 1/√x. */
static inline struct quat quat_nearer_unit(struct quat q) {
    float scale = 1.5F - 0.5F * (q.x * q.x + q.y * q.y + q.z * q.z + q.w * q.w);
    return (struct quat){q.x * scale, q.y * scale, q.z * scale, q.w * scale};
}

static inline struct matrix matrix_of(struct vec3 place, struct quat q, float scale) {
    float xx = q.x * q.x, yy = q.y * q.y, zz = q.z * q.z;
    float xy = q.x * q.y, xz = q.x * q.z, yz = q.y * q.z;
    float wx = q.w * q.x, wy = q.w * q.y, wz = q.w * q.z, two = 2 * scale;
    return (struct matrix){{{scale - two * (yy + zz), two * (xy - wz), two * (xz + wy), place.x},
                            {two * (xy + wz), scale - two * (xx + zz), two * (yz - wx), place.y},
                            {two * (xz - wy), two * (yz + wx), scale - two * (xx + yy), place.z}}};
}

static inline struct matrix matrix_mul(const struct matrix *a, const struct matrix *b) {
    struct matrix c;
    for (int row = 0; row < 3; row++) {
        const float *left = a->at[row];
        for (int column = 0; column < 4; column++)
            c.at[row][column] =
                left[0] * b->at[0][column] + left[1] * b->at[1][column] + left[2] * b->at[2][column];
        c.at[row][3] += left[3];
    }
    return c;
}

static inline struct vec3 matrix_place(const struct matrix *m, struct vec3 v) {
    return (struct vec3){m->at[0][0] * v.x + m->at[0][1] * v.y + m->at[0][2] * v.z + m->at[0][3],
                         m->at[1][0] * v.x + m->at[1][1] * v.y + m->at[1][2] * v.z + m->at[1][3],
                         m->at[2][0] * v.x + m->at[2][1] * v.y + m->at[2][2] * v.z + m->at[2][3]};
}

/* The factor by which it makes things larger. */
static inline float matrix_scale(const struct matrix *m) {
    return sqrtf(m->at[0][0] * m->at[0][0] + m->at[1][0] * m->at[1][0] + m->at[2][0] * m->at[2][0]);
}

#endif
