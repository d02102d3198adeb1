/* Sites: the list of those that were reached, their numbers, what the filter says of them, and their
 * disappearance with the module that they lie in. The list outlives a trace and a fork: a new trace begins by
 * telling of every site that is on it. */
#include "runtime.h"

#include <link.h>
#include <string.h>
#include <sys/mman.h>

#define SHAPES_BYTES ((PERFTRACE_SHAPES_PER_PAGE * sizeof(struct perftrace_shape) + 4095) & ~(size_t)4095)

static struct perftrace_site *sites; /* newest first; guarded by the runtime's lock */
static uint32_t next_site_id = 1;
static struct perftrace_filter current_filter;
static uintptr_t main_program_begin, main_program_end;

int perftrace_recording_ = 1;

static const char *file_stem(const char *path, char *buffer, size_t size) {
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    size_t length = strcspn(name, ".");
    if (length >= size)
        length = size - 1;
    memcpy(buffer, name, length);
    buffer[length] = '\0';
    return buffer;
}

/* Appends text to the block being put together; cut where it is full. */
static uint16_t put_text(char *block, size_t *at, size_t size, const char *text) {
    size_t length = strnlen(text, 1024);
    if (length > size - *at)
        length = size - *at;
    memcpy(block + *at, text, length);
    *at += length;
    return (uint16_t)length;
}

static const char *or_empty(const char *text) {
    return text != NULL ? text : "";
}

