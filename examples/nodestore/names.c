/* Names and paths: which can be, and how they are shown. */
#include "store.h"

#include <string.h>

bool entry_name_valid(const char *name, size_t length) {
    if (length == 0 || length > STORE_NAME_MAX)
        return false;
    if (memchr(name, '/', length) != NULL || memchr(name, '\0', length) != NULL)
        return false;
    return !(name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.')));
}

void put_text(FILE *out, const char *text) {
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte < 0x20 || byte > 0x7e || byte == '\\')
            fprintf(out, "\\x%02x", byte);
        else
            putc(byte, out);
    }
}

size_t walk_enter(struct walk_path *path, const char *name) {
    size_t before = path->length;
    size_t room = sizeof path->text - before;
    int wanted = snprintf(path->text + before, room, "%s%s", before == 0 ? "" : "/", name);
    size_t added = wanted < 0 ? 0 : (size_t)wanted;
    path->length = before + (added < room ? added : room - 1);
    return before;
}

void walk_leave(struct walk_path *path, size_t length) {
    path->length = length;
    path->text[length] = '\0';
}
