/* The bytes of a log or a trace -> all parts of the analysis -> the report as text, as JSON and as a page: no line of the text has a
 * control character in it, the JSON is JSON, and the page has the same elements whatever the names are. The first byte says how
 * much memory there is for the analysis. */
#include "fuzz.h"

#include "../../tool/report/page.h"
#include "../unit/json_check.h"

#include <stdlib.h>
#include <string.h>

static struct analysis *analyse(const char *path, uint8_t memory) {
    struct perftrace_reader *reader = perftrace_reader_open(path, NULL, NULL);
    if (reader == NULL)
        return NULL;
    struct analysis *model = analysis_open(&(struct analysis_options){
        .slowest_max = 20, .neighbours_max = 5, .memory_max = memory == 0 ? 0 : (size_t)memory << 12});
    FUZZ_CHECK(model != NULL && analysis_begin_input(model, "input") == 0);
    const struct perftrace_item *item;
    while ((item = perftrace_reader_next(reader)) != NULL)
        FUZZ_CHECK(analysis_item(model, item) == 0);
    FUZZ_CHECK(analysis_end_input(model, perftrace_reader_info(reader), 1) == 0);
    perftrace_reader_close(reader);
    FUZZ_CHECK(analysis_finish(model) == 0);
    return model;
}

/* What one of the forms writes, to be freed. */
static char *write_report(const struct analysis *model, int (*write)(struct report *report), size_t *length) {
    char *text = NULL;
    struct report report = {.model = model, .top = 20, .out = open_memstream(&text, length)};
    FUZZ_CHECK(report.out != NULL && write(&report) == 0 && fclose(report.out) == 0);
    return text;
}

static void check_text(const struct analysis *model) {
    size_t length;
    char *text = write_report(model, report_text, &length);
    for (size_t i = 0; i < length; i++)
        FUZZ_CHECK(((unsigned char)text[i] >= ' ' && text[i] != 0x7f) || text[i] == '\n');
    free(text);
}

static void check_json(const struct analysis *model) {
    size_t length;
    char *text = write_report(model, report_json, &length);
    FUZZ_CHECK(json_check(text, length, NULL));
    free(text);
}

/* Each element of data: JSON without a "<", up to the end of the element. */
static void check_page(const struct analysis *model) {
    static const char begin[] = "<script type=\"application/json\" id=\"", end[] = "</script>";
    size_t length;
    char *page = write_report(model, report_page, &length);
    unsigned elements = 0;
    for (const char *at = page; (at = strstr(at, begin)) != NULL; elements++) {
        at = strchr(at, '>') + 1;
        const char *close = strchr(at, '<');
        FUZZ_CHECK(close != NULL && strncmp(close, end, sizeof end - 1) == 0);
        FUZZ_CHECK(json_check(at, (size_t)(close - at), NULL));
        at = close;
    }
    FUZZ_CHECK(elements == 3 && strlen(page) == length);
    free(page);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    struct analysis *model = analyse(fuzz_file(data + 1, size - 1), data[0]);
    if (model == NULL)
        return 0;
    check_text(model);
    check_json(model);
    check_page(model);
    analysis_close(model);
    return 0;
}
