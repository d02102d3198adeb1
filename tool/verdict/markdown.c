/* Findings as Markdown, for a pull request or the summary of a job: a table of what is not passed, and how many are. */
#include "findings.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char *const marks[] = {":white_check_mark:", ":x:", ":warning:"}; /* by enum verdict */

/* Nothing of a name is to be markup or a link; nor a person, an issue or a picture to GitHub, which looks for @name, #1 and :name: in what
 * was rendered, but not across a comment. */
static void escaped(FILE *file, const char *text) {
    for (const char *at = text; *at != '\0'; at++)
        if (*at == '<')
            fputs("&lt;", file);
        else if (*at == '>')
            fputs("&gt;", file);
        else if (*at == '&')
            fputs("&amp;", file);
        else if (*at == '\n')
            fputc(' ', file);
        else if (strchr("@#:", *at) != NULL)
            fprintf(file, isalnum((unsigned char)at[1]) ? "&#%d;<!-- -->" : "&#%d;", *at);
        else if (strchr("\\`*_[|~$", *at) != NULL || (*at == '.' && at > text && at[-1] == 'w')) /* www. */
            fprintf(file, "&#%d;", *at);
        else
            fputc(*at, file);
}

/* As it is, in a block that the text can't end: more marks than any of it has. */
static void block(FILE *file, const char *text) {
    size_t longest = 2, run = 0;
    for (const char *at = text; *at != '\0'; at++) {
        run = *at == '`' ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    for (int end = 0; end < 2; end++) {
        for (size_t i = 0; i <= longest; i++)
            fputc('`', file);
        fputc('\n', file);
        if (end == 0)
            fputs(text, file);
    }
}

static void write_row(const struct finding *finding, FILE *file) {
    fprintf(file, "| %s | ", marks[finding->verdict]);
    escaped(file, finding->name);
    fputs(" | ", file);
    escaped(file, finding->message);
    fputs(" |\n", file);
}

static int write_rows(const struct findings *findings, enum verdict verdict, FILE *file) {
    size_t count;
    const struct finding **sorted = findings_sorted(findings, verdict, &count);
    if (sorted == NULL)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (!sorted[i]->quiet)
            write_row(sorted[i], file);
    free(sorted);
    return 0;
}

/* What is in sections stands in their order already. */
static void write_sections(const struct findings *findings, FILE *file) {
    const char *section = NULL;
    size_t shown = 0, left = 0;
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->list[i];
        if (finding->quiet)
            continue;
        shown = section != NULL && strcmp(section, finding->section) == 0 ? shown : 0;
        section = finding->section;
        if (findings->shown_max != 0 && shown++ >= findings->shown_max)
            left++;
        else
            write_row(finding, file);
    }
    if (left > 0)
        fprintf(file, "| | | … and %zu more |\n", left);
}

static int write_markdown(const struct findings *findings, FILE *file, bool color) {
    (void)color;
    fprintf(file, "### %s perftrace %s: ", marks[findings_verdict(findings)], findings->command);
    findings_write_summary(findings, file);
    fputs("\n\n", file);
    /* What a line begins with can make it a list, or code. */
    const char *about = findings->about;
    if (*about > 0 && !isalpha((unsigned char)*about))
        fprintf(file, "&#%d;", *about++);
    escaped(file, about);
    fputs("\n\n", file);
    if (findings->count > 0)
        fputs("| | | |\n| --- | --- | --- |\n", file);
    if (findings->summary != NULL)
        write_sections(findings, file);
    else if (write_rows(findings, VERDICT_FAIL, file) != 0 ||
             write_rows(findings, VERDICT_INCONCLUSIVE, file) != 0 ||
             write_rows(findings, VERDICT_PASS, file) != 0)
        return -1;
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->list[i];
        if (finding->verdict != VERDICT_FAIL || finding->details == NULL)
            continue;
        fputs("\n<details><summary>", file);
        escaped(file, finding->name);
        fputs("</summary>\n\n", file);
        block(file, finding->details);
        fputs("\n</details>\n", file);
    }
    if (findings->notes != NULL) {
        fputs("\n", file);
        block(file, findings->notes);
    }
    return 0;
}

const struct findings_format findings_format_markdown = {
    .name = "markdown",
    .summary = "a table for a pull request or the summary of a job",
    .write = write_markdown,
};
