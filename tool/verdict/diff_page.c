/* The page of `diff --html`: the findings as JSON, and both sides' paths for its flame graph. */
#include "diff.h"

#include "../../analysis/statistics/shift.h"
#include "../report/page_texts.h"
#include "../support/page_frame.h"

#include <stdlib.h>

/* A path's medians over the runs of each side, of a run or of a frame. Totals are of these, so that what is within a path adds up to it. */
struct node {
    double calls[RUNS_SIDES], self_ns[RUNS_SIDES], total_ns[RUNS_SIDES];
    uint32_t row; /* on the page; 0: not there */
};

struct tree {
    const struct diff *diff;
    const struct findings *findings;
    struct node *nodes;          /* by path */
    double *sorted;              /* scratch: as many as there are runs or paths */
    struct page_texts functions; /* of the paths on the page */
};

static double largest_total(const struct node *node) {
    return node->total_ns[RUNS_BASE] > node->total_ns[RUNS_HEAD] ? node->total_ns[RUNS_BASE]
                                                                 : node->total_ns[RUNS_HEAD];
}

/* ---- medians -------------------------------------------------------------------------------------------- */

/* Sets both medians of a path on one side. `order`: that side's runs. */
static void measure_side(const struct tree *tree, uint32_t path, enum runs_side side, const size_t *order) {
    const struct runs *runs = &tree->diff->runs;
    const struct changes *changes = &tree->diff->changes;
    for (int calls = 0; calls < 2 && changes->runs[side] > 0; calls++) {
        for (size_t i = 0; i < changes->runs[side]; i++) {
            const struct runs_path_figures *figures = runs_path(runs, path, order[i]);
            double frames = changes->together.per_frame ? (double)runs->about[order[i]].frames : 1;
            tree->sorted[i] = (double)(calls ? figures->calls : figures->self_ns) / (frames > 0 ? frames : 1);
        }
        qsort(tree->sorted, changes->runs[side], sizeof *tree->sorted, statistics_compare);
        double median = statistics_median(tree->sorted, changes->runs[side]);
        *(calls ? &tree->nodes[path].calls[side] : &tree->nodes[path].self_ns[side]) = median;
    }
}

static void measure(struct tree *tree) {
    const struct runs *runs = &tree->diff->runs;
    const struct changes *changes = &tree->diff->changes;
    for (uint32_t path = 1; path < runs->path_count; path++) {
        measure_side(tree, path, RUNS_BASE, changes->compared);
        measure_side(tree, path, RUNS_HEAD, changes->compared + changes->runs[RUNS_BASE]);
    }
    for (uint32_t path = runs->path_count; path-- > 1;) /* the path above stands before it */
        for (int side = 0; side < RUNS_SIDES; side++) {
            struct node *node = &tree->nodes[path];
            node->total_ns[side] += node->self_ns[side];
            tree->nodes[runs->paths[path].parent].total_ns[side] += node->total_ns[side];
        }
}

/* ---- what is written ------------------------------------------------------------------------------------- */

/* How many paths are left out. */
static uint32_t write_nodes(struct tree *tree, FILE *out) {
    const struct runs *runs = &tree->diff->runs;
    for (uint32_t path = 0; path < runs->path_count; path++)
        tree->sorted[path] = largest_total(&tree->nodes[path]);
    double smallest = page_smallest_shown(tree->sorted, runs->path_count);
    uint32_t rows = 0, left_out = 0;
    for (uint32_t path = 1; path < runs->path_count; path++) {
        struct node *node = &tree->nodes[path];
        uint32_t parent = runs->paths[path].parent;
        if (largest_total(node) <= 0)
            continue; /* only in runs that are not compared */
        if (largest_total(node) < smallest || rows == PAGE_NODES_MAX ||
            (parent != 0 && tree->nodes[parent].row == 0)) {
            left_out++;
            continue;
        }
        node->row = rows + 1;
        fprintf(out, "%s[%u,%u,%.7g,%.7g,%.7g,%.7g]", rows > 0 ? ",\n" : "\n", tree->nodes[parent].row,
                page_texts_place(&tree->functions, runs->paths[path].function), node->calls[RUNS_BASE],
                node->calls[RUNS_HEAD], node->self_ns[RUNS_BASE], node->self_ns[RUNS_HEAD]);
        rows++;
    }
    return left_out;
}

/* What is known of a function: whether it has changed for certain. */
static const char *answer_of(const struct change *change) {
    static const char *const answers[] = {[COMPARE_SAME] = "same",
                                          [COMPARE_UNCLEAR] = "unclear",
                                          [COMPARE_SLOWER] = "slower",
                                          [COMPARE_FASTER] = "faster",
                                          [COMPARE_TOO_FEW] = "unclear"};
    return change->judged                     ? answers[change->time.answer]
           : change->presence == CHANGES_NEW  ? "new"
           : change->presence == CHANGES_GONE ? "gone"
                                              : "unclear";
}

static int write_functions(const struct tree *tree, FILE *out) {
    const struct changes *changes = &tree->diff->changes;
    const struct runs *runs = &tree->diff->runs;
    const struct change **by_function = calloc((size_t)runs->names.count + 1, sizeof *by_function);
    struct perftrace_buffer name = {0};
    if (by_function == NULL)
        return -1;
    for (size_t i = 0; i < changes->count; i++)
        by_function[changes->spans[i].function] = &changes->spans[i];
    for (uint32_t i = 0; i < tree->functions.count && !name.failed; i++) {
        const struct change *change = by_function[tree->functions.order[i]];
        name.length = 0;
        perftrace_buffer_json(&name, perftrace_name_shown(runs_name(runs, tree->functions.order[i])), 0);
        if (!name.failed)
            fprintf(out, "%s[%.*s,\"%s\",%s]", i > 0 ? ",\n" : "\n", (int)name.length, name.bytes,
                    change != NULL ? answer_of(change) : "unclear",
                    change != NULL && change->unit == CHANGES_PER_CALL ? "true" : "false");
    }
    free(by_function);
    free(name.bytes);
    return name.failed ? -1 : 0;
}

static int write_flame(void *about, FILE *out) {
    struct tree *tree = about;
    const struct runs *runs = &tree->diff->runs;
    size_t most = runs->path_count > runs->count ? runs->path_count : runs->count;
    int status = -1;
    tree->nodes = calloc((size_t)runs->path_count + 1, sizeof *tree->nodes);
    tree->sorted = malloc((most + 1) * sizeof *tree->sorted);
    if (tree->nodes != NULL && tree->sorted != NULL &&
        page_texts_open(&tree->functions, runs->names.count, PAGE_NODES_MAX)) {
        measure(tree);
        fprintf(out, "{\"per\": \"%s\", \"nodes\": [",
                tree->diff->changes.together.per_frame ? "frame" : "run");
        uint32_t left_out = write_nodes(tree, out);
        fprintf(out, "],\n\"left_out\": %u,\n\"functions\": [", left_out);
        status = write_functions(tree, out);
        fputs("]}\n", out);
    }
    page_texts_close(&tree->functions);
    free(tree->nodes);
    free(tree->sorted);
    return status;
}

static int write_findings(void *about, FILE *out) {
    const struct tree *tree = about;
    return findings_format_json.write(tree->findings, out, false);
}

int diff_page(const struct diff *diff, const struct findings *findings, FILE *out) {
    static const struct page_data data[] = {
        {"flame", write_flame}, {"comparison", write_findings}, {NULL, NULL}};
    static const struct page page = {.title = "Comparison", .command = "diff", .data = data};
    struct tree tree = {.diff = diff, .findings = findings};
    return page_write(out, &page, &tree);
}
