/* Puts a page together: a frame, the style and the script as they are in tool/report/page/, and data.
 *
 * The data is JSON in script elements that no browser runs. The one way out of such an element is "<", which therefore is written
 * as \u003c: what is in a name stays in it. The Content-Security-Policy lets nothing run or load but the page's own script and
 * style, told by their hashes. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* open_memstream */
#endif
#include "page_frame.h"

#include <stdlib.h>
#include <string.h>

static void put(FILE *out, const unsigned char *bytes, size_t length) {
    fwrite(bytes, 1, length, out);
}

static void put_head(FILE *out, const struct page *page) {
    fprintf(out,
            "<!doctype html>\n"
            "<html lang=\"en\">\n"
            "<head>\n"
            "<meta charset=\"utf-8\">\n"
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src "
            "'sha256-%s'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            "<meta name=\"referrer\" content=\"no-referrer\">\n"
            "<title>%s</title>\n"
            "<style>",
            page_script_sha256, page_style_sha256, page->title);
    put(out, page_style, page_style_bytes);
    fprintf(out,
            "</style>\n"
            "</head>\n"
            "<body>\n"
            "<main id=\"page\">\n"
            "<noscript><p class=\"warning\">This page is put together by its script, which this browser does "
            "not run: <code>perftrace %s</code> prints the same as text.</p></noscript>\n"
            "</main>\n",
            page->command);
}

static void put_data(FILE *out, const char *id, const char *json, size_t length) {
    fprintf(out, "<script type=\"application/json\" id=\"%s\">\n", id);
    for (const char *end = json + length; json < end;) {
        const char *bracket = memchr(json, '<', (size_t)(end - json));
        size_t plain = (size_t)((bracket != NULL ? bracket : end) - json);
        fwrite(json, 1, plain, out);
        json += plain;
        if (bracket != NULL) {
            fputs("\\u003c", out);
            json++;
        }
    }
    fputs("</script>\n", out);
}

static int add_data(FILE *out, const struct page_data *data, void *about) {
    char *json = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&json, &length);
    int result = memory != NULL ? data->write(about, memory) : -1;
    if (memory != NULL && fclose(memory) != 0)
        result = -1;
    if (result == 0)
        put_data(out, data->id, json, length);
    free(json);
    return result;
}

int page_write(FILE *out, const struct page *page, void *about) {
    int result = 0;
    put_head(out, page);
    for (const struct page_data *data = page->data; data->id != NULL && result == 0; data++)
        result = add_data(out, data, about);
    fputs("<script>", out);
    put(out, page_script, page_script_bytes);
    fputs("</script>\n</body>\n</html>\n", out);
    return result;
}

static int largest_first(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a < b) - (a > b);
}

double page_smallest_shown(double *sizes, size_t count) {
    if (count <= PAGE_NODES_MAX)
        return 0;
    qsort(sizes, count, sizeof *sizes, largest_first);
    return sizes[PAGE_NODES_MAX];
}