static void *map_memory(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* Memory for what the drainer learns of the site: had now or never, since without it no record of the site can be stepped
 * over later. */
static bool make_shape(struct perftrace_runtime *runtime, const struct perftrace_site *site) {
    struct perftrace_shape **page = &runtime->shapes.pages[site->id / PERFTRACE_SHAPES_PER_PAGE];
    if (*page == NULL)
        __atomic_store_n(page, map_memory(SHAPES_BYTES), __ATOMIC_RELEASE);
    return *page != NULL;
}

void perftrace_sites_free_shapes(struct perftrace_runtime *runtime) {
    struct perftrace_shapes *shapes = &runtime->shapes;
    for (size_t i = 0; i < sizeof shapes->pages / sizeof shapes->pages[0]; i++) {
        if (shapes->pages[i] != NULL)
            munmap(shapes->pages[i], SHAPES_BYTES);
        shapes->pages[i] = NULL;
    }
}

static bool write_site_block(struct perftrace_runtime *runtime, const struct perftrace_site *site,
                             const char *target) {
    if (!make_shape(runtime, site))
        return false;
    char block[3072] = {0}; /* small: this may be a signal handler with a small stack */
    struct perftrace_block_site head = {.id = site->id,
                                        .line = site->line,
                                        .kind = site->kind,
                                        .level = site->level,
                                        .phase = site->phase,
                                        .argument_count = site->argument_count};
    struct perftrace_format_argument arguments[PERFTRACE_ARGUMENTS_MAX] = {0};
    size_t at = sizeof head + site->argument_count * sizeof arguments[0];
    head.name_bytes = put_text(block, &at, sizeof block, or_empty(site->name));
    head.target_bytes = put_text(block, &at, sizeof block, target);
    head.file_bytes = put_text(block, &at, sizeof block, or_empty(site->file));
    head.function_bytes = put_text(block, &at, sizeof block, or_empty(site->function));
    bool metrics = site->kind == PERFTRACE_RECORD_METRIC || site->kind == PERFTRACE_RECORD_ASYNC_END;
    for (unsigned i = 0; i < site->argument_count; i++) {
        arguments[i].type = site->arguments[i + 1].type;
        arguments[i].role = metrics ? PERFTRACE_ROLE_METRIC : PERFTRACE_ROLE_PARAMETER;
        arguments[i].name_bytes = put_text(block, &at, sizeof block, site->arguments[i + 1].name);
    }
    memcpy(block, &head, sizeof head);
    memcpy(block + sizeof head, arguments, site->argument_count * sizeof arguments[0]);
    return perftrace_metadata_add(runtime, PERFTRACE_BLOCK_SITE, block, (at + 7) & ~(size_t)7);
}

static const char *site_target(const struct perftrace_site *site, char *buffer, size_t size) {
    return site->target != NULL ? site->target : file_stem(or_empty(site->file), buffer, size);
}

/* The name as the filter's [span] sees it: only spans have one. */
static const char *span_name(const struct perftrace_site *site) {
    bool span = site->kind == PERFTRACE_RECORD_BEGIN || site->kind == PERFTRACE_RECORD_ASYNC_BEGIN ||
                site->kind == PERFTRACE_RECORD_ASYNC_END || site->kind == PERFTRACE_RECORD_TRACK_SPAN;
    return span ? or_empty(site->name) : NULL;
}

static void switch_site(struct perftrace_site *site, const struct perftrace_filter *filter) {
    char stem[128];
    uint32_t state = 0;
    if (filter != NULL && site->id != 0 &&
        perftrace_filter_allows(filter, site_target(site, stem, sizeof stem), span_name(site), site->level))
        state = site->id << PERFTRACE_SITE_SHIFT | (uint32_t)site->kind << PERFTRACE_KIND_SHIFT;
    __atomic_store_n(&site->state, state, __ATOMIC_RELEASE);
}

/* Takes the sites of a module off the list when it is unloaded (__cxa_atexit with its handle). */
static void forget_module(void *module) {
    struct perftrace_runtime *runtime = perftrace_here();
    if (runtime == NULL)
        return;
    sigset_t saved;
    perftrace_lock(runtime, &saved);
    for (struct perftrace_site **link = &sites; *link != NULL;) {
        if ((*link)->module == module)
            *link = (*link)->next;
        else
            link = &(*link)->next;
    }
    perftrace_unlock(runtime, &saved);
}

extern int __cxa_atexit(void (*function)(void *), void *argument,
                        void *module); /* Itanium C++ ABI, 3.3.6.3 */

static bool module_is_known(const void *module) {
    for (const struct perftrace_site *site = sites; site != NULL; site = site->next)
        if (site->module == module)
            return true;
    return false;
}

static bool in_main_program(const struct perftrace_site *site) {
    return (uintptr_t)site >= main_program_begin && (uintptr_t)site < main_program_end;
}

bool perftrace_site_register(struct perftrace_runtime *runtime, struct perftrace_site *site) {
    sigset_t saved;
    bool new_module = false;
    if (!perftrace_is_own_process(runtime))
        return false;
    perftrace_lock(runtime, &saved);
    if (site->state == PERFTRACE_SITE_NEW_) {
        char stem[128];
        bool recording = runtime->state == PERFTRACE_STATE_RECORDING;
        if (site->id == 0 && next_site_id < 1u << (PERFTRACE_SITE_BITS - 1))
            site->id = next_site_id++; /* the upper half would make `state` look negative */
        bool written = site->id != 0 &&
                       (!recording || write_site_block(runtime, site, site_target(site, stem, sizeof stem)));
        if (written) {
            new_module = !in_main_program(site) && !module_is_known(site->module);
            site->next = sites;
            sites = site;
            switch_site(site, recording ? &current_filter : NULL);
        }
    }
    bool on = site->state != 0 && site->state != PERFTRACE_SITE_NEW_;
    perftrace_unlock(runtime, &saved);
    if (new_module) {
        perftrace_lock_word(&runtime->forking, &saved);
        __cxa_atexit(forget_module, site->module, site->module);
        perftrace_unlock_word(&runtime->forking, &saved);
    }
    return on;
}

void perftrace_sites_start(struct perftrace_runtime *runtime) {
    char stem[128];
    for (struct perftrace_site **link = &sites, *site; (site = *link) != NULL;) {
        if (write_site_block(runtime, site, site_target(site, stem, sizeof stem))) {
            link = &site->next;
        } else { /* no room now: as if it had never been reached */
            *link = site->next;
            __atomic_store_n(&site->state, PERFTRACE_SITE_NEW_, __ATOMIC_RELEASE);
        }
    }
}

void perftrace_sites_switch(const struct perftrace_filter *filter) {
    if (filter != NULL)
        current_filter = *filter;
    for (struct perftrace_site *site = sites; site != NULL; site = site->next)
        switch_site(site, filter);
}

static int note_program(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    (void)context;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type != PT_LOAD)
            continue;
        uintptr_t begin = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        uintptr_t end = begin + info->dlpi_phdr[i].p_memsz;
        if (main_program_begin == 0 || begin < main_program_begin)
            main_program_begin = begin;
        if (end > main_program_end)
            main_program_end = end;
    }
    return 1; /* the first one is the main program */
}

