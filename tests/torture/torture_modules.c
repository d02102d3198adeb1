/* Libraries that are loaded and unloaded again and again while they record: memory, file and numbers of sites stay bounded, and
 * every span keeps its name. */
#define _GNU_SOURCE /* dlmopen */
#define PERF_TRACE 1
#define PERF_TARGET "torture"
#include "perftrace.h"
#include "torture.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MODULE_PATH
#error "MODULE_PATH is the library to load"
#endif
#define SPANS_PER_ROUND 60u

static struct {
    unsigned rounds;
    long rss_kb_before, rss_kb_after;
    uint64_t file_before, file_after;
    uint64_t calls;
    bool stop;
} * told;

static long rss_kb(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1)
        exit(92);
    fclose(file);
    return pages * 4;
}

static uint64_t file_bytes(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
}

static void init(void) {
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.chrome_output = false;
    config.flush_ms = 5;
    if (perftrace_init(&config) != 0)
        exit(90);
}

static void *load(const char *path) {
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (module == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(91);
    }
    return module;
}

static void record_in(void *module, unsigned round) {
    void (*record)(unsigned);
    *(void **)&record = dlsym(module, "module_record");
    if (record == NULL)
        exit(93);
    record(round);
    __atomic_add_fetch(&told->calls, 1, __ATOMIC_RELAXED);
}

static void *record_meanwhile(void *argument) {
    (void)argument;
    while (!__atomic_load_n(&told->stop, __ATOMIC_RELAXED)) {
        PERF_SPAN("main's own");
        usleep(100);
    }
    return NULL;
}

static void loads_and_unloads(void *argument) {
    (void)argument;
    pthread_t thread;
    init();
    pthread_create(&thread, NULL, record_meanwhile, NULL);
    for (unsigned round = 0; round < told->rounds; round++) {
        void *module = load(MODULE_PATH);
        record_in(module, round);
        dlclose(module);
        if (dlopen(MODULE_PATH, RTLD_NOW | RTLD_NOLOAD) != NULL)
            exit(94); /* it is not unloaded at all */
        if (round == told->rounds / 10) {
            perftrace_flush();
            told->rss_kb_before = rss_kb();
            told->file_before = file_bytes("trace.ptrace");
        }
    }
    told->stop = true;
    pthread_join(thread, NULL);
    perftrace_flush();
    told->rss_kb_after = rss_kb();
    told->file_after = file_bytes("trace.ptrace");
}

struct heard {
    uint64_t spans, strangers;
};

/* Names: "span00" … "span49", "dynamic0" … "dynamic9"; each has the round that it was recorded in. */
static void hear(void *context, const struct perftrace_item *item) {
    struct heard *heard = context;
    if (item->kind != PERFTRACE_ITEM_SPAN_END || torture_is_named(item, "main's own"))
        return;
    const struct perftrace_text *name = &item->site->name, *file = &item->site->file;
    bool right = (name->length == 6 && memcmp(name->bytes, "span", 4) == 0) ||
                 (name->length == 8 && memcmp(name->bytes, "dynamic", 7) == 0);
    right = right && item->call->parameter_count == 1 && item->site->target.length == 6 &&
            memcmp(item->site->target.bytes, "module", 6) == 0 && file->length > 17 &&
            memcmp(file->bytes + file->length - 17, "module_of_sites.c", 17) == 0;
    if (name->length == 6)
        right =
            right && item->call->metric_count == 1 && item->call->metrics[0].u == item->call->parameters[0].u;
    heard->spans++;
    heard->strangers += !right;
}

static size_t count_sites(const char *path) {
    struct perftrace_error_info why;
    struct perftrace_reader *reader = perftrace_reader_open(path, NULL, &why);
    if (reader == NULL)
        return 0;
    while (perftrace_reader_next(reader) != NULL)
        continue;
    size_t count = perftrace_reader_site_count(reader);
    perftrace_reader_close(reader);
    return count;
}

static void check_trace(const char *path) {
    struct heard heard = {0};
    struct torture_trace trace = torture_read_intact(path, hear, &heard);
    torture_check(trace.info.finished && trace.lost == 0, "finished: %d, %llu lost", trace.info.finished,
                  (unsigned long long)trace.lost);
    torture_check(heard.spans == SPANS_PER_ROUND * told->calls, "%llu spans, of %llu",
                  (unsigned long long)heard.spans, (unsigned long long)(SPANS_PER_ROUND * told->calls));
    torture_check(heard.strangers == 0, "%llu spans are not what they were",
                  (unsigned long long)heard.strangers);
}

