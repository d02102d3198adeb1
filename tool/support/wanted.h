/* Whether what was asked for is there at all: a misspelt name must not look like an answer. */
#ifndef PERFTRACE_TOOL_WANTED_H
#define PERFTRACE_TOOL_WANTED_H

#include "../../analysis/collect.h"

/* After the last input: tells of filters that left nothing, of keys to group by that no call has (errors: -1), and of keys to ignore
 * that no call has (a warning), each with the name that was probably meant. 0, or -1. */
int wanted_check(const struct analysis *model);

#endif
