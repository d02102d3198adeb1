/* Findings for people: a line each, and what is behind it. */
#include "findings.h"

#include "../support/terminal.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

static const char *const words[] = {"PASS", "FAIL", "INCONCLUSIVE"}; /* by enum verdict */
enum { NAME_AT = 14 }; /* the column of what is behind the verdict */
static const char *const colors[] = {"\033[32m", "\033[1;31m", "\033[33m"};

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

static int write_text(const struct findings *findings, FILE *file, bool color) {
    const unsigned width = width_of(file);
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->list[i];
        fprintf(file, "%s%-12s%s  %s: ", color ? colors[finding->verdict] : "", words[finding->verdict],
                color ? STYLE_RESET : "", finding->name);
        terminal_wrap(file, finding->message, NAME_AT + (unsigned)strlen(finding->name) + 2, NAME_AT, width);
        if (finding->details != NULL)
            indented(file, finding->details);
    }
    if (findings->notes != NULL)
        fprintf(file, "\n%s", findings->notes);
    fprintf(file, "%s%zu passed, %zu failed, %zu inconclusive\n", findings->count > 0 ? "\n" : "",
            findings_of(findings, VERDICT_PASS), findings_of(findings, VERDICT_FAIL),
            findings_of(findings, VERDICT_INCONCLUSIVE));
    return 0;
}

const struct findings_format findings_format_text = {
    .name = "text",
    .summary = "for people: a line for each, and what is behind those that fail",
    .write = write_text,
};
