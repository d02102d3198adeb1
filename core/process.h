/* Who records, or recorded: a process, by boot, pid and start, and a thread in it that does nothing else. The pid alone would not do: it is
 * used again; and neither would the process: when it executes another program it goes on, and only its threads end. */
#ifndef PERFTRACE_CORE_PROCESS_H
#define PERFTRACE_CORE_PROCESS_H

#include "../format/format.h"

#include <stdbool.h>

/* This boot's id; false, and zeros, where it can't be known. */
bool perftrace_boot_id(uint8_t id[16]);
/* When the calling process was started, as in a PROCESS block; 0: not known. */
uint64_t perftrace_process_start(void);
/* The number of its threads; true in *main_ended when the one that ran main() has ended. 0: not known. */
unsigned perftrace_process_threads(bool *main_ended);

/* Whether the recorder still runs: same boot, same pid, started at the same moment, and with the thread that a RING
 * block tells of (0: of none). */
bool perftrace_recorder_runs(const struct perftrace_block_process *process, uint32_t thread);
/* Whether it certainly does not: of another boot nothing is known, it may be that of another machine. */
bool perftrace_recorder_ended(const struct perftrace_block_process *process, uint32_t thread);

#endif
