/* Findings as JUnit's XML: a test case each. What is inconclusive is skipped, which is not passed. There are several descriptions of the
 * format, by what reads it (Ant, Jenkins and its plugins); this keeps to what all of them allow, and has what any of them asks for. */
#include "findings.h"

#include <time.h>

/* What XML 1.0 can't hold is not in texts that are safe to show, but for the ends of lines. */
static void escaped(FILE *file, const char *text) {
    static const char *const escapes[] = {['<'] = "&lt;", ['>'] = "&gt;", ['&'] = "&amp;", ['"'] = "&quot;"};
    for (; *text != '\0'; text++)
        if (strchr("<>&\"", *text) != NULL)
            fputs(escapes[(unsigned char)*text], file);
        else
            fputc(*text, file);
}

static void write_case(const struct findings *findings, const struct finding *finding, FILE *file) {
    fputs("    <testcase classname=\"perftrace.", file);
    escaped(file, findings->command);
    if (finding->kind != NULL) {
        fputc('.', file);
        escaped(file, finding->kind);
    }
    fputs("\" name=\"", file);
    escaped(file, finding->name);
    fputs("\" time=\"0\"", file);
    if (finding->verdict == VERDICT_PASS) {
        fputs("/>\n", file);
        return;
    }
    fputs(">\n      ", file);
    if (finding->verdict == VERDICT_FAIL) {
        fputs("<failure message=\"", file);
        escaped(file, finding->message);
        fputs("\" type=\"", file);
        escaped(file, finding->rule);
        fputs("\">", file);
    } else { /* has no attributes in some */
        fputs("<skipped>", file);
        escaped(file, finding->message);
        fputc('\n', file);
    }
    if (finding->file != NULL) {
        escaped(file, finding->file);
        fprintf(file, ":%u\n", finding->line);
    }
    escaped(file, finding->details != NULL ? finding->details : "");
    fprintf(file, "</%s>\n    </testcase>\n", finding->verdict == VERDICT_FAIL ? "failure" : "skipped");
}

static int write_junit(const struct findings *findings, FILE *file, bool color) {
    (void)color;
    const size_t skipped = findings_of(findings, VERDICT_INCONCLUSIVE);
    const time_t now = time(NULL);
    struct tm utc = {0};
    char when[sizeof "2000-01-01T00:00:00"];
    gmtime_r(&now, &utc);
    if (strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &utc) == 0)
        strcpy(when, "1970-01-01T00:00:00");
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"perftrace ", file);
    escaped(file, findings->command);
    fprintf(file, "\" package=\"perftrace\" id=\"0\" timestamp=\"%s\" hostname=\"localhost\"", when);
    fprintf(file, " tests=\"%u\" failures=\"%zu\" errors=\"0\"", findings->count,
            findings_of(findings, VERDICT_FAIL));
    if (skipped > 0)
        fprintf(file, " skipped=\"%zu\"", skipped);
    fputs(" time=\"0\">\n    <properties>\n      <property name=\"about\" value=\"", file);
    escaped(file, findings->about);
    fputs("\"/>\n    </properties>\n", file);
    for (size_t i = 0; i < findings->count; i++)
        write_case(findings, &findings->list[i], file);
    fputs("    <system-out>", file);
    escaped(file, findings->notes != NULL ? findings->notes : "");
    fputs("</system-out>\n    <system-err/>\n  </testsuite>\n</testsuites>\n", file);
    return 0;
}

const struct findings_format findings_format_junit = {
    .name = "junit",
    .summary = "JUnit XML, for the lists of tests of CI services",
    .write = write_junit,
};
