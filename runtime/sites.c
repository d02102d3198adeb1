/* Sites: the list of those that were reached, their numbers, what the filter says of them, and their
 * disappearance with the module that they lie in. The list outlives a trace and a fork: a new trace begins by
 * telling of every site that is on it. */
#include "runtime.h"

#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#define SHAPES_BYTES ((PERFTRACE_SHAPES_PER_PAGE * sizeof(struct perftrace_shape) + 4095) & ~(size_t)4095)

/* Newest first; guarded by the runtime's lock. A fork may come at any moment, and the child goes on with what it finds: each
 * change is one store, and a site that is on the list has a `next`. */
static struct perftrace_site last_site, *sites = &last_site;
static uint32_t next_site_id = 1;
static uint64_t telling; /* how often a trace has been told of all sites */
static struct perftrace_filter filters[2], *current_filter = &filters[0];
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

void *perftrace_map_memory(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* Memory for what the drainer learns of the site: had now or never, since without it no record of the site can be stepped
 * over later. */
static bool make_shape(struct perftrace_runtime *runtime, const struct perftrace_site *site) {
    struct perftrace_shape **page = &runtime->shapes.pages[site->id / PERFTRACE_SHAPES_PER_PAGE];
    if (*page == NULL)
        __atomic_store_n(page, perftrace_map_memory(SHAPES_BYTES), __ATOMIC_RELEASE);
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

static const char *site_target(const struct perftrace_site *site, char *buffer, size_t size) {
    return site->target != NULL ? site->target : file_stem(or_empty(site->file), buffer, size);
}

/* Puts a SITE block's payload together, with the number left out; returns its length. */
static size_t describe_site(const struct perftrace_site *site, char *block, size_t size) {
    char stem[128];
    struct perftrace_block_site head = {.line = site->line,
                                        .kind = site->kind,
                                        .level = site->level,
                                        .phase = site->phase,
                                        .argument_count = site->argument_count};
    struct perftrace_format_argument arguments[PERFTRACE_ARGUMENTS_MAX] = {0};
    size_t at = sizeof head + site->argument_count * sizeof arguments[0];
    memset(block, 0, size);
    head.name_bytes = put_text(block, &at, size, or_empty(site->name));
    head.target_bytes = put_text(block, &at, size, site_target(site, stem, sizeof stem));
    head.file_bytes = put_text(block, &at, size, or_empty(site->file));
    head.function_bytes = put_text(block, &at, size, or_empty(site->function));
    bool metrics = site->kind == PERFTRACE_RECORD_METRIC || site->kind == PERFTRACE_RECORD_ASYNC_END;
    for (unsigned i = 0; i < site->argument_count; i++) {
        arguments[i].type = site->arguments[i + 1].type;
        arguments[i].role = metrics ? PERFTRACE_ROLE_METRIC : PERFTRACE_ROLE_PARAMETER;
        arguments[i].name_bytes = put_text(block, &at, size, site->arguments[i + 1].name);
    }
    memcpy(block, &head, sizeof head);
    memcpy(block + sizeof head, arguments, site->argument_count * sizeof arguments[0]);
    return (at + 7) & ~(size_t)7;
}

static bool in_main_program(const void *address) {
    return (uintptr_t)address >= main_program_begin && (uintptr_t)address < main_program_end;
}

/* With the lock held: gives the site its number, and tells the trace of it, if there is one. A module that was unloaded may
 * come back, again and again: its sites get the numbers that they had, and are told of once. */
static bool tell_site(struct perftrace_runtime *runtime, struct perftrace_site *site, bool recording) {
    char block[3072]; /* small: this may be a signal handler with a small stack */
    size_t bytes = describe_site(site, block, sizeof block);
    struct perftrace_number *number =
        in_main_program(site->module) ? NULL : perftrace_number_find(block, bytes);
    if (number != NULL && number->id != 0)
        site->id = number->id;
    if (site->id == 0 && next_site_id < 1u << (PERFTRACE_SITE_BITS - 1))
        site->id = next_site_id++; /* the upper half would make `state` look negative */
    if (number != NULL)
        number->id = site->id;
    if (site->id == 0 || !recording || (number != NULL && number->told == telling))
        return site->id != 0;
    memcpy(block + offsetof(struct perftrace_block_site, id), &site->id, sizeof site->id);
    if (!make_shape(runtime, site) || !perftrace_metadata_add(runtime, PERFTRACE_BLOCK_SITE, block, bytes))
        return false;
    if (number != NULL)
        number->told = telling;
    return true;
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
    for (struct perftrace_site **link = &sites, *site; (site = *link) != &last_site;) {
        if (site->module == module) {
            *link = site->next;
            site->next = NULL;
        } else {
            link = &site->next;
        }
    }
    perftrace_names_forget(module);
    perftrace_unlock(runtime, &saved);
}

extern int __cxa_atexit(void (*function)(void *), void *argument,
                        void *module); /* Itanium C++ ABI, 3.3.6.3 */

static bool module_is_known(const void *module) {
    for (const struct perftrace_site *site = sites; site != &last_site; site = site->next)
        if (site->module == module)
            return true;
    return false;
}

bool perftrace_site_register(struct perftrace_runtime *runtime, struct perftrace_site *site, bool *refused) {
    sigset_t saved;
    bool new_module = false;
    if (!perftrace_is_own_process(runtime)) {
        *refused = perftrace_state_(site) == PERFTRACE_SITE_NEW_;
        return false;
    }
    perftrace_lock(runtime, &saved);
    if (site->state == PERFTRACE_SITE_NEW_) {
        bool recording = runtime->state == PERFTRACE_STATE_RECORDING;
        if (tell_site(runtime, site, recording)) {
            if (site->next == NULL) {
                new_module = !in_main_program(site->module) && !module_is_known(site->module);
                site->next = sites;
                __atomic_store_n(&sites, site, __ATOMIC_RELEASE);
            }
            switch_site(site, recording ? current_filter : NULL);
        }
    }
    *refused = site->state == PERFTRACE_SITE_NEW_;
    bool on = site->state != 0 && !*refused;
    perftrace_unlock(runtime, &saved);
    if (new_module) {
        perftrace_lock_word(&runtime->forking, &saved); /* the C library has a lock of its own for this */
        __cxa_atexit(forget_module, site->module, site->module);
        perftrace_unlock_word(&runtime->forking, &saved);
    }
    return on;
}

void perftrace_sites_start(struct perftrace_runtime *runtime) {
    telling++;
    for (struct perftrace_site **link = &sites, *site; (site = *link) != &last_site;) {
        if (tell_site(runtime, site, true)) {
            link = &site->next;
        } else { /* no room now: as if it had never been reached */
            *link = site->next;
            site->next = NULL;
            __atomic_store_n(&site->state, PERFTRACE_SITE_NEW_, __ATOMIC_RELEASE);
        }
    }
}

const struct perftrace_filter *perftrace_sites_filter(void) {
    return __atomic_load_n(&current_filter, __ATOMIC_ACQUIRE);
}

void perftrace_sites_switch(const struct perftrace_filter *filter) {
    struct perftrace_filter *other = current_filter == &filters[0] ? &filters[1] : &filters[0];
    if (filter != NULL) {
        *other = *filter;
        __atomic_store_n(&current_filter, other, __ATOMIC_RELEASE);
    }
    for (struct perftrace_site *site = sites; site != &last_site; site = site->next)
        switch_site(site, filter);
}

/* The main program is the one whose headers the kernel has told of: the first in the list it is not in a namespace of
 * dlmopen's, which has libraries alone. */
static int note_program(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    (void)context;
    if ((uintptr_t)info->dlpi_phdr != getauxval(AT_PHDR))
        return 0;
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
    return 1;
}

void perftrace_sites_note_main_program(void) {
    if (main_program_end == 0)
        dl_iterate_phdr(note_program, NULL);
}
