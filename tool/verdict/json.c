/* Findings for programs. */
#include "findings.h"

#include "../support/json.h"

#include <stdlib.h>

static const char *const words[] = {"pass", "fail", "inconclusive"}; /* by enum verdict */

static void write_part(struct json *json, const struct finding_part *part) {
    json_string(json, "span", part->name);
    json_string(json, "where", part->gap ? "in no span" : part->elsewhere ? "on other threads" : "here");
    json_signed(json, "difference_ns", part->difference_ns);
    json_unsigned(json, "self_ns", part->ns);
    json_unsigned(json, "usual_self_ns", part->usual_ns);
    json_unsigned(json, "calls", part->calls);
    json_unsigned(json, "usual_calls", part->usual_calls);
}

static void write_parts(struct json *json, const struct finding *finding) {
    if (finding->cause != NULL) {
        json_object(json, "cause");
        write_part(json, &finding->cause->part);
        json_array(json, "waited");
        for (size_t i = 0; i < finding->cause->waited_count; i++)
            json_string(json, NULL, finding->cause->waited[i]);
        json_end_array(json);
        json_end_object(json);
    }
    if (finding->part_count == 0)
        return;
    json_array(json, "explanation");
    for (size_t i = 0; i < finding->part_count; i++) {
        json_object(json, NULL);
        write_part(json, &finding->parts[i]);
        json_end_object(json);
    }
    json_end_array(json);
}

static int write_json(const struct findings *findings, FILE *file, bool color) {
    (void)color;
    struct json json = {.file = file};
    json_object(&json, NULL);
    json_string(&json, "command", findings->command);
    json_string(&json, "about", findings->about);
    json_string(&json, "verdict", words[findings_verdict(findings)]);
    json_unsigned(&json, "passed", findings_of(findings, VERDICT_PASS));
    json_unsigned(&json, "failed", findings_of(findings, VERDICT_FAIL));
    json_unsigned(&json, "inconclusive", findings_of(findings, VERDICT_INCONCLUSIVE));
    if (findings->summary != NULL)
        json_string(&json, "summary", findings->summary);
    json_lines(&json, "notes", findings->notes);
    json_array(&json, "findings");
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->list[i];
        json_object(&json, NULL);
        json_string(&json, "verdict", words[finding->verdict]);
        json_string(&json, "rule", finding->rule);
        json_string(&json, "name", finding->name);
        json_string(&json, "message", finding->message);
        if (finding->file != NULL)
            json_string(&json, "file", finding->file);
        if (finding->line != 0)
            json_unsigned(&json, "line", finding->line);
        if (finding->per != NULL)
            json_string(&json, "per", finding->per);
        for (size_t k = 0; k < finding->figure_count; k++)
            json_double(&json, finding->figures[k].key, finding->figures[k].value);
        json_lines(&json, "details", finding->details);
        write_parts(&json, finding);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_end_object(&json);
    return json_finish(&json);
}

const struct findings_format findings_format_json = {
    .name = "json",
    .summary = "for programs: the same with all figures",
    .write = write_json,
};