static void again_and_again(void) {
    torture_fresh_folder();
    memset(told, 0, sizeof *told);
    told->rounds = (unsigned)torture_times(200, 2000);
    int status = torture_run(loads_and_unloads, NULL, 120);
    torture_check(status == 0, "status %x", (unsigned)status);
    check_trace("trace.ptrace");
    size_t sites = count_sites("trace.ptrace");
    torture_check(sites == 50 + 50 + 10 + 1, "%zu sites", sites);
    long grown = told->rss_kb_after - told->rss_kb_before;
    unsigned rounds = told->rounds - told->rounds / 10;
    torture_check(grown < 4096, "the process grew by %ld kB", grown);
    /* 110 records of at most 32 bytes, and what goes around them: nothing is told of twice. */
    uint64_t per_round = (told->file_after - told->file_before) / rounds;
    torture_check(per_round < 60 * 56 + 2000, "%llu bytes a round", (unsigned long long)per_round);
    torture_note("%u rounds, %zu sites, %llu bytes a round, %ld kB more", told->rounds, sites,
                 (unsigned long long)per_round, grown);
}

static void copy_module(const char *to) {
    char buffer[65536];
    int from = open(MODULE_PATH, O_RDONLY), into = open(to, O_WRONLY | O_CREAT | O_EXCL, 0700);
    ssize_t got;
    while (from >= 0 && into >= 0 && (got = read(from, buffer, sizeof buffer)) > 0)
        if (write(into, buffer, (size_t)got) != got)
            exit(95);
    close(from);
    close(into);
}

static void loads_copies(void *argument) {
    (void)argument;
    copy_module("./copy.so");
    init();
    for (unsigned round = 0; round < told->rounds; round++) {
        void *one = load(MODULE_PATH), *other = load("./copy.so");
        record_in(one, round);
        record_in(other, round);
        dlclose(round % 2 == 0 ? one : other);
        record_in(round % 2 == 0 ? other : one, round);
        if (round == told->rounds / 2) { /* what is told of a trace is told of the next one as well */
            perftrace_shutdown();
            unlink("trace.ptrace");
            told->calls = 0;
            init();
        }
        record_in(round % 2 == 0 ? other : one, round);
        dlclose(round % 2 == 0 ? other : one);
    }
}

static void two_copies(void) {
    torture_fresh_folder();
    memset(told, 0, sizeof *told);
    told->rounds = (unsigned)torture_times(50, 500);
    int status = torture_run(loads_copies, NULL, 60);
    torture_check(status == 0, "status %x", (unsigned)status);
    check_trace("trace.ptrace");
    size_t sites = count_sites("trace.ptrace");
    torture_check(sites == 50 + 50 + 10, "%zu sites", sites);
}

/* In a namespace of its own, with a recorder and a C library of its own, neither of which can be unloaded. */
static void loads_apart(void *argument) {
    (void)argument;
    init();
    PERF_SPAN("main's own");
    setenv("PERF_TRACE_AUTO", "1", 1);
    void *module = dlmopen(LM_ID_NEWLM, MODULE_APART, RTLD_NOW | RTLD_LOCAL);
    if (module == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(91);
    }
    for (unsigned round = 0; round < told->rounds; round++)
        record_in(module, round);
    dlclose(module);
}

static void own_namespace(void) {
    torture_fresh_folder();
    memset(told, 0, sizeof *told);
    told->rounds = 100;
    pid_t child = torture_start(loads_apart, NULL);
    int status = torture_wait(child, 60);
    torture_check(status == 0, "status %x", (unsigned)status);
    char path[64];
    snprintf(path, sizeof path, "trace.%d.ptrace", (int)child);
    check_trace(path);
    told->calls = 0;
    check_trace("trace.ptrace");
}

int main(int argc, char **argv) {
    static const struct torture_case cases[] = {
        {"loaded and unloaded again and again", again_and_again},
        {"two copies at once", two_copies},
        {"in a namespace of its own", own_namespace},
    };
    told = torture_shared(sizeof *told);
    return torture_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
