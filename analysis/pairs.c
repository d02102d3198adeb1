/* Writing key=value pairs. */
#include "pairs.h"

void pairs_add(struct perftrace_buffer *buffer, const struct perftrace_value *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            perftrace_buffer_add(buffer, "|", 1);
        perftrace_buffer_field(buffer, perftrace_name_shown(values[i].argument->name));
        perftrace_buffer_add(buffer, "=", 1);
        if (values[i].type == PERFTRACE_TYPE_STRING && !values[i].null)
            perftrace_buffer_field(buffer, values[i].text);
        else
            perftrace_buffer_value(buffer, &values[i]);
    }
}
