/* Which functions took longest, with what they called. */
#include "functions.h"

static void functions_by_total_text(struct report *report) {
    if (report->sort != RANK_TOTAL && report->model->calls > 0) /* else the list before says it all */
        report_function_times(report, RANK_TOTAL, "Functions by Total Time");
}

static void functions_by_total_json(struct report *report) {
    report_json_functions(report, RANK_TOTAL);
}

REPORT_SECTION(functions_by_total);
