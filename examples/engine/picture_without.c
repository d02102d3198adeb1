/* In the place of picture.c in a build without libpng. */
#include "picture.h"

#include <stdio.h>

int picture_write(const struct world *world, float side, const char *path) {
    (void)world, (void)side;
    fprintf(stderr, "%s: no picture: built without libpng (Debian: libpng-dev)\n", path);
    return -1;
}
