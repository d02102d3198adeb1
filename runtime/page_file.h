/* A file of JSON events that is valid JSON at every moment, whenever the process is killed.
 *
 * The file is {"displayTimeUnit":"ns","traceEvents":[ event, event, … ]} and blanks may follow. The kernel
 * may cut a write() short between pages when SIGKILL arrives, never within one. So every event, with the
 * closing "]}" behind it, lies within one page of 4096 bytes and is written by one pwrite that stays within
 * the page: it replaces the old closing with ",\n" event "\n]}".
 *
 * When the rest of a page is too small, the closing moves to the next page, in three steps:
 *
 *         this page                 | the next page
 *   … event \n]}                    |                   the next page is appended, all blanks
 *   … event                       ]}|                   one pwrite within this page
 *   … event                         |]}                 these four bytes change at once
 *
 * The last step is a pread() of four bytes, from a file that holds them, into the mapped page file: one copy
 * to user memory, during which the kernel looks at no signal, as both pages have just been touched. (A pwrite
 * and a process_vm_writev look between the pages: of 3000 processes killed while they wrote nothing but long
 * events, these two left 360 and 447 with a torn file, this none. A store of ours would do as well, but is a
 * SIGBUS when somebody has truncated the file, where pread fails.) Where nothing can be mapped, it is a
 * pwrite.
 *
 * Events that hold for the moment stand between the others and the closing, within the same page, and are replaced, together
 * with the closing, by what comes next; blanks fill up what is left of them.
 *
 * Only blanks are ever appended, so a full disk is met before anything is changed. */
#ifndef PERFTRACE_RUNTIME_PAGE_FILE_H
#define PERFTRACE_RUNTIME_PAGE_FILE_H

#include "../core/output.h"

#include <stdbool.h>

#define PERFTRACE_PAGE_FILE_EVENT_BYTES 4000u /* no event may be longer */

struct perftrace_page_file;

/* Makes a new file (0600, JSON from the first) at `path`, where nothing or a regular file may be, which is replaced:
 * links are not followed. NULL and errno on failure. For one thread at a time, in which SIGXFSZ is
 * blocked or ignored. */
struct perftrace_page_file *perftrace_page_file_open(const char *path);

/* To be given to the Chrome writer; each write is one event. Events are gathered and written a page at a
 * time. A write that fails loses its own event only. */
struct perftrace_output *perftrace_page_file_output(struct perftrace_page_file *file);

/* To be given events that hold only until the next other one is written or the file is closed: what is the case at the
 * moment. They are in the file from the next flush on. Those from before this call are forgotten. They are within one page, so
 * that they vanish together: a write fails with -ENOSPC when no more fit. */
struct perftrace_output *perftrace_page_file_provisional(struct perftrace_page_file *file);

/* After that: goes on to a new page, and to no such events. False where that would not give much more room. */
bool perftrace_page_file_make_room(struct perftrace_page_file *file);

/* Writes out what is gathered. 0 or a negative errno; after a failure (full disk) the file stays valid and
 * further events are tried again. */
int perftrace_page_file_flush(struct perftrace_page_file *file);

/* Events that could not be written so far. */
unsigned long perftrace_page_file_lost(const struct perftrace_page_file *file);

/* Flushes, cuts off the blanks at the end, and frees it. 0 or a negative errno: then what was still gathered
 * is lost. NULL is allowed. */
int perftrace_page_file_close(struct perftrace_page_file *file);

#endif
