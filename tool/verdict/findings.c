/* Findings as a list, and the formats by name. */
#include "findings.h"

#include "../../analysis/intern.h"
#include "../support/messages.h"
#include "../support/outfile.h"

#include <math.h>
#include <stdlib.h>

const struct findings_format *const findings_formats[] = {
#define FINDINGS_FORMAT(name) &findings_format_##name,
#include "list.h"
#undef FINDINGS_FORMAT
    NULL};

const char *const findings_format_names[] = {
#define FINDINGS_FORMAT(name) #name,
#include "list.h"
#undef FINDINGS_FORMAT
    NULL};

struct finding *findings_add(struct findings *findings) {
    if (array_reserve((void **)&findings->list, findings->count, &findings->capacity,
                      sizeof *findings->list) != 0) {
        findings->failed = true;
        return NULL;
    }
    struct finding *finding = &findings->list[findings->count++];
    *finding = (struct finding){.name = "", .message = "", .rule = ""};
    return finding;
}

void findings_figure(struct finding *finding, const char *key, double value) {
    if (finding->figure_count < FINDING_FIGURES_MAX && isfinite(value))
        finding->figures[finding->figure_count++] = (struct finding_figure){key, value};
}

const char *findings_text(struct findings *findings, struct perftrace_buffer *text) {
    struct perftrace_text copy = {"", 0};
    if (text->failed ||
        !perftrace_arena_text(&findings->arena, text->bytes != NULL ? text->bytes : "", text->length, &copy))
        findings->failed = true;
    text->length = 0;
    return copy.bytes;
}

const char *findings_visible(struct findings *findings, struct perftrace_text name) {
    struct perftrace_buffer text = {0};
    perftrace_buffer_visible(&text, name);
    const char *visible = findings_text(findings, &text);
    free(text.bytes);
    return visible;
}

size_t findings_of(const struct findings *findings, enum verdict verdict) {
    size_t count = 0;
    for (size_t i = 0; i < findings->count; i++)
        count += findings->list[i].verdict == verdict;
    return count;
}

enum verdict findings_verdict(const struct findings *findings) {
    if (findings_of(findings, VERDICT_FAIL) > 0)
        return VERDICT_FAIL;
    return findings_of(findings, VERDICT_INCONCLUSIVE) > 0 ? VERDICT_INCONCLUSIVE : VERDICT_PASS;
}

const char *findings_verdict_name(enum verdict verdict) {
    static const char *const names[] = {"PASS", "FAIL", "INCONCLUSIVE"};
    return names[verdict];
}

void findings_write_summary(const struct findings *findings, FILE *file) {
    if (findings->summary != NULL)
        fputs(findings->summary, file);
    else
        fprintf(file, "%zu passed, %zu failed, %zu inconclusive", findings_of(findings, VERDICT_PASS),
                findings_of(findings, VERDICT_FAIL), findings_of(findings, VERDICT_INCONCLUSIVE));
}

int findings_exit_code(const struct findings *findings) {
    static const int codes[] = {EXIT_FINE, EXIT_ANSWER_NO, EXIT_INCONCLUSIVE}; /* by enum verdict */
    return codes[findings_verdict(findings)];
}

static int by_weight(const void *left, const void *right) {
    const struct finding *a = *(const struct finding *const *)left,
                         *b = *(const struct finding *const *)right;
    if (a->weight < b->weight || a->weight > b->weight)
        return a->weight > b->weight ? -1 : 1;
    return (a > b) - (a < b);
}

const struct finding **findings_sorted(const struct findings *findings, enum verdict verdict, size_t *count) {
    const struct finding **sorted = malloc((findings->count + 1) * sizeof *sorted);
    *count = 0;
    for (size_t i = 0; sorted != NULL && i < findings->count; i++)
        if (findings->list[i].verdict == verdict)
            sorted[(*count)++] = &findings->list[i];
    if (sorted != NULL)
        qsort(sorted, *count, sizeof *sorted, by_weight);
    return sorted;
}

void findings_free(struct findings *findings) {
    free(findings->list);
    perftrace_arena_free(&findings->arena);
    *findings = (struct findings){0};
}

static int write_to(const struct findings *findings, const struct findings_format *format, FILE *file,
                    bool color) {
    if (format->write(findings, file, color) == 0)
        return 0;
    return message_error("out of memory");
}

int findings_deliver(const struct findings *findings, const struct findings_format *format, const char *path,
                     enum color_choice color) {
    struct outfile out;
    const struct findings_format *here = path != NULL ? &findings_format_text : format;
    if (write_to(findings, here, stdout, terminal_color(color, stdout)) != 0)
        return -1;
    if (path == NULL)
        return 0;
    if (outfile_open(&out, path) != 0)
        return -1;
    if (write_to(findings, format, out.file, false) != 0) {
        outfile_discard(&out);
        return -1;
    }
    return outfile_commit(&out);
}

void findings_list_formats(FILE *file, unsigned width) {
    fputs("\nFormats:\n", file);
    for (size_t i = 0; findings_formats[i] != NULL; i++) {
        fprintf(file, "  %-10s", findings_formats[i]->name);
        terminal_wrap(file, findings_formats[i]->summary, 12, 13, width);
    }
}
