/* Findings as workflow commands of GitHub Actions: annotations at the place in the source. A step shows ten of them, so that the ten
 * that matter are written: what fails first, of it what weighs most. */
#include "findings.h"

#include <stdlib.h>

static void escaped(FILE *file, const char *text, bool property) {
    for (; *text != '\0'; text++)
        if (*text == '%' || *text == '\n' || *text == '\r' || (property && (*text == ':' || *text == ',')))
            fprintf(file, "%%%02X", (unsigned)(unsigned char)*text);
        else
            fputc(*text, file);
}

static void annotate(const struct finding *finding, FILE *file) {
    fputs(finding->verdict == VERDICT_FAIL ? "::error " : "::warning ", file);
    if (finding->file != NULL) {
        fputs("file=", file);
        escaped(file, finding->file, true);
        if (finding->line != 0)
            fprintf(file, ",line=%u", finding->line);
        fputc(',', file);
    }
    fputs("title=", file);
    escaped(file, finding->name, true);
    fputs("::", file);
    escaped(file, finding->name, false);
    fputs(": ", file);
    escaped(file, finding->message, false);
    if (finding->details != NULL) {
        fputs("%0A", file);
        escaped(file, finding->details, false);
    }
    fputc('\n', file);
}

static int write_github(const struct findings *findings, FILE *file, bool color) {
    static const enum verdict order[] = {VERDICT_FAIL, VERDICT_INCONCLUSIVE};
    size_t left = FINDINGS_SHOWN_BY_SERVICES, more = 0;
    (void)color;
    for (size_t i = 0; i < 2; i++) {
        size_t count;
        const struct finding **sorted = findings_sorted(findings, order[i], &count);
        if (sorted == NULL)
            return -1;
        for (size_t k = 0; k < count; k++) {
            if (left > 0 && !sorted[k]->quiet) {
                annotate(sorted[k], file);
                left--;
            } else {
                more++;
            }
        }
        free(sorted);
    }
    findings_write_summary(findings, file);
    if (more > 0)
        fprintf(file, " (%zu of them without an annotation)", more);
    fputc('\n', file);
    return 0;
}

const struct findings_format findings_format_github = {
    .name = "github",
    .summary = "annotations of GitHub Actions, the ten that matter",
    .write = write_github,
};
