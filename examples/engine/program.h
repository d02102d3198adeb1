/* What the engine's programs share: their options, their frames, what they print. */
#ifndef ENGINE_PROGRAM_H
#define ENGINE_PROGRAM_H

#include "engine.h"
#include "measure.h"

struct program {
    const char *name, *about;
    uint64_t frames;  /* 0: by time */
    uint64_t seconds; /* without --frames */
    uint64_t threads, entities, buildings, vehicles;
    const char *prefabs;    /* NULL: the file NAME.prefabs beside the program */
    const char *cull;       /* scalar, cpu, both */
    const char *broadphase; /* simple, quadtree (the city) */
    const char *picture;    /* a file for the last frame seen from above (the city); NULL: none */
    const char *hitch;      /* what is to make frames slow (hitches.h); NULL: nothing */
    bool city;              /* which options there are */
    char prefabs_path[4096];
};

/* Reads the options over the defaults in *program. 0: go on; 1: help was printed; -1: wrong, which was said. */
int program_options(struct program *program, int argc, char **argv);

/* Calls `before` and runs a frame, as often as the options say; then prints what came out of it and how long it took. */
int program_run(const struct program *program, struct engine *engine, void (*before)(struct engine *engine));

/* The settings that the options ask for. */
struct engine_settings program_settings(const struct program *program, uint32_t entities_max);

/* Numbers from 0 to below 1, the same ones in every run. */
float program_random(uint64_t *state);

#endif
