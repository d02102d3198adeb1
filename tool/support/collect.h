/* Inputs into the analysis: what `analyze` and `run` share. */
#ifndef PERFTRACE_TOOL_COLLECT_H
#define PERFTRACE_TOOL_COLLECT_H

#include "../../analysis/collect.h"
#include "../../include/perftrace_reader.h"

/* How much memory the whole program is to take, and the least that it can be told to. */
#define COLLECT_MEMORY_DEFAULT ((uint64_t)3 << 29)
#define COLLECT_MEMORY_MIN ((uint64_t)64 << 20)
/* False after an error message: --memory asked for less than that. */
bool collect_memory_suffices(uint64_t memory);
/* options.memory_max for that, of a model of one input, or of several. */
size_t collect_memory(uint64_t memory, bool several);
/* What the reader of an input may take beside what the model (NULL: there is none) has taken so far. */
size_t collect_reader_memory(uint64_t memory, const struct analysis *model);
/* Once it is known what the input is: leaves its reader that much. */
void collect_share(struct analysis *model, const struct perftrace_reader *reader, uint64_t memory);

/* An empty model, or NULL after an error message. Free with analysis_close. */
struct analysis *collect_open(const struct analysis_options *options);

/* Adds one input, "-" being standard input, in `memory` bytes in all. 0, or -1 after an error message; what was read before an
 * error counts. */
int collect_input(struct analysis *model, const char *path, uint64_t memory);

#endif
