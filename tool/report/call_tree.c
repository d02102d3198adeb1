/* Who calls whom, all the way down: the paths that took longest, with what they took themselves. */
#include "report.h"

#include "../../analysis/call_tree.h"

#include <inttypes.h>
#include <stdlib.h>

#define INDENTED_LEVELS_MAX 20u /* deeper ones are not moved any further to the right */

static void line_text(struct report *report, const struct call_tree_node *node, uint32_t level) {
    report_time(report, node->total_ns);
    report_time(report, node->self_ns);
    if (node->calls > 0)
        report_count(report, node->calls, REPORT_TIME_COLUMNS);
    else
        report_column(report, "-", REPORT_TIME_COLUMNS);
    perftrace_buffer_text(&report->line, "  ");
    for (uint32_t i = 0; i < level && i < INDENTED_LEVELS_MAX; i++)
        perftrace_buffer_text(&report->line, "  ");
    perftrace_buffer_visible(&report->line, report->model->functions[node->function].name);
    if (node->recursive > 0)
        perftrace_buffer_print(&report->line, "  (%" PRIu64 " call%s by itself)", (uint64_t)node->recursive,
                               node->recursive == 1 ? "" : "s");
    report_line(report);
}

static void call_tree_text(struct report *report) {
    struct call_tree tree = analysis_call_tree(report->model);
    size_t count;
    struct call_tree_line *lines = call_tree_lines(&tree, report->top, &count);
    report->failed |= lines == NULL;
    if (count > 0) {
        report_heading(report, "Call Tree");
        report_column(report, "total", REPORT_TIME_COLUMNS);
        report_column(report, "self", REPORT_TIME_COLUMNS);
        report_column(report, "calls", REPORT_TIME_COLUMNS);
        perftrace_buffer_text(&report->line, "  function");
        report_line(report);
    }
    for (size_t i = 0; i < count; i++)
        line_text(report, &tree.nodes[lines[i].node], lines[i].level);
    if (count > 0)
        report_more(report, tree.count - 1);
    if (tree.cut > 0)
        fprintf(report->out, "  Calls that are counted for calls around them: %" PRIu64 "\n", tree.cut);
    if (tree.by_name)
        fputs("  Calls that number no parent are put under the next of their caller's name to end.\n",
              report->out);
    free(lines);
}

static void line_json(struct report *report, const struct call_tree_node *node,
                      const struct call_tree_line *line) {
    struct json *json = &report->json;
    json_object(json, NULL);
    json_text(json, "function", report->model->functions[node->function].name);
    json_unsigned(json, "level", line->level);
    if (line->parent != INTERN_NONE)
        json_unsigned(json, "parent", line->parent); /* the index of its entry */
    json_unsigned(json, "calls", node->calls);
    json_unsigned(json, "recursive", node->recursive);
    json_unsigned(json, "total_ns", node->total_ns);
    json_unsigned(json, "self_ns", node->self_ns);
    json_unsigned(json, "cut_calls", node->cut);
    json_end_object(json);
}

static void call_tree_json(struct report *report) {
    struct call_tree tree = analysis_call_tree(report->model);
    struct json *json = &report->json;
    size_t count;
    struct call_tree_line *lines = call_tree_lines(&tree, report->top, &count);
    report->failed |= lines == NULL;
    json_unsigned(json, "count", tree.count - 1);
    json_unsigned(json, "total_ns", tree.nodes[0].total_ns);
    json_unsigned(json, "cut_calls", tree.cut);
    json_boolean(json, "by_name", tree.by_name);
    json_array(json, "entries");
    for (size_t i = 0; i < count; i++)
        line_json(report, &tree.nodes[lines[i].node], &lines[i]);
    json_end_array(json);
    free(lines);
}

REPORT_SECTION(call_tree);
