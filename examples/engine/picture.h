/* A picture of the world, seen from above. */
#ifndef ENGINE_PICTURE_H
#define ENGINE_PICTURE_H

#include "world.h"

/* Writes a PNG of the square of `side` metres around the middle. 0, or -1: what went wrong is on standard error. */
int picture_write(const struct world *world, float side, const char *path);

#endif
