/* Puts the page together: a frame, the style and the script as they are in page/, and the report as data.
 *
 * The data is JSON in script elements that no browser runs. The one way out of such an element is "<", which therefore is written
 * as \u003c: what is in a name stays in it. The Content-Security-Policy lets nothing run or load but the page's own script and
 * style, told by their hashes. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* open_memstream */
#endif
#include "page.h"

#include <stdlib.h>
#include <string.h>

static void put(FILE *out, const unsigned char *bytes, size_t length) {
    fwrite(bytes, 1, length, out);
}

static void put_head(FILE *out) {
    fprintf(
        out,
        "<!doctype html>\n"
        "<html lang=\"en\">\n"
        "<head>\n"
        "<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'sha256-%s'; "
        "style-src 'sha256-%s'; base-uri 'none'; form-action 'none'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"referrer\" content=\"no-referrer\">\n"
        "<title>Performance Analysis Report</title>\n"
        "<style>",
        page_script_sha256, page_style_sha256);
    put(out, page_style, page_style_bytes);
    fputs(
        "</style>\n"
        "</head>\n"
        "<body>\n"
        "<main id=\"page\">\n"
        "<noscript><p class=\"warning\">This page is put together by its script, which this browser does not "
        "run: "
        "<code>perftrace analyze</code> prints the same as text.</p></noscript>\n"
        "</main>\n",
        out);
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

/* What `write` writes to report->out, as data of the page. */
static int add_data(struct report *report, const char *id, int (*write)(struct report *report)) {
    FILE *page = report->out;
    char *json = NULL;
    size_t length = 0;
    report->out = open_memstream(&json, &length);
    int result = report->out != NULL ? write(report) : -1;
    if (report->out != NULL && fclose(report->out) != 0)
        result = -1;
    report->out = page;
    if (result == 0)
        put_data(page, id, json, length);
    free(json);
    return result;
}

int report_page(struct report *report) {
    put_head(report->out);
    int result = add_data(report, "calls", report_page_calls);
    if (result == 0)
        result = add_data(report, "flame", report_page_flame);
    if (result == 0)
        result =
            add_data(report, "report", report_json); /* the last: it frees what the others have used, too */
    fputs("<script>", report->out);
    put(report->out, page_script, page_script_bytes);
    fputs("</script>\n</body>\n</html>\n", report->out);
    return result;
}
