/* Findings for people: a line each, and what is behind it. */
#include "findings.h"

#include "../support/terminal.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_AT = 14 }; /* the column of what is behind the verdict */
static const char *const colors[] = {"\033[32m", "\033[1;31m", "\033[33m"}; /* by enum verdict */

/* A line for each promise, as long as it may be, for other programs and for logs; on a terminal in as many as it takes. */
static unsigned width_of(FILE *file) {
    return isatty(fileno(file)) ? terminal_width(file) : UINT_MAX;
}

static void indented(FILE *file, const char *lines) {
    while (*lines != '\0') {
        size_t length = strcspn(lines, "\n");
        fprintf(file, "    %.*s\n", (int)length, lines);
        lines += length + (lines[length] == '\n');
    }
}

/* Lines, each wrapped. */
static void wrapped(FILE *file, const char *lines, unsigned indent, unsigned width) {
    while (*lines != '\0') {
        size_t length = strcspn(lines, "\n");
        char *line = strndup(lines, length);
        if (line != NULL)
            terminal_wrap(file, line, 0, indent, width);
        free(line);
        lines += length + (lines[length] == '\n');
    }
}

static void write_judged(const struct finding *finding, FILE *file, bool color, unsigned width) {
    fprintf(file, "%s%-12s%s  %s: ", color ? colors[finding->verdict] : "",
            findings_verdict_name(finding->verdict), color ? STYLE_RESET : "", finding->name);
    terminal_wrap(file, finding->message, NAME_AT + (unsigned)strlen(finding->name) + 2, NAME_AT, width);
}

/* ---- sections ------------------------------------------------------------------------------------------- */

enum { INDENT = 2, NAMES_MAX = 26 };

static bool same_section(const struct finding *one, const struct finding *other) {
    return one->section != NULL && other->section != NULL && strcmp(one->section, other->section) == 0;
}

/* The column of messages: behind the names of a section, but for very long ones. Only where there is a width. */
static unsigned column_of(const struct findings *findings, size_t first, size_t end) {
    size_t longest = 0;
    for (size_t i = first; i < end; i++) {
        size_t length = strlen(findings->list[i].name);
        longest = length > longest && length <= NAMES_MAX ? length : longest;
    }
    return INDENT + (unsigned)longest + 2;
}

static void write_listed(const struct finding *finding, FILE *file, unsigned column, unsigned width) {
    unsigned at = INDENT + (unsigned)strlen(finding->name);
    fprintf(file, "%*s%s", INDENT, "", finding->name);
    if (at + 2 > column) {
        fputc('\n', file);
        at = 0;
    }
    terminal_wrap(file, finding->message, at, column, width);
    if (finding->details != NULL)
        wrapped(file, finding->details, 2 * INDENT, width);
}

/* One section, from `first` on; returns where it ends. */
static size_t write_section(const struct findings *findings, size_t first, FILE *file, bool color) {
    const struct finding *list = findings->list;
    const unsigned width = terminal_width(file);
    size_t end = first, shown = 0, left = 0;
    while (end < findings->count && same_section(&list[first], &list[end]))
        end++;
    unsigned column = column_of(findings, first, end);
    for (size_t i = first; i < end; i++) {
        if (list[i].quiet)
            continue;
        if (findings->shown_max != 0 && shown == findings->shown_max) {
            left++;
            continue;
        }
        if (shown++ == 0)
            fprintf(file, "%s%s%s\n", color ? colors[list[first].verdict] : "", list[first].section,
                    color ? STYLE_RESET : "");
        write_listed(&list[i], file, column, width);
    }
    if (left > 0)
        fprintf(file, "%*s… and %zu more\n", INDENT, "", left);
    if (shown > 0)
        fputc('\n', file);
    return end;
}

static int write_sections(const struct findings *findings, FILE *file, bool color) {
    const enum verdict verdict = findings_verdict(findings);
    fprintf(file, "%s\n\n", findings->about);
    for (size_t i = 0; i < findings->count;)
        i = findings->list[i].section != NULL ? write_section(findings, i, file, color) : i + 1;
    if (findings->notes != NULL)
        wrapped(file, findings->notes, 0, terminal_width(file));
    fprintf(file, "\n%s%s%s: ", color ? colors[verdict] : "", findings_verdict_name(verdict),
            color ? STYLE_RESET : "");
    findings_write_summary(findings, file);
    fputc('\n', file);
    return 0;
}

static int write_text(const struct findings *findings, FILE *file, bool color) {
    const unsigned width = width_of(file);
    if (findings->summary != NULL)
        return write_sections(findings, file, color);
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->list[i];
        write_judged(finding, file, color, width);
        if (finding->details != NULL)
            indented(file, finding->details);
    }
    if (findings->notes != NULL)
        fprintf(file, "\n%s", findings->notes);
    if (findings->count > 0)
        fputc('\n', file);
    findings_write_summary(findings, file);
    fputc('\n', file);
    return 0;
}

const struct findings_format findings_format_text = {
    .name = "text",
    .summary = "for people: a line for each, and what is behind those that fail",
    .write = write_text,
};
