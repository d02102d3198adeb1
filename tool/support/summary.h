/* A trace in five lines, for the end of `perftrace run`. */
#ifndef PERFTRACE_TOOL_SUMMARY_H
#define PERFTRACE_TOOL_SUMMARY_H

#include "../../analysis/collect.h"

#include <stdio.h>

/* Calls, functions, threads, losses and the function called most. */
void summary_print(const struct analysis *model, FILE *file);

#endif
