/* Writes JSON, indented, to a file; commas and nesting are its affair. */
#ifndef PERFTRACE_TOOL_JSON_H
#define PERFTRACE_TOOL_JSON_H

#include "../../core/text.h"

#include <stdio.h>

/* Zero-initialised but for the file; json_finish at the end. */
struct json {
    FILE *file;
    unsigned depth;
    bool has_members; /* of the innermost object or array */
    struct perftrace_buffer scratch;
};

/* `key` is NULL in an array and at the outermost level. */
void json_object(struct json *json, const char *key);
void json_array(struct json *json, const char *key);
void json_end_object(struct json *json);
void json_end_array(struct json *json);
void json_text(struct json *json, const char *key, struct perftrace_text text);
void json_string(struct json *json, const char *key, const char *text);
void json_unsigned(struct json *json, const char *key, uint64_t value);
void json_signed(struct json *json, const char *key, int64_t value);
void json_double(struct json *json, const char *key, double value);
/* Frees what it took. -1: there was no memory, and the output is incomplete. */
int json_finish(struct json *json);
/* An array of numbers on one line. */
void json_row(struct json *json, const uint64_t *values, size_t count);
/* An array of texts: lines, or NULL. */
void json_lines(struct json *json, const char *key, const char *lines);
void json_boolean(struct json *json, const char *key, bool value);

/* A name for people as a key: "ring full" becomes ring_full. */
#define JSON_KEY_MAX 64
const char *json_key(const char *name, char key[JSON_KEY_MAX]);

#endif
