/* Which functions took longest themselves, without what they called. */
#include "functions.h"

static void functions_by_self_text(struct report *report) {
    if (report->sort != RANK_SELF && report->model->calls > 0) /* else the list before says it all */
        report_function_times(report, RANK_SELF, "Functions by Self Time");
}

static void functions_by_self_json(struct report *report) {
    report_json_functions(report, RANK_SELF);
}

REPORT_SECTION(functions_by_self);
