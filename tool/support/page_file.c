/* Writing a page, and over nothing else. */
#include "page_file.h"

#include "messages.h"

#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* None, an empty file, a page, or something that is no file at all. */
static bool may_be_replaced(const char *path) {
    static const char doctype[] = "<!doctype html";
    char begin[sizeof doctype] = "";
    struct stat status;
    if (strcmp(path, "-") == 0 || stat(path, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0)
        return true;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t length = fread(begin, 1, sizeof doctype - 1, file);
    fclose(file);
    return length == sizeof doctype - 1 && strcasecmp(begin, doctype) == 0;
}

int page_file_open(struct outfile *page, const char *path) {
    if (may_be_replaced(path))
        return outfile_open(page, path);
    return message_error(
        "%s: there is such a file, and it is no page: it stays as it is. The page's name comes first: "
        "--html=FILE INPUT",
        path);
}

int page_file_close(struct outfile *page) {
    if (page->file == stdout || ftello(page->file) != 0)
        return outfile_commit(page);
    outfile_discard(page);
    return 0;
}
