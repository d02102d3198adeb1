/* Options, the loop over frames, and the report of the engine's programs. */
#include "program.h"

#include "gpu.h"
#include "hitches.h"
#include "render.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- options ---- */

struct option {
    const char *name, *about;
    uint64_t *number;
    uint64_t min, max;
    const char **text;
    const char *choices; /* of a text: those that are possible, each followed by a bar; NULL: any */
    bool city;           /* only the city's */
};

#define OPTIONS 10

static void list_options(struct program *program, struct option options[OPTIONS]) {
    const struct option list[OPTIONS] = {
        {"--frames", "how many frames", &program->frames, 1, 1000000000, NULL, NULL, false},
        {"--threads", "how many threads", &program->threads, 1, THREADS_MAX, NULL, NULL, false},
        {"--entities", "how many entities", &program->entities, 16, 4000000, NULL, NULL, false},
        {"--cull", "scalar: CPU without SIMD; cpu; both: the GPU, too", NULL, 0, 0, &program->cull,
         "scalar|cpu|both|", false},
        {"--prefabs", "a file of prefabs", NULL, 0, 0, &program->prefabs, NULL, false},
        {"--hitch", "KIND@FRAME:SYSTEM:MS: a frame that is slow on purpose", NULL, 0, 0, &program->hitch,
         NULL, false},
        {"--buildings", "how many buildings", &program->buildings, 1, 100000, NULL, NULL, true},
        {"--vehicles", "how many vehicles", &program->vehicles, 1, 1000, NULL, NULL, true},
        {"--broadphase", "how collisions are looked for: simple or quadtree", NULL, 0, 0,
         &program->broadphase, "simple|quadtree|", true},
        {"--picture", "a PNG of the last frame, from above", NULL, 0, 0, &program->picture, NULL, true},
    };
    memcpy(options, list, sizeof list);
}

static bool has(const struct program *program, const struct option *option) {
    return program->city ? strcmp(option->name, "--entities") != 0 : !option->city;
}

static int help(const struct program *program, const struct option options[OPTIONS]) {
    printf("%s: %s\n", program->name, program->about);
    for (int i = 0; i < OPTIONS; i++)
        if (has(program, &options[i]))
            printf("  %-12s %-8s %s\n", options[i].name, options[i].number != NULL ? "NUMBER" : "TEXT",
                   options[i].about);
    printf("TRACE_FILE and PERF_TRACE_FILTER say where and what is traced.\n");
    return 1;
}

static int wrong(const struct program *program, const char *option, const char *why) {
    fprintf(stderr, "%s: %s %s (see %s --help)\n", program->name, option, why, program->name);
    return -1;
}

static bool is_choice(const char *choices, const char *text) {
    size_t length = strlen(text);
    for (const char *at = choices; *at != '\0'; at = strchr(at, '|') + 1)
        if (strncmp(at, text, length) == 0 && at[length] == '|')
            return true;
    return false;
}

static int set_option(const struct program *program, const struct option *option, const char *value) {
    if (option->text != NULL) {
        if (option->choices != NULL && !is_choice(option->choices, value))
            return wrong(program, option->name, option->about);
        *option->text = value;
        return 0;
    }
    char *end;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    if (errno != 0 || *end != '\0' || end == value || number < option->min || number > option->max) {
        char why[80];
        snprintf(why, sizeof why, "takes a number from %" PRIu64 " to %" PRIu64, option->min, option->max);
        return wrong(program, option->name, why);
    }
    *option->number = number;
    return 0;
}

/* The prefabs lie beside the program. */
static void find_prefabs(struct program *program) {
    char self[2048];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(self, '/');
    snprintf(program->prefabs_path, sizeof program->prefabs_path, "%.*s%s.prefabs",
             slash != NULL ? (int)(slash - self) + 1 : 0, self, program->name);
    program->prefabs = program->prefabs_path;
}

