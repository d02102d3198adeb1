/* Writing key=value pairs. */
#include "pairs.h"

void pairs_add_value(struct perftrace_buffer *buffer, const struct perftrace_value *value) {
    perftrace_buffer_add(buffer, "=", 1);
    if (value->type == PERFTRACE_TYPE_STRING && !value->null)
        perftrace_buffer_field(buffer, value->text);
    else
        perftrace_buffer_value(buffer, value);
}

size_t pairs_add_one(struct perftrace_buffer *buffer, const struct perftrace_value *value) {
    size_t before = buffer->length;
    perftrace_buffer_field(buffer, perftrace_name_shown(value->argument->name));
    size_t key_bytes = buffer->length - before;
    pairs_add_value(buffer, value);
    return key_bytes;
}

void pairs_add(struct perftrace_buffer *buffer, const struct perftrace_value *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            perftrace_buffer_add(buffer, "|", 1);
        pairs_add_one(buffer, &values[i]);
    }
}
