/* Findings as SARIF 2.1.0 (OASIS), for code scanning: what fails is an error, what is inconclusive a warning, at the place in the source
 * that records the span or, where that is not known, at the promise's line. */
#include "findings.h"

#include "../support/json.h"

#include <stdlib.h>

/* A path as a relative reference or an absolute file URI (RFC 3986). */
static void write_uri(struct json *json, const char *key, const char *path) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
    struct perftrace_buffer uri = {0};
    if (path[0] == '/')
        perftrace_buffer_text(&uri, "file://");
    while (strncmp(path, "./", 2) == 0)
        path += 2;
    for (; *path != '\0'; path++) {
        char escape[4];
        if (strchr(plain, *path) != NULL) {
            perftrace_buffer_add(&uri, path, 1);
            continue;
        }
        snprintf(escape, sizeof escape, "%%%02X", (unsigned)(unsigned char)*path);
        perftrace_buffer_text(&uri, escape);
    }
    json_text(json, key, (struct perftrace_text){uri.bytes != NULL ? uri.bytes : "", uri.length});
    json->scratch.failed |= uri.failed;
    free(uri.bytes);
}

/* What a rule is about, which services show beside its results and some (GitHub's code scanning) insist on. */
static const struct {
    const char *rule, *what, *help;
} rules[] = {
    {"budget", "A promise of the budget is broken, or there is not enough to tell.",
     "The message says what was measured, of how many samples, and what the worst of them did that others "
     "did not. Mend what it names, or change the promise in the budget."},
    {"slower", "A span has become slower, for certain.",
     "What it takes itself, without the spans in it, is more in runs of head than in those of base; the "
     "message says by how much, and whether it is because of more calls."},
    {"together", "All spans together have become slower, or it is not certain that they have not.",
     "Many small changes may add up to it, or spans that are new."},
    {"unclear", "A span may have become slower by so much that it matters.",
     "Runs differ too much from each other for an answer: record more of them, or on a quieter machine."},
    {"too-few-runs", "There are too few runs for a difference to be certain.",
     "Record more runs of base and of head, best in turns; the finding named runs says how many."},
    {"runs", "There are too few runs for a difference to be certain.",
     "Record more runs of base and of head, best in turns; the message says how many."},
    {"incomplete", "Something is missing in a run.",
     "Records were lost, or the program did not end in good order. Larger buffers lose less."},
    {"calls", "A span is called more often.",
     "The number is exact. The message says how many calls there were."},
    {"repeated", "More calls have the same caller and parameters as one before.",
     "The number is exact. What has been asked before need not be asked again."},
};

static void write_text(struct json *json, const char *key, const char *text) {
    json_object(json, key);
    json_string(json, "text", text);
    json_end_object(json);
}

static void write_rule(struct json *json, const char *rule) {
    const char *what = rule, *help = rule;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (strcmp(rules[i].rule, rule) == 0)
            what = rules[i].what, help = rules[i].help;
    json_object(json, NULL);
    json_string(json, "id", rule);
    write_text(json, "shortDescription", what);
    write_text(json, "fullDescription", what);
    write_text(json, "help", help);
    json_end_object(json);
}

/* What is a result here. */
static bool is_result(const struct finding *finding) {
    return finding->verdict != VERDICT_PASS && !finding->quiet;
}

static void write_rules(struct json *json, const struct findings *findings) {
    json_array(json, "rules");
    for (size_t i = 0; i < findings->count; i++) {
        bool known = !is_result(&findings->list[i]);
        for (size_t k = 0; k < i && !known; k++)
            known =
                is_result(&findings->list[k]) && strcmp(findings->list[k].rule, findings->list[i].rule) == 0;
        if (known)
            continue;
        write_rule(json, findings->list[i].rule);
    }
    json_end_array(json);
}

/* Each result has a place: code scanning refuses all of a file in which one has none. */
static void write_location(struct json *json, const struct findings *findings,
                           const struct finding *finding) {
    const char *file = finding->file != NULL ? finding->file : findings->place;
    json_array(json, "locations");
    json_object(json, NULL);
    json_object(json, "physicalLocation");
    json_object(json, "artifactLocation");
    write_uri(json, "uri", file != NULL && *file != '\0' ? file : "perftrace");
    json_end_object(json);
    json_object(json, "region");
    json_unsigned(json, "startLine", finding->file != NULL && finding->line > 0 ? finding->line : 1);
    json_end_object(json);
    json_end_object(json);
    json_end_object(json);
    json_end_array(json);
}

/* In a message "[text](target)" is a link (3.11.6), which no name is to be, operator[](int) least of all. */
static void add_unlinked(struct perftrace_buffer *text, const char *words) {
    for (const char *link; (link = strstr(words, "](")) != NULL; words = link + 1) {
        perftrace_buffer_add(text, words, (size_t)(link - words));
        perftrace_buffer_text(text, "\\]");
    }
    perftrace_buffer_text(text, words);
}

static void write_result(struct json *json, const struct findings *findings, const struct finding *finding) {
    struct perftrace_buffer text = {0};
    add_unlinked(&text, finding->name);
    perftrace_buffer_text(&text, ": ");
    add_unlinked(&text, finding->message);
    if (finding->details != NULL) {
        perftrace_buffer_text(&text, "\n");
        add_unlinked(&text, finding->details);
    }
    json_object(json, NULL);
    json_string(json, "ruleId", finding->rule);
    json_string(json, "level", finding->verdict == VERDICT_FAIL ? "error" : "warning");
    json_object(json, "message");
    json_text(json, "text", (struct perftrace_text){text.bytes != NULL ? text.bytes : "", text.length});
    json_end_object(json);
    write_location(json, findings, finding);
    json_object(json, "partialFingerprints"); /* the same finding of another day */
    text.length = 0;
    perftrace_buffer_text(&text, finding->kind != NULL ? finding->kind : finding->rule);
    perftrace_buffer_text(&text, ":");
    perftrace_buffer_text(&text, finding->name);
    json_text(json, "perftrace/v1",
              (struct perftrace_text){text.bytes != NULL ? text.bytes : "", text.length});
    json_end_object(json);
    json_end_object(json);
    json->scratch.failed |= text.failed;
    free(text.bytes);
}

static int write_sarif(const struct findings *findings, FILE *file, bool color) {
    (void)color;
    struct json json = {.file = file};
    json_object(&json, NULL);
    json_string(&json, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
    json_string(&json, "version", "2.1.0");
    json_array(&json, "runs");
    json_object(&json, NULL);
    json_object(&json, "tool");
    json_object(&json, "driver");
    json_string(&json, "name", "perftrace");
    json_string(&json, "version", PERFTRACE_VERSION);
    write_rules(&json, findings);
    json_end_object(&json);
    json_end_object(&json);
    json_array(&json, "results");
    for (size_t i = 0; i < findings->count; i++)
        if (is_result(&findings->list[i]))
            write_result(&json, findings, &findings->list[i]);
    json_end_array(&json);
    json_end_object(&json);
    json_end_array(&json);
    json_end_object(&json);
    return json_finish(&json);
}

const struct findings_format findings_format_sarif = {
    .name = "sarif",
    .summary = "SARIF 2.1.0, for code scanning: at the place in the source that records the span",
    .write = write_sarif,
};
