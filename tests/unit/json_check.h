/* A strict JSON checker (RFC 8259): one value, no comma too many, well-formed UTF-8, and nothing behind it
 * but blanks. */
#ifndef PERFTRACE_TESTS_JSON_CHECK_H
#define PERFTRACE_TESTS_JSON_CHECK_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the text is JSON. If not, *wrong_at (if not NULL) is the offset of the first byte that can't be. */
bool json_check(const char *text, size_t length, size_t *wrong_at);

/* The same of a whole file; prints on stderr what is wrong. Also wrong: a file that can't be read. */
bool json_check_file(const char *path);

/* A file's bytes, followed by a zero, to be freed; NULL when it can't be read. *length may be NULL. */
char *read_whole_file(const char *path, size_t *length);

#endif
