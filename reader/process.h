/* Whether the process that recorded a trace still runs. */
#ifndef PERFTRACE_READER_PROCESS_H
#define PERFTRACE_READER_PROCESS_H

#include "../format/format.h"

#include <stdbool.h>

/* Whether the process that recorded still runs: same boot, same pid, started at the same moment. */
bool perftrace_process_runs(const struct perftrace_block_process *process);
/* Whether it certainly does not: of another boot nothing is known, it may be that of another machine. */
bool perftrace_process_ended(const struct perftrace_block_process *process);

#endif
