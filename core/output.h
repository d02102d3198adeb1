/* The sinks' view of where text goes: Chrome JSON, log lines and console lines are written by core/ to
 * one of these, whether by the recorder while a program runs or by the tool afterwards. */
#ifndef PERFTRACE_CORE_OUTPUT_H
#define PERFTRACE_CORE_OUTPUT_H

#include <stddef.h>

struct perftrace_output {
    /* Writes one whole unit (a JSON event, a log line with its newline): all of it or a failure.
     * 0, or a negative errno. */
    int (*write)(struct perftrace_output *output, const char *text, size_t length);
};

#endif
