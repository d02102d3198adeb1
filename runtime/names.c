/* Names that are known only at run time: a site for each, made when the name is met, given up with its module. */
#include "runtime.h"

#include <errno.h>
#include <string.h>

#define SLOTS 131072u
#define NAMES_MAX 65536u
#define ARENA_BYTES ((size_t)1 << 20)
#define CLASS_BYTES 16u
#define CLASSES ((sizeof(struct dynamic_site) + PERFTRACE_TEXT_MAX_ + CLASS_BYTES) / CLASS_BYTES + 1)

struct dynamic_site {
    struct perftrace_site site;
    const struct perftrace_site *prototype; /* NULL: it is given up, and may become another's */
    struct dynamic_site *next_free;
    char name[];
};

/* A child may be forked at any moment, and goes on with what it finds: `used` is the only thing that changes. */
struct arena {
    size_t used;
    char bytes[];
};

static struct dynamic_site **table;  /* open addressing; filled under the lock, read without */
static struct dynamic_site given_up; /* stands in the slots of those that are */
static uint32_t count;
static struct arena *arena;
static struct dynamic_site *free_sites[CLASSES]; /* by their size in CLASS_BYTES */

/* FNV-1a (Fowler, Noll, Vo), started from the prototype's address. */
static uint32_t hash_name(const struct perftrace_site *prototype, const char *name, size_t length) {
    uint32_t hash = 2166136261u ^ (uint32_t)((uintptr_t)prototype >> 4);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619u;
    return hash ^ hash >> 15;
}

static bool is_it(const struct dynamic_site *found, const struct perftrace_site *prototype, const char *name,
                  size_t length) {
    return __atomic_load_n(&found->prototype, __ATOMIC_ACQUIRE) == prototype &&
           strncmp(found->name, name, length) == 0 && found->name[length] == '\0';
}

/* The slot that has it, or *free, where it may be put. */
static struct dynamic_site **find(struct dynamic_site **in, const struct perftrace_site *prototype,
                                  const char *name, size_t length, struct dynamic_site ***free) {
    *free = NULL;
    for (uint32_t i = hash_name(prototype, name, length), tries = 0; tries < SLOTS; i++, tries++) {
        struct dynamic_site **slot = &in[i % SLOTS];
        struct dynamic_site *found = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
        if ((found == NULL || found == &given_up) && *free == NULL)
            *free = slot;
        if (found == NULL)
            return NULL;
        if (found != &given_up && is_it(found, prototype, name, length))
            return slot;
    }
    return NULL;
}

static size_t size_class(size_t length) {
    return (sizeof(struct dynamic_site) + length + 1 + CLASS_BYTES - 1) / CLASS_BYTES;
}

static struct dynamic_site *take_memory(size_t class) {
    struct dynamic_site *made = free_sites[class];
    size_t bytes = class * CLASS_BYTES;
    if (made != NULL) {
        free_sites[class] = made->next_free;
        return made;
    }
    if (arena == NULL || ARENA_BYTES - sizeof *arena - arena->used < bytes) {
        struct arena *fresh = perftrace_map_memory(ARENA_BYTES);
        if (fresh == NULL)
            return NULL;
        arena = fresh;
    }
    made = (struct dynamic_site *)(void *)(arena->bytes + arena->used);
    arena->used += bytes;
    return made;
}

static struct dynamic_site *make(const struct perftrace_site *prototype, const char *name, size_t length) {
    struct dynamic_site *made = take_memory(size_class(length));
    if (made == NULL)
        return NULL;
    made->site = *prototype;
    made->site.state = PERFTRACE_SITE_NEW_;
    memcpy(made->name, name, length);
    made->name[length] = '\0';
    made->site.name = made->name;
    __atomic_store_n(&made->prototype, prototype, __ATOMIC_RELEASE);
    return made;
}

void perftrace_names_forget(const void *module) {
    for (uint32_t i = 0; table != NULL && i < SLOTS; i++) {
        struct dynamic_site *site = table[i];
        if (site == NULL || site == &given_up || site->site.module != module)
            continue;
        size_t class = size_class(strlen(site->name));
        __atomic_store_n(&table[i], &given_up, __ATOMIC_RELEASE);
        __atomic_store_n(&site->prototype, NULL, __ATOMIC_RELEASE);
        site->next_free = free_sites[class];
        free_sites[class] = site;
        count--;
    }
}

/* With the lock held. */
static struct dynamic_site *find_or_make(const struct perftrace_site *prototype, const char *name,
                                         size_t length) {
    struct dynamic_site **free;
    if (table == NULL)
        __atomic_store_n(&table, perftrace_map_memory(SLOTS * sizeof *table), __ATOMIC_RELEASE);
    if (table == NULL)
        return NULL;
    if (count >= NAMES_MAX) {
        name = "(too many names)";
        length = strlen(name);
    }
    struct dynamic_site **slot = find(table, prototype, name, length, &free);
    if (slot != NULL)
        return *slot;
    struct dynamic_site *made =
        free != NULL && count < NAMES_MAX + 1024 ? make(prototype, name, length) : NULL;
    if (made != NULL) {
        count++;
        __atomic_store_n(free, made, __ATOMIC_RELEASE);
    }
    return made;
}

static struct perftrace_site *site_of_name(struct perftrace_runtime *runtime,
                                           const struct perftrace_site *prototype, const char *name,
                                           size_t length) {
    struct dynamic_site **free, **slot, **in = __atomic_load_n(&table, __ATOMIC_ACQUIRE);
    slot = in != NULL ? find(in, prototype, name, length, &free) : NULL;
    struct dynamic_site *found = slot != NULL ? __atomic_load_n(slot, __ATOMIC_ACQUIRE) : NULL;
    if (found == NULL && perftrace_is_own_process(runtime)) {
        sigset_t saved;
        perftrace_lock(runtime, &saved);
        found = find_or_make(prototype, name, length);
        perftrace_unlock(runtime, &saved);
    }
    return found != NULL ? &found->site : NULL;
}

struct perftrace_site *perftrace_dynamic_site_(struct perftrace_site *prototype, const char *name) {
    int saved_errno = errno;
    struct perftrace_runtime *runtime = perftrace_active();
    struct perftrace_site *site = NULL;
    if (runtime != NULL) {
        name = name != NULL ? name : "(null)";
        site = site_of_name(runtime, prototype, name, strnlen(name, PERFTRACE_TEXT_MAX_));
        if (site == NULL)
            perftrace_count_lost(runtime, NULL, PERFTRACE_LOSS_NO_SITE);
    } else {
        perftrace_count_early();
    }
    errno = saved_errno;
    return site;
}
