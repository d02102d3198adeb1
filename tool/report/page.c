/* The page of `analyze --html`: the report as JSON, and what is only for the page. */
#include "page.h"

#include "../support/page_frame.h"

static int write_to(FILE *out, struct report *report, int (*write)(struct report *report)) {
    FILE *page = report->out;
    report->out = out;
    int result = write(report);
    report->out = page;
    return result;
}

static int write_calls(void *report, FILE *out) {
    return write_to(out, report, report_page_calls);
}

static int write_flame(void *report, FILE *out) {
    return write_to(out, report, report_page_flame);
}

static int write_report(void *report, FILE *out) {
    return write_to(out, report, report_json);
}

int report_page(struct report *report) {
    static const struct page_data data[] = {
        {"calls", write_calls},
        {"flame", write_flame},
        {"report", write_report}, /* the last: it frees what the others have used, too */
        {NULL, NULL},
    };
    static const struct page page = {
        .title = "Performance Analysis Report", .command = "analyze", .data = data};
    return page_write(report->out, &page, report);
}
