/* What is put into frames, and the thread that holds the lock. */
#define PERF_TARGET "amp_engine"
#include <perftrace.h>

#include "engine.h"
#include "hitches.h"
#include "measure.h"

#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define HITCHES_MAX 256
#define FRESH_BYTES ((size_t)1 << 20) /* touched before the next are asked for */
#define PAGE_BYTES 4096
#define NEAR_LOOKED_AT 2000 /* entities */

enum kind { SLOW, LOCK, FAULT, BURST, KINDS };
static const char *const kinds[KINDS] = {"slow", "lock", "fault", "burst"};

struct hitch {
    enum kind kind;
    uint64_t frame, elapsed_ns, count; /* the last two: what it came to */
    double ms;
    char system[32];
    atomic_bool begun;
};

struct hitches {
    struct hitch list[HITCHES_MAX];
    size_t count;
    pthread_mutex_t assets; /* the lock */
    sem_t wanted, held;     /* by the loader: something is to be loaded; it has the lock */
    uint64_t load_ns;       /* how long that will take; 0: stop */
    pthread_t loader;
};

/* ---- what they do: each returns how often ---- */

static uint64_t compute(uint64_t until_ns) {
    volatile double sum = 1;
    uint64_t times = 0;
    for (; measure_now_ns() < until_ns; times++)
        for (int i = 0; i < 1000; i++)
            sum = sum * 1.0000001 + 0.5;
    return times;
}

static uint64_t touch_fresh(uint64_t until_ns) {
    uint64_t pages = 0;
    while (measure_now_ns() < until_ns) {
        char *fresh = mmap(NULL, FRESH_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (fresh == MAP_FAILED)
            break;
        madvise(fresh, FRESH_BYTES, MADV_NOHUGEPAGE);
        for (size_t at = 0; at < FRESH_BYTES; at += PAGE_BYTES, pages++)
            fresh[at] = 1;
        munmap(fresh, FRESH_BYTES);
    }
    return pages;
}

/* How many of the entities are near that one: what anybody may ask, but not ten thousand times. */
static uint32_t find_near(const struct world *world, uint32_t entity) {
    PERF_SPAN("find_near", "entity", entity);
    uint32_t near = 0;
    for (uint32_t i = 0; i < world->count && i < NEAR_LOOKED_AT; i++) {
        struct vec3 to = vec3_sub(world->place[i], world->place[entity]);
        near += vec3_dot(to, to) < 10000;
    }
    PERF_METRIC("near", near);
    return near;
}

static uint64_t ask_again(const struct world *world, uint64_t until_ns) {
    uint64_t times = 0;
    volatile uint32_t near = 0;
    for (; measure_now_ns() < until_ns; times++)
        near = find_near(world, world->count / 2);
    (void)near;
    return times;
}

static void *load(void *argument) {
    struct hitches *hitches = argument;
    perftrace_thread_name("loader");
    while (sem_wait(&hitches->wanted) != 0 || hitches->load_ns > 0) {
        PERF_SPAN("load_assets", "bytes", hitches->load_ns);
        pthread_mutex_lock(&hitches->assets);
        sem_post(&hitches->held);
        struct timespec disk = {(time_t)(hitches->load_ns / 1000000000),
                                (long)(hitches->load_ns % 1000000000)};
        nanosleep(&disk, NULL);
        pthread_mutex_unlock(&hitches->assets);
    }
    return NULL;
}

static uint64_t wait_for_lock(struct hitches *hitches, uint64_t long_ns) {
    hitches->load_ns = long_ns;
    sem_post(&hitches->wanted);
    while (sem_wait(&hitches->held) != 0)
        continue;
    pthread_mutex_lock(&hitches->assets);
    pthread_mutex_unlock(&hitches->assets);
    return 1;
}

void hitches_at(struct engine *engine, const char *system) {
    struct hitches *hitches = engine->hitches;
    for (size_t i = 0; hitches != NULL && i < hitches->count; i++) {
        struct hitch *hitch = &hitches->list[i];
        if (hitch->frame != engine->frame || strcmp(hitch->system, system) != 0 ||
            atomic_exchange(&hitch->begun, true))
            continue;
        uint64_t begin = measure_now_ns(), long_ns = (uint64_t)(hitch->ms * 1e6);
        switch (hitch->kind) {
        case LOCK:
            hitch->count = wait_for_lock(hitches, long_ns);
            break;
        case FAULT:
            hitch->count = touch_fresh(begin + long_ns);
            break;
        case BURST:
            hitch->count = ask_again(&engine->world, begin + long_ns);
            break;
        default:
            hitch->count = compute(begin + long_ns);
        }
        hitch->elapsed_ns = measure_now_ns() - begin;
    }
}

/* ---- start and stop ---- */

static int read_one(struct hitch *hitch, const char *text) {
    char kind[8];
    int length = 0;
    if (sscanf(text, "%7[a-z]@%" SCNu64 ":%31[a-z_]:%lf%n", kind, &hitch->frame, hitch->system, &hitch->ms,
               &length) != 4 ||
        (text[length] != '\0' && text[length] != ',') || !(hitch->ms > 0 && hitch->ms < 10000))
        return -1;
    hitch->kind = 0;
    while (hitch->kind < KINDS && strcmp(kinds[hitch->kind], kind) != 0)
        hitch->kind++;
    return hitch->kind < KINDS ? 0 : -1;
}

struct hitches *hitches_start(const char *text, const char **why) {
    struct hitches *hitches = calloc(1, sizeof *hitches);
    *why = "there is no memory for them";
    if (hitches == NULL)
        return NULL;
    *why = "is KIND@FRAME:SYSTEM:MS, KIND slow, lock, fault or burst; more than one are separated by commas";
    for (; text != NULL && hitches->count < HITCHES_MAX; text = strchr(text, ',')) {
        text += *text == ',';
        if (read_one(&hitches->list[hitches->count++], text) != 0) {
            free(hitches);
            return NULL;
        }
    }
    pthread_mutex_init(&hitches->assets, NULL);
    sem_init(&hitches->wanted, 0, 0);
    sem_init(&hitches->held, 0, 0);
    *why = "could not start the thread that loads";
    if (pthread_create(&hitches->loader, NULL, load, hitches) == 0)
        return hitches;
    free(hitches);
    return NULL;
}

void hitches_stop(struct hitches *hitches) {
    if (hitches == NULL)
        return;
    hitches->load_ns = 0;
    sem_post(&hitches->wanted);
    pthread_join(hitches->loader, NULL);
    for (size_t i = 0; i < hitches->count; i++) {
        const struct hitch *hitch = &hitches->list[i];
        printf("hitch: %s in frame %" PRIu64 ", %s: %.3f ms, %" PRIu64 " times\n", kinds[hitch->kind],
               hitch->frame, hitch->system, (double)hitch->elapsed_ns / 1e6, hitch->count);
    }
    sem_destroy(&hitches->wanted);
    sem_destroy(&hitches->held);
    pthread_mutex_destroy(&hitches->assets);
    free(hitches);
}
