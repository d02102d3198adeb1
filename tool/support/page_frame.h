/* The frame of the pages that commands write: one file each, with all that it needs, for a browser. */
#ifndef PERFTRACE_TOOL_PAGE_FRAME_H
#define PERFTRACE_TOOL_PAGE_FRAME_H

#include <stddef.h>
#include <stdio.h>

/* What the page's script finds as data: JSON. */
struct page_data {
    const char *id;
    int (*write)(void *about, FILE *out); /* 0, or -1 without memory */
};

struct page {
    const char *title, *command;  /* plain words of ours */
    const struct page_data *data; /* in this order; ends with {NULL, NULL} */
};

/* 0, or -1 without memory; failed writes are the file's affair. */
int page_write(FILE *out, const struct page *page, void *about);

/* The size that a node of a flame graph must have at least to be shown, so that there are not many more than PAGE_NODES_MAX. `sizes` of all nodes
 * lose their order. */
double page_smallest_shown(double *sizes, size_t count);
enum { PAGE_NODES_MAX = 20000 }; /* more can't be told apart on a screen, however far one zooms in */

/* Made by the build of tool/report/page/: not ended by zero, and the SHA-256 of each in base64. */
extern const unsigned char page_style[], page_script[];
extern const size_t page_style_bytes, page_script_bytes;
extern const char page_style_sha256[], page_script_sha256[];

#endif