int program_options(struct program *program, int argc, char **argv) {
    struct option options[OPTIONS];
    list_options(program, options);
    for (int i = 1; i < argc; i++) {
        const struct option *option = NULL;
        for (int k = 0; k < OPTIONS; k++)
            if (strcmp(argv[i], options[k].name) == 0 && has(program, &options[k]))
                option = &options[k];
        if (strcmp(argv[i], "--help") == 0)
            return help(program, options);
        if (option == NULL)
            return wrong(program, argv[i], "is no option");
        if (i + 1 == argc)
            return wrong(program, argv[i], "needs a value");
        if (set_option(program, option, argv[++i]) != 0)
            return -1;
    }
    if (program->prefabs == NULL)
        find_prefabs(program);
    if (program->threads == 0) {
        long processors = sysconf(_SC_NPROCESSORS_ONLN);
        program->threads = processors < 1 ? 1 : processors > THREADS_MAX ? THREADS_MAX : (uint64_t)processors;
    }
    return 0;
}

struct engine_settings program_settings(const struct program *program, uint32_t entities_max) {
    return (struct engine_settings){.prefabs = program->prefabs,
                                    .entities_max = entities_max,
                                    .threads = (unsigned)program->threads,
                                    .cull_scalar = strcmp(program->cull, "scalar") == 0,
                                    .cull_gpu = strcmp(program->cull, "both") == 0};
}

float program_random(uint64_t *state) {
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return (float)(*state >> 40) / 16777216.0F;
}

/* ---- frames ---- */

#define FRAMES_KEPT 65536 /* for the percentiles */

static void print_systems(const struct engine *engine) {
    static const char *const names[] = {"churn",       "drive",           "step_physics",     "move_vehicles",
                                        "spin",        "sync_transforms", "cull_cpu",         "cull_gpu",
                                        "update_lods", "build_batches",   "extract_instances"};
    printf("each frame, all threads together:\n");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct system_time *time = schedule_time(engine->schedule, names[i]);
        if (time != NULL)
            printf("  %-18s %7.3f ms\n", time->name, (double)time->total_ns / 1e6 / (double)engine->frame);
    }
}

/* What does not depend on how long anything took comes first: two runs print the same, traced or not. */
static void print_simulation(const struct engine *engine) {
    struct tally sum = {0, 0, 0};
    for (unsigned i = 0; i < PARTS_MAX; i++) {
        sum.spun += engine->tally[i].spun;
        sum.synced += engine->tally[i].synced;
        sum.lods_changed += engine->tally[i].lods_changed;
    }
    printf("simulation: %" PRIu64 " frames, %u entities, checksum %016" PRIx64 "\n", engine->frame,
           engine->world.alive, world_checksum(&engine->world) ^ engine->renderer->seen_checksum);
    printf("  in all: %" PRIu64 " spun, %" PRIu64 " synchronised, %" PRIu64 " seen, %" PRIu64
           " levels of detail changed\n",
           sum.spun, sum.synced, engine->renderer->seen_total, sum.lods_changed);
    if (engine->gpu != NULL)
        printf("gpu culling: %s; frames in which it differed: %" PRIu64 "\n", gpu_name(engine->gpu),
               engine->renderer->gpu_differs);
}

int program_run(const struct program *program, struct engine *engine, void (*before)(struct engine *engine)) {
    struct frame_times times;
    if (frame_times_init(&times, FRAMES_KEPT) != 0) {
        fprintf(stderr, "%s: no memory\n", program->name);
        return -1;
    }
    const char *why = "";
    if (program->hitch != NULL && (engine->hitches = hitches_start(program->hitch, &why)) == NULL) {
        frame_times_free(&times);
        return wrong(program, "--hitch", why);
    }
    uint64_t stop_ns = measure_now_ns() + program->seconds * 1000000000U, elapsed_ns;
    size_t resident = 0;
    while (program->frames > 0 ? engine->frame < program->frames : measure_now_ns() < stop_ns) {
        before(engine);
        engine_frame(engine, &elapsed_ns);
        frame_times_add(&times, elapsed_ns);
        if (engine->frame == 100) /* by then all that is used at all has been */
            resident = measure_resident_bytes();
    }
    hitches_stop(engine->hitches);
    print_simulation(engine);
    frame_times_print(&times, stdout);
    print_systems(engine);
    if (resident > 0)
        printf("memory: %.1f MiB after 100 frames, %.1f MiB after %" PRIu64 "\n", (double)resident / 1048576,
               (double)measure_resident_bytes() / 1048576, engine->frame);
    frame_times_free(&times);
    return 0;
}
