/* Modules: the executables and libraries that sites may belong to, each told of once. Looking for them takes the loader's lock,
 * and a child forked meanwhile would find it held for ever: fork() waits for the drainer to be out of it, nothing is
 * written while it is held, and a child does not look at all. It knows what its parent knew. */
#include "runtime.h"

#include <elf.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MODULES_MAX 4096u
#define FORK_WAIT_NS 100000000u

struct module {
    uint32_t bytes;
    char block[]; /* a MODULE block's payload */
};

static struct module *modules[MODULES_MAX]; /* of all traces; filled by the drainer, and read in children */
static uint32_t module_count;

/* The build id: an ELF note of type NT_GNU_BUILD_ID and owner "GNU" (elf(5)). */
static uint8_t find_build_id(const struct dl_phdr_info *info, uint8_t *id, size_t size) {
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type != PT_NOTE)
            continue;
        const char *at = (const char *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
        const char *end = at + info->dlpi_phdr[i].p_memsz;
        while ((size_t)(end - at) >= sizeof(ElfW(Nhdr))) {
            ElfW(Nhdr) note;
            memcpy(&note, at, sizeof note);
            const char *name = at + sizeof note;
            const char *value = name + ((note.n_namesz + 3) & ~3u);
            if (value > end || note.n_descsz > (size_t)(end - value))
                break;
            if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && memcmp(name, "GNU", 4) == 0) {
                size_t bytes = note.n_descsz < size ? note.n_descsz : size;
                memcpy(id, value, bytes);
                return (uint8_t)bytes;
            }
            at = value + ((note.n_descsz + 3) & ~3u);
        }
    }
    return 0;
}

static bool is_known(const char *block, size_t bytes) {
    for (uint32_t i = module_count; i > 0; i--)
        if (modules[i - 1]->bytes == bytes && memcmp(modules[i - 1]->block, block, bytes) == 0)
            return true;
    return false;
}

static int note_module(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    (void)context;
    char block[sizeof(struct perftrace_block_module) + PATH_MAX + 8] = {0};
    const char *path = info->dlpi_name != NULL ? info->dlpi_name : "";
    size_t length = strnlen(path, PATH_MAX);
    struct perftrace_block_module head = {.base_address = info->dlpi_addr, .path_bytes = (uint16_t)length};
    head.build_id_bytes = find_build_id(info, head.build_id, sizeof head.build_id);
    memcpy(block, &head, sizeof head);
    memcpy(block + sizeof head, path, length);
    size_t bytes = (sizeof head + length + 7) & ~(size_t)7;
    struct module *module =
        is_known(block, bytes) || module_count == MODULES_MAX ? NULL : malloc(sizeof *module + bytes);
    if (module == NULL)
        return 0;
    module->bytes = (uint32_t)bytes;
    memcpy(module->block, block, bytes);
    modules[module_count] = module;
    __atomic_store_n(&module_count, module_count + 1, __ATOMIC_RELEASE);
    return 0;
}

static int count_additions(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    *(uint64_t *)context = info->dlpi_adds;
    return 1;
}

static void look_for_modules(struct perftrace_runtime *runtime) {
    uint64_t additions = 0;
    sigset_t saved;
    perftrace_lock_word(&runtime->forking, &saved);
    dl_iterate_phdr(count_additions, &additions);
    if (additions != runtime->modules_seen)
        dl_iterate_phdr(note_module, NULL);
    runtime->modules_seen = additions;
    perftrace_unlock_word(&runtime->forking, &saved);
}

void perftrace_modules_write(struct perftrace_runtime *runtime) {
    bool child = runtime->run_start_ns != UINT64_MAX;
    if (!child)
        look_for_modules(runtime);
    uint32_t count = __atomic_load_n(&module_count, __ATOMIC_ACQUIRE);
    for (; runtime->modules_told < count; runtime->modules_told++) {
        const struct module *module = modules[runtime->modules_told];
        if (perftrace_trace_block(&runtime->trace, PERFTRACE_BLOCK_MODULE, module->block, module->bytes, NULL,
                                  0) != 0)
            return; /* they are told of by a later cycle */
    }
}

bool perftrace_fork_hold(struct perftrace_runtime *runtime) {
    int free = 0;
    uint64_t deadline = perftrace_now_ns() + FORK_WAIT_NS;
    while (!__atomic_compare_exchange_n(&runtime->forking, &free, 1, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED)) {
        if (perftrace_now_ns() >= deadline)
            return false; /* whoever forks may itself hold what the drainer waits for */
        free = 0;
        nanosleep(&(struct timespec){0, 50000}, NULL);
    }
    return true;
}

void perftrace_fork_release(struct perftrace_runtime *runtime) {
    if (__atomic_exchange_n(&runtime->forking, 0, __ATOMIC_RELEASE) == 2)
        perftrace_futex_wake(&runtime->forking);
}
