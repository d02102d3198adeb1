/* Inputs into the analysis: what `analyze` and `run` share. */
#ifndef PERFTRACE_TOOL_COLLECT_H
#define PERFTRACE_TOOL_COLLECT_H

#include "../../analysis/collect.h"

/* How much memory the whole program is to take, and the least that it can be told to. */
#define COLLECT_MEMORY_DEFAULT ((uint64_t)1 << 30)
#define COLLECT_MEMORY_MIN ((uint64_t)64 << 20)
/* options.memory_max for that. */
size_t collect_memory(uint64_t bytes);

/* An empty model, or NULL after an error message. Free with analysis_close. */
struct analysis *collect_open(const struct analysis_options *options);

/* Adds one input, "-" being standard input. 0, or -1 after an error message; what was read before an error
 * counts. */
int collect_input(struct analysis *model, const char *path);

#endif