void perftrace_sites_note_main_program(void) {
    if (main_program_end == 0)
        dl_iterate_phdr(note_program, NULL);
}

/* ---- dynamic names ---- */

#define DYNAMIC_SLOTS 131072u
#define DYNAMIC_NAMES_MAX 65536u
#define DYNAMIC_ARENA_BYTES (1u << 20)

struct dynamic_site {
    struct perftrace_site site;
    const struct perftrace_site *prototype;
    char name[];
};
static struct dynamic_site **dynamic_table; /* open addressing; filled under the lock, read without */
static uint32_t dynamic_count;
static char *dynamic_arena;
static size_t dynamic_arena_left;

/* FNV-1a (Fowler, Noll, Vo), started from the prototype's address. */
static uint32_t dynamic_hash(const struct perftrace_site *prototype, const char *name, size_t length) {
    uint32_t hash = 2166136261u ^ (uint32_t)((uintptr_t)prototype >> 4);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619u;
    return hash ^ hash >> 15;
}

static struct dynamic_site **dynamic_find(struct dynamic_site **table, const struct perftrace_site *prototype,
                                          const char *name, size_t length) {
    for (uint32_t i = dynamic_hash(prototype, name, length);; i++) {
        struct dynamic_site **slot = &table[i % DYNAMIC_SLOTS];
        struct dynamic_site *found = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
        if (found == NULL || (found->prototype == prototype && strncmp(found->name, name, length) == 0 &&
                              found->name[length] == '\0'))
            return slot;
    }
}

static struct dynamic_site *dynamic_make(const struct perftrace_site *prototype, const char *name,
                                         size_t length) {
    size_t bytes = (sizeof(struct dynamic_site) + length + 1 + 15) & ~(size_t)15;
    if (bytes > dynamic_arena_left) {
        char *arena = map_memory(DYNAMIC_ARENA_BYTES);
        if (arena == NULL)
            return NULL;
        dynamic_arena = arena;
        dynamic_arena_left = DYNAMIC_ARENA_BYTES;
    }
    struct dynamic_site *made = (struct dynamic_site *)(void *)dynamic_arena;
    dynamic_arena += bytes;
    dynamic_arena_left -= bytes;
    made->site = *prototype;
    made->site.state = PERFTRACE_SITE_NEW_;
    made->prototype = prototype;
    memcpy(made->name, name, length);
    made->name[length] = '\0';
    made->site.name = made->name;
    return made;
}

struct perftrace_site *perftrace_dynamic_site_(struct perftrace_site *prototype, const char *name) {
    struct perftrace_runtime *runtime = perftrace_active();
    if (runtime == NULL) {
        perftrace_count_early();
        return NULL;
    }
    name = name != NULL ? name : "(null)";
    size_t length = strnlen(name, PERFTRACE_TEXT_MAX_);
    struct dynamic_site **table = __atomic_load_n(&dynamic_table, __ATOMIC_ACQUIRE);
    struct dynamic_site *found = table != NULL ? *dynamic_find(table, prototype, name, length) : NULL;
    if (found != NULL)
        return &found->site;
    if (!perftrace_is_own_process(runtime)) {
        perftrace_count_lost(runtime, NULL, PERFTRACE_LOSS_NO_SITE);
        return NULL;
    }
    sigset_t saved;
    perftrace_lock(runtime, &saved);
    if (dynamic_table == NULL)
        __atomic_store_n(&dynamic_table, map_memory(DYNAMIC_SLOTS * sizeof *dynamic_table), __ATOMIC_RELEASE);
    if (dynamic_table != NULL && dynamic_count >= DYNAMIC_NAMES_MAX) {
        name = "(too many names)";
        length = strlen(name);
    }
    if (dynamic_table != NULL) {
        struct dynamic_site **slot = dynamic_find(dynamic_table, prototype, name, length);
        if (*slot == NULL && dynamic_count < DYNAMIC_NAMES_MAX + 1024) {
            struct dynamic_site *made = dynamic_make(prototype, name, length);
            dynamic_count += made != NULL;
            __atomic_store_n(slot, made, __ATOMIC_RELEASE);
        }
        found = *slot;
    }
    perftrace_unlock(runtime, &saved);
    return found != NULL ? &found->site : NULL;
}
