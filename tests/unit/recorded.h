/* For tests of the recorder: runs a scenario in a process of its own and reads back what it recorded. */
#ifndef PERFTRACE_TESTS_RECORDED_H
#define PERFTRACE_TESTS_RECORDED_H

#include "perftrace_reader.h"

enum { RECORDED_MAX = 40000, RECORDED_VALUES = 16 };

/* One item, copied. */
struct recorded_item {
    enum perftrace_item_kind kind;
    char name[64], target[64], caller[64], thread[64];
    uint32_t track, depth, line;
    uint8_t level;
    uint64_t time_ns, elapsed_ns, number, parent, id, bytes;
    bool unfinished;
    size_t parameter_count, metric_count; /* of an item that is no span: parameters are its values */
    struct recorded_value {
        char key[32], text[600];
        size_t length;
        uint8_t type;
        bool cut, null;
        int64_t i;
        double d;
    } parameters[RECORDED_VALUES], metrics[RECORDED_VALUES];
};

struct recorded {
    size_t count;
    struct recorded_item *items;
    struct perftrace_trace_info info;
    uint64_t lost;
};

/* Runs scenario(argument) in a forked child whose working folder is a fresh one and whose trace therefore is
 * ./trace.ptrace; the child ends with exit(0) after it. Returns the wait status. */
int run_scenario(void (*scenario)(void *), void *argument);
/* The folder of the last scenario. */
const char *scenario_folder(void);
/* Reads a trace of that folder (NULL: trace.ptrace) to its end; fails the test when it can't be opened or is damaged. */
struct recorded read_recorded(const char *name);
void free_recorded(struct recorded *recorded);
/* The n-th item (from 0) of that kind and name, or NULL. */
const struct recorded_item *find_item(const struct recorded *recorded, enum perftrace_item_kind kind,
                                      const char *name, size_t n);
size_t count_items(const struct recorded *recorded, enum perftrace_item_kind kind, const char *name);

#endif
