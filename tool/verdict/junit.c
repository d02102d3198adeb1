/* Findings as JUnit's XML: a test case each. What is inconclusive is skipped, which is not passed. */
#include "findings.h"

/* What XML 1.0 can't hold is not in texts that are safe to show, but for the ends of lines. */
static void escaped(FILE *file, const char *text) {
    for (; *text != '\0'; text++)
        switch (*text) {
        case '<':
            fputs("&lt;", file);
            break;
        case '>':
            fputs("&gt;", file);
            break;
        case '&':
            fputs("&amp;", file);
            break;
        case '"':
            fputs("&quot;", file);
            break;
        default:
            fputc(*text, file);
        }
}

static void write_case(const struct findings *findings, const struct finding *finding, FILE *file) {
    fputs("    <testcase classname=\"perftrace.", file);
    escaped(file, findings->command);
    fputs("\" name=\"", file);
    escaped(file, finding->name);
    fputs("\" time=\"0\"", file);
    if (finding->verdict == VERDICT_PASS) {
        fputs("/>\n", file);
        return;
    }
    const char *element = finding->verdict == VERDICT_FAIL ? "failure" : "skipped";
    fprintf(file, ">\n      <%s message=\"", element);
    escaped(file, finding->message);
    if (finding->verdict == VERDICT_FAIL) {
        fputs("\" type=\"", file);
        escaped(file, finding->rule);
    }
    if (finding->details != NULL || finding->file != NULL) {
        fputs("\">", file);
        if (finding->file != NULL) {
            escaped(file, finding->file);
            fprintf(file, ":%u\n", finding->line);
        }
        escaped(file, finding->details != NULL ? finding->details : "");
        fprintf(file, "</%s>\n", element);
    } else {
        fputs("\"/>\n", file);
    }
    fputs("    </testcase>\n", file);
}

static int write_junit(const struct findings *findings, FILE *file, bool color) {
    (void)color;
    size_t failed = findings_of(findings, VERDICT_FAIL),
           skipped = findings_of(findings, VERDICT_INCONCLUSIVE);
    fprintf(file,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"%zu\" failures=\"%zu\" "
            "errors=\"0\" time=\"0\">\n  <testsuite name=\"perftrace ",
            findings->count, failed);
    escaped(file, findings->command);
    fprintf(file, "\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\" time=\"0\">\n",
            findings->count, failed, skipped);
    for (size_t i = 0; i < findings->count; i++)
        write_case(findings, &findings->list[i], file);
    fputs("  </testsuite>\n</testsuites>\n", file);
    return 0;
}

const struct findings_format findings_format_junit = {
    .name = "junit",
    .summary = "JUnit XML, for the lists of tests of CI services",
    .write = write_junit,
};
