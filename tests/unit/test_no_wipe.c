/* Forks where the kernel does not wipe memory for them: before Linux 4.14, and in emulators, which may say that they did. */
#define _GNU_SOURCE /* syscall, MADV_WIPEONFORK */
#define PERF_TRACE 1
#define PERF_TARGET "no_wipe"
#include "perftrace.h"

#include "recorded.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static bool says_so; /* that it is done */
static unsigned not_wiped;

/* The libraries call this one. */
int madvise(void *memory, size_t bytes, int advice) {
    if (advice != MADV_WIPEONFORK)
        return (int)syscall(SYS_madvise, memory, bytes, advice);
    not_wiped++;
    errno = EINVAL;
    return says_so ? 0 : -1;
}

static void forks(void *argument) {
    says_so = argument != NULL;
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.chrome_output = false;
    if (perftrace_init(&config) != 0)
        _exit(97);
    PERF_SPAN("parent");
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 100; i++) {
            PERF_SPAN("in the child");
        }
        exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    { PERF_SPAN("after"); }
    FILE *file = fopen("child", "w");
    fprintf(file, "trace.%d.ptrace", (int)child);
    fclose(file);
    if (not_wiped == 0 || status != 0)
        _exit(98);
}

/* The child records into a trace of its own, and the parent's is as if there were none. */
static void fork_and_look(const char *how) {
    char path[512], name[64] = "";
    assert_int_equal(run_scenario(forks, (void *)(uintptr_t)how), 0);
    struct recorded trace = read_recorded(NULL);
    assert_int_equal(count_items(&trace, PERFTRACE_ITEM_SPAN_END, NULL), 2);
    assert_non_null(find_item(&trace, PERFTRACE_ITEM_SPAN_END, "after", 0));
    snprintf(path, sizeof path, "%s/child", scenario_folder());
    FILE *file = fopen(path, "r");
    assert_int_equal(fscanf(file, "%63s", name), 1);
    fclose(file);
    struct recorded child = read_recorded(name);
    assert_int_equal(count_items(&child, PERFTRACE_ITEM_SPAN_END, "in the child"), 100);
    free_recorded(&trace);
    free_recorded(&child);
}

static void test_cannot(void **state) {
    (void)state;
#ifdef PERFTRACE_EMULATED /* in qemu 7.2 the child of a program with threads can't start any (an assertion of qemu's fails) */
    skip();
#endif
    fork_and_look(NULL);
}

static void test_pretends(void **state) {
    (void)state;
#ifdef PERFTRACE_EMULATED /* the same */
    skip();
#endif
    fork_and_look("says so");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cannot), cmocka_unit_test(test_pretends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
