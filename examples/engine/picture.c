/* The world from above: each mesh is a box, and drawn as one, the higher ones over the lower ones. */
#define PERF_TARGET "amp_render"
#include <perftrace.h>

#include "picture.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

#define PIXELS 1600
#define STREET 0x4a4d52

struct canvas {
    uint32_t colour[PIXELS][PIXELS]; /* 0x00RRGGBB */
    float height[PIXELS][PIXELS];
    float pixels_each_metre;
};

static int clamp(float pixel) {
    return pixel < 0 ? 0 : pixel > PIXELS - 1 ? PIXELS - 1 : (int)pixel;
}

/* Higher is lighter. */
static uint32_t lit(uint32_t colour, float height) {
    float light = fminf(1.25F, 0.85F + height / 100);
    uint32_t result = 0;
    for (int shift = 0; shift < 24; shift += 8)
        result |= (uint32_t)fminf(255, (float)(colour >> shift & 0xff) * light) << shift;
    return result;
}

/* Colours the pixels whose middle lies in the box. */
static void draw_box(struct canvas *canvas, const struct matrix *m, const struct mesh *mesh) {
    float scale = matrix_scale(m), each = canvas->pixels_each_metre;
    float x = PIXELS / 2.0F + m->at[0][3] * each, z = PIXELS / 2.0F + m->at[2][3] * each;
    float reach = mesh->radius * scale * each, top = m->at[1][3] + mesh->size.y * scale;
    if (x + reach < 0 || z + reach < 0 || x - reach > PIXELS || z - reach > PIXELS)
        return;
    float wide = fmaxf(mesh->size.x * scale * each / 2, 0.8F),
          long_ = fmaxf(mesh->size.z * scale * each / 2, 0.8F);
    /* Tilted boxes are few: the axis from side to side tells how it lies. */
    float flat = hypotf(m->at[0][0], m->at[2][0]) + 1e-9F, axis_x = m->at[0][0] / flat,
          axis_z = m->at[2][0] / flat;
    uint32_t colour = lit(mesh->colour, top);
    for (int row = clamp(z - reach); row <= clamp(z + reach); row++)
        for (int column = clamp(x - reach); column <= clamp(x + reach); column++) {
            float dx = (float)column + 0.5F - x, dz = (float)row + 0.5F - z;
            float across = dx * axis_x + dz * axis_z, along = dz * axis_x - dx * axis_z;
            if (fabsf(across) > wide || fabsf(along) > long_ || canvas->height[row][column] > top)
                continue;
            canvas->colour[row][column] = colour;
            canvas->height[row][column] = top;
        }
}

static int write_png(const struct canvas *canvas, const char *path) {
    uint8_t *bytes = malloc((size_t)PIXELS * PIXELS * 3), *to = bytes;
    if (bytes == NULL)
        return -1;
    for (int row = 0; row < PIXELS; row++)
        for (int column = 0; column < PIXELS; column++)
            for (int shift = 16; shift >= 0; shift -= 8)
                *to++ = (uint8_t)(canvas->colour[row][column] >> shift);
    png_image image = {
        .version = PNG_IMAGE_VERSION, .width = PIXELS, .height = PIXELS, .format = PNG_FORMAT_RGB};
    int written = png_image_write_to_file(&image, path, 0, bytes, 0, NULL);
    if (!written)
        fprintf(stderr, "%s: could not write the picture: %s\n", path, image.message);
    free(bytes);
    return written ? 0 : -1;
}

int picture_write(const struct world *world, float side, const char *path) {
    PERF_SPAN("draw_picture", "entities", world->alive);
    struct canvas *canvas = calloc(1, sizeof *canvas);
    if (canvas == NULL)
        return -1;
    canvas->pixels_each_metre = PIXELS / side;
    for (int row = 0; row < PIXELS; row++)
        for (int column = 0; column < PIXELS; column++)
            canvas->colour[row][column] = STREET;
    for (uint32_t i = 0; i < world->count; i++)
        if (world->components[i] & COMPONENT_MESH)
            draw_box(canvas, &world->matrix[i], &world->meshes[world->mesh[i]]);
    int result = write_png(canvas, path);
    free(canvas);
    return result;
}
