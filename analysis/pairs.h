/* Parameters and metrics as text: key=value, with a separator between pairs. */
#ifndef PERFTRACE_ANALYSIS_PAIRS_H
#define PERFTRACE_ANALYSIS_PAIRS_H

#include "../core/text.h"

/* Adds "key=value|key=value" to `buffer`. Keys and texts are escaped as in log lines (core/text.h), so that
 * `|` always separates and the result is safe to show. */
void pairs_add(struct perftrace_buffer *buffer, const struct perftrace_value *values, size_t count);
/* One of them. Returns the bytes of its key. */
size_t pairs_add_one(struct perftrace_buffer *buffer, const struct perftrace_value *value);
/* What stands behind the key, with its `=`. */
void pairs_add_value(struct perftrace_buffer *buffer, const struct perftrace_value *value);

#endif
