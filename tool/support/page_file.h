/* The file that a page is written to. */
#ifndef PERFTRACE_TOOL_PAGE_FILE_H
#define PERFTRACE_TOOL_PAGE_FILE_H

#include "outfile.h"

/* As outfile_open, but it does not take the place of a file that is no page: where FILE was forgotten, the first input would be
 * taken for it. 0, or -1 after an error message. */
int page_file_open(struct outfile *page, const char *path);
/* Gives the file its name; where nothing was written to it, there is none. 0, or -1 after an error message. */
int page_file_close(struct outfile *page);

#endif
