/* perftrace info: what a trace is, how well it was recorded, and what is in it. */
#include "command.h"

#include "../../analysis/overview.h"
#include "../support/input.h"
#include "../support/json.h"
#include "../support/terminal.h"
#include "../support/units.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum format { FORMAT_TEXT, FORMAT_JSON };
static const char *const formats[] = {"text", "json", NULL};

struct info_values {
    int format;
    int color;
    bool sites;
};

static const struct option info_options[] = {
    OPTION_OF(formats, "format", 'f', info_values, format,
              "Text for people, or JSON for programs. Default: text."),
    OPTION(FLAG, "sites", 's', info_values, sites, NULL,
           "List the sites too: each place in the source that recorded."),
    OPTION_COLOR(info_values),
    OPTION_END,
};

struct info {
    const char *name;
    const struct perftrace_reader *reader;
    const struct perftrace_trace_info *trace;
    const struct overview *overview;
    const struct info_values *values;
    bool color;
    unsigned width;
    struct perftrace_buffer line;
};

/* Of one; what is not here is no record of its own. */
static const char *const kind_names[OVERVIEW_KINDS] = {
    [PERFTRACE_ITEM_SPAN_END] = "span",         [PERFTRACE_ITEM_EVENT] = "event",
    [PERFTRACE_ITEM_COUNTER] = "counter value", [PERFTRACE_ITEM_FRAME] = "frame",
    [PERFTRACE_ITEM_ASYNC_END] = "async span",  [PERFTRACE_ITEM_FLOW_BEGIN] = "flow start",
    [PERFTRACE_ITEM_FLOW_STEP] = "flow step",   [PERFTRACE_ITEM_FLOW_END] = "flow end",
    [PERFTRACE_ITEM_ALLOCATE] = "allocation",   [PERFTRACE_ITEM_FREE] = "free",
};

static const char *state_name(const struct perftrace_trace_info *trace) {
    if (trace->chrome)
        return trace->finished ? "finished" : "cut";
    return !trace->native ? "log" : trace->finished ? "finished" : trace->live ? "running" : "killed";
}

static const char *state_text(const struct perftrace_trace_info *trace) {
    if (!trace->native)
        return "a log: it tells of finished spans only";
    if (trace->chrome)
        return trace->finished ? "trace events of Chrome's format (JSON)"
                               : "trace events of Chrome's format (JSON), cut off";
    if (trace->finished)
        return "finished in good order";
    if (trace->live)
        return "still running; this is what it has recorded so far";
    return trace->crash_safe ? "ended without finishing its trace (killed?); what its rings held is included"
                             : "ended without finishing its trace (killed?); what was in memory is lost";
}

static const char *track_kind(const struct perftrace_track_info *track) {
    static const char *const names[] = {"", "thread", "gpu", "fiber", "async"};
    return track->kind < sizeof names / sizeof *names ? names[track->kind] : "other";
}

static const char *clock_name(const struct perftrace_trace_info *trace) {
    return trace->clock == 1 ? "tick counter" : trace->clock == 2 ? "clock_gettime" : "unknown";
}

/* ---- text ------------------------------------------------------------------------------------------ */

static void heading(const struct info *info, const char *text) {
    printf("\n%s%s%s\n", info->color ? STYLE_BOLD : "", text, info->color ? STYLE_RESET : "");
}

/* "  Label       value", wrapped; the value is made visible already. */
static void field(const struct info *info, const char *label, const char *value) {
    printf("  %-11s ", label);
    terminal_wrap(stdout, value, 14, 14, info->width);
}

/* Empties the line and gives its text, which lasts until the line is used again. */
static const char *take_line(struct info *info) {
    perftrace_buffer_add(&info->line, "", 1);
    info->line.length = 0;
    return info->line.failed ? "(out of memory)" : info->line.bytes;
}

static void process_text(struct info *info) {
    const struct perftrace_trace_info *trace = info->trace;
    const struct overview *overview = info->overview;
    if (trace->pid != 0) {
        perftrace_buffer_visible(&info->line, trace->process_name);
        perftrace_buffer_print(&info->line, "%spid %" PRIu32, trace->process_name.length > 0 ? ", " : "",
                               trace->pid);
        if (!trace->chrome) /* which does not know it */
            perftrace_buffer_print(&info->line, ", parent %" PRIu32, trace->parent_pid);
        field(info, "Process", take_line(info));
    }
    if (trace->executable.length > 0) {
        perftrace_buffer_visible(&info->line, trace->executable);
        field(info, "Executable", take_line(info));
    }
    if (trace->start_realtime_ns != 0)
        field(info, "Started", units_date(trace->start_realtime_ns).text);
    if (overview->last_ns != 0)
        field(info, "Duration", units_duration(overview->last_ns - overview->first_ns).text);
    field(info, "State", state_text(trace));
    perftrace_buffer_print(&info->line, "%s, %" PRIu64 " records", units_bytes(trace->bytes).text,
                           trace->records);
    field(info, "Size", take_line(info));
}

static void losses_text(struct info *info) {
    const struct perftrace_trace_info *trace = info->trace;
    uint64_t lost = 0;
    for (unsigned cause = 0; cause < PERFTRACE_LOSS_KINDS; cause++)
        lost += trace->lost[cause];
    perftrace_buffer_print(&info->line, "%" PRIu64 " records", lost);
    for (unsigned cause = 0, first = 1; cause < PERFTRACE_LOSS_KINDS; cause++) {
        if (trace->lost[cause] == 0)
            continue;
        const char *name = perftrace_loss_name(cause);
        perftrace_buffer_print(&info->line, "%s%s %" PRIu64, first ? ": " : ", ",
                               name != NULL ? name : "unknown cause", trace->lost[cause]);
        first = 0;
    }
    field(info, "Lost", lost == 0 ? "nothing" : take_line(info));
    info->line.length = 0;
}

/* What happened to the clocks meanwhile. */
static void clock_text(struct info *info) {
    const struct perftrace_trace_info *trace = info->trace;
    if (trace->clock_jumps == 1)
        field(info, "", "the tick counter jumped once, which times leave out");
    if (trace->clock_jumps > 1) {
        perftrace_buffer_print(&info->line,
                               "the tick counter jumped %" PRIu32 " times, which times leave out",
                               trace->clock_jumps);
        field(info, "", take_line(info));
    }
    if (trace->suspended_ns > 0) {
        perftrace_buffer_print(&info->line, "the machine was suspended for %s, which times leave out",
                               units_duration(trace->suspended_ns).text);
        field(info, "", take_line(info));
    }
    int64_t set = trace->realtime_set_ns;
    if (set != 0) {
        perftrace_buffer_print(&info->line, "the time of day was set %s by %s, which times ignore",
                               set < 0 ? "back" : "forward",
                               units_duration(set < 0 ? (uint64_t)0 - (uint64_t)set : (uint64_t)set).text);
        field(info, "", take_line(info));
    }
    if (trace->clock_adjusted > 0) {
        perftrace_buffer_print(&info->line, "%" PRIu64 " times moved so as not to run backwards",
                               trace->clock_adjusted);
        field(info, "", take_line(info));
    }
}

static void quality_text(struct info *info) {
    const struct perftrace_trace_info *trace = info->trace;
    const bool recorded = trace->native && !trace->chrome;
    if (recorded) {
        perftrace_buffer_text(&info->line, clock_name(trace));
        if (trace->clock == 1)
            perftrace_buffer_print(&info->line, ", %.2f MHz", trace->ticks_per_second / 1e6);
        perftrace_buffer_print(&info->line, ", %" PRIu32 " readings within %" PRIu64 " ns",
                               trace->clock_pairs, trace->clock_error_ns);
        field(info, "Clock", take_line(info));
    }
    clock_text(info);
    if (recorded && !trace->finished)
        field(info, "Crash-safe",
              trace->crash_safe ? "yes" : "no: the rings were in plain memory, or are gone");
    if (recorded)
        losses_text(info);
    if (trace->skipped > 0) {
        perftrace_buffer_print(&info->line, "%" PRIu64 " record%s of kinds that are not used", trace->skipped,
                               trace->skipped == 1 ? "" : "s");
        field(info, "Left out", take_line(info));
    }
    if (trace->damaged && trace->damaged_bytes > 0) {
        perftrace_buffer_print(&info->line, "%" PRIu64 " bytes made no sense and were left out",
                               trace->damaged_bytes);
        field(info, "Damaged", take_line(info));
    } else if (trace->damaged) {
        field(info, "Damaged", "what made no sense was left out, or is missing");
    }
}

static void kinds_text(const struct info *info) {
    heading(info, "Contents");
    bool any = false;
    for (unsigned kind = 0; kind < OVERVIEW_KINDS; kind++) {
        uint64_t count = info->overview->items[kind];
        if (count == 0 || kind_names[kind] == NULL)
            continue;
        printf("%11" PRIu64 " %s%s\n", count, kind_names[kind], count == 1 ? "" : "s");
        any = true;
    }
    if (info->overview->unfinished > 0)
        printf("%11" PRIu64 " of the spans without an end, %" PRIu64 " of them open at the last record\n",
               info->overview->unfinished, info->overview->open_at_end);
    if (!any)
        puts("  Nothing was recorded.");
}

/* A name in the rest of a line of which `used` columns are taken; cut where it does not fit. */
static void name_to_edge(struct info *info, struct perftrace_text name, unsigned used) {
    perftrace_buffer_visible(&info->line, name);
    const char *text = take_line(info);
    size_t room = info->width > used + 12 ? info->width - used : 12, columns = 0, bytes = 0, fitting = 0;
    for (; text[bytes] != '\0'; bytes++) {
        columns += (text[bytes] & 0xc0) != 0x80;
        if (columns < room)
            fitting = bytes + 1;
    }
    if (columns <= room)
        puts(text);
    else
        printf("%.*s…\n", (int)fitting, text);
}

static void tracks_text(struct info *info) {
    enum { SHOWN_MAX = 200 };
    static const struct perftrace_text no_name = {"-", 1};
    size_t count = perftrace_reader_track_count(info->reader), shown = 0;
    if (count == 0)
        return;
    heading(info, "Tracks");
    puts("      spans       other   duration  kind        id  name");
    for (size_t i = 0; i < count && shown < SHOWN_MAX; i++, shown++) {
        const struct perftrace_track_info *track = perftrace_reader_track(info->reader, i);
        const struct overview_track *seen = overview_track(info->overview, track);
        bool timed = seen != NULL && seen->last_ns != 0;
        printf("%11" PRIu64 " %11" PRIu64 " %10s  %-6s %7" PRIu64 "  ", seen != NULL ? seen->spans : 0,
               seen != NULL ? seen->others : 0,
               timed ? units_duration(seen->last_ns - seen->first_ns).text : "-", track_kind(track),
               track->os_id != 0 ? track->os_id : (uint64_t)track->id);
        name_to_edge(info, track->name.length > 0 ? track->name : no_name, 52);
    }
    if (shown < count)
        printf("  … and %zu more\n", count - shown);
}

static void open_text(struct info *info) {
    enum { SHOWN_MAX = 20 };
    const struct overview *overview = info->overview;
    if (overview->open_count == 0)
        return;
    heading(info, "Open at the end");
    puts("      since    elapsed  span");
    for (uint32_t i = 0; i < overview->open_count && i < SHOWN_MAX; i++) {
        const struct overview_open *open = &overview->open[i];
        bool known = open->start_ns >= overview->first_ns;
        printf(" %10s %10s  ", known ? units_duration(open->start_ns - overview->first_ns).text : "-",
               units_duration(open->elapsed_ns).text);
        perftrace_buffer_print(&info->line, "#%" PRIu64 " ", open->number);
        perftrace_buffer_visible(&info->line, open->site->name);
        perftrace_buffer_text(&info->line, " [");
        if (open->track->name.length > 0)
            perftrace_buffer_visible(&info->line, open->track->name);
        else
            perftrace_buffer_print(&info->line, "%s %" PRIu32, track_kind(open->track), open->track->id);
        perftrace_buffer_text(&info->line, "] ");
        perftrace_buffer_add(&info->line, open->parameters.bytes, open->parameters.length);
        terminal_wrap(stdout, take_line(info), 24, 24, info->width);
    }
    if (overview->open_at_end > SHOWN_MAX)
        printf("  … and %" PRIu64 " more\n", overview->open_at_end - SHOWN_MAX);
}

static const char *level_name(const struct perftrace_site_info *site) {
    static const char *const names[] = {"-", "error", "warn", "info", "debug", "trace"};
    return site->level < sizeof names / sizeof *names ? names[site->level] : "-";
}

static void sites_text(struct info *info) {
    size_t count = perftrace_reader_site_count(info->reader);
    heading(info, "Sites");
    puts("      count  level  site");
    for (size_t i = 0; i < count; i++) {
        const struct perftrace_site_info *site = perftrace_reader_site(info->reader, i);
        printf("%11" PRIu64 "  %-5s  ", overview_site_items(info->overview, site->id), level_name(site));
        if (site->target.length > 0) {
            perftrace_buffer_visible(&info->line, site->target);
            perftrace_buffer_text(&info->line, "::");
        }
        perftrace_buffer_visible(&info->line, site->name);
        if (site->file.length > 0) {
            perftrace_buffer_text(&info->line, "  ");
            perftrace_buffer_visible(&info->line, site->file);
            perftrace_buffer_print(&info->line, ":%" PRIu32, site->line);
        }
        terminal_wrap(stdout, take_line(info), 20, 20, info->width);
    }
}

static void print_text(struct info *info) {
    printf("%s", info->color ? STYLE_BOLD : "");
    perftrace_buffer_visible(&info->line, perftrace_text_of(info->name));
    printf("%s%s\n", take_line(info), info->color ? STYLE_RESET : "");
    process_text(info);
    quality_text(info);
    kinds_text(info);
    tracks_text(info);
    open_text(info);
    if (info->values->sites)
        sites_text(info);
}

/* ---- JSON ------------------------------------------------------------------------------------------ */

static void uuid_json(struct json *json, const char *key, const uint8_t bytes[16]) {
    char text[33];
    for (unsigned i = 0; i < 16; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    json_string(json, key, text);
}

static void trace_json(const struct info *info, struct json *json) {
    char key[JSON_KEY_MAX];
    const struct perftrace_trace_info *trace = info->trace;
    json_string(json, "input", info->name);
    json_boolean(json, "native", trace->native && !trace->chrome);
    json_boolean(json, "chrome", trace->chrome);
    json_string(json, "state", state_name(trace));
    json_boolean(json, "crash_safe", trace->crash_safe);
    json_boolean(json, "damaged", trace->damaged);
    json_unsigned(json, "damaged_bytes", trace->damaged_bytes);
    uuid_json(json, "uuid", trace->uuid);
    uuid_json(json, "parent_uuid", trace->parent_uuid);
    json_unsigned(json, "pid", trace->pid);
    json_unsigned(json, "parent_pid", trace->parent_pid);
    json_text(json, "process", trace->process_name);
    json_text(json, "executable", trace->executable);
    uuid_json(json, "boot_id", trace->boot_id);
    json_unsigned(json, "start_realtime_ns", trace->start_realtime_ns);
    json_unsigned(json, "start_monotonic_ns", trace->start_monotonic_ns);
    json_unsigned(json, "duration_ns", info->overview->last_ns - info->overview->first_ns);
    json_unsigned(json, "bytes", trace->bytes);
    json_unsigned(json, "records", trace->records);
    json_unsigned(json, "skipped", trace->skipped);
    json_object(json, "clock");
    json_string(json, "source", clock_name(trace));
    json_double(json, "ticks_per_second", trace->ticks_per_second);
    json_unsigned(json, "readings", trace->clock_pairs);
    json_unsigned(json, "error_ns", trace->clock_error_ns);
    json_unsigned(json, "adjusted", trace->clock_adjusted);
    json_unsigned(json, "jumps", trace->clock_jumps);
    json_unsigned(json, "suspended_ns", trace->suspended_ns);
    json_signed(json, "realtime_set_ns", trace->realtime_set_ns);
    json_end_object(json);
    json_object(json, "lost");
    for (unsigned cause = 0; cause < PERFTRACE_LOSS_KINDS; cause++)
        if (perftrace_loss_name(cause) != NULL)
            json_unsigned(json, json_key(perftrace_loss_name(cause), key), trace->lost[cause]);
    json_end_object(json);
    json_object(json, "contents");
    for (unsigned kind = 0; kind < OVERVIEW_KINDS; kind++)
        if (kind_names[kind] != NULL)
            json_unsigned(json, json_key(kind_names[kind], key), info->overview->items[kind]);
    json_unsigned(json, "unfinished", info->overview->unfinished);
    json_unsigned(json, "open_at_end", info->overview->open_at_end);
    json_end_object(json);
}

static void tracks_json(const struct info *info, struct json *json) {
    json_array(json, "tracks");
    for (size_t i = 0; i < perftrace_reader_track_count(info->reader); i++) {
        const struct perftrace_track_info *track = perftrace_reader_track(info->reader, i);
        const struct overview_track *seen = overview_track(info->overview, track);
        json_object(json, NULL);
        json_unsigned(json, "id", track->id);
        json_string(json, "kind", track_kind(track));
        json_unsigned(json, "os_id", track->os_id);
        json_text(json, "name", track->name);
        json_unsigned(json, "spans", seen != NULL ? seen->spans : 0);
        json_unsigned(json, "other", seen != NULL ? seen->others : 0);
        json_end_object(json);
    }
    json_end_array(json);
}

static void open_json(const struct info *info, struct json *json) {
    json_array(json, "open_spans");
    for (uint32_t i = 0; i < info->overview->open_count; i++) {
        const struct overview_open *open = &info->overview->open[i];
        json_object(json, NULL);
        json_unsigned(json, "number", open->number);
        json_text(json, "name", open->site->name);
        json_unsigned(json, "track", open->track->id);
        json_unsigned(json, "since_ns",
                      open->start_ns > info->overview->first_ns ? open->start_ns - info->overview->first_ns
                                                                : 0);
        json_unsigned(json, "elapsed_ns", open->elapsed_ns);
        json_text(json, "parameters", open->parameters);
        json_end_object(json);
    }
    json_end_array(json);
}

static void sites_json(const struct info *info, struct json *json) {
    json_array(json, "sites");
    for (size_t i = 0; i < perftrace_reader_site_count(info->reader); i++) {
        const struct perftrace_site_info *site = perftrace_reader_site(info->reader, i);
        json_object(json, NULL);
        json_text(json, "name", site->name);
        json_text(json, "target", site->target);
        json_text(json, "file", site->file);
        json_unsigned(json, "line", site->line);
        json_text(json, "function", site->function);
        json_string(json, "level", level_name(site));
        json_unsigned(json, "count", overview_site_items(info->overview, site->id));
        json_end_object(json);
    }
    json_end_array(json);
}

static int print_json(struct info *info) {
    struct json json = {.file = stdout};
    json_object(&json, NULL);
    trace_json(info, &json);
    tracks_json(info, &json);
    open_json(info, &json);
    if (info->values->sites)
        sites_json(info, &json);
    json_end_object(&json);
    return json_finish(&json);
}

/* ---- the command ----------------------------------------------------------------------------------- */

static int info_of(const char *path, const struct info_values *values) {
    struct input input;
    if (input_open(&input, path, 0, false, 0) != 0)
        return EXIT_COULD_NOT;
    struct overview overview = {0};
    const struct perftrace_item *item;
    int status = 0;
    while (status == 0 && (item = input_next(&input)) != NULL)
        status = overview_item(&overview, item);
    overview_finish(&overview);
    struct info info = {
        .name = input.name,
        .reader = input.reader,
        .trace = perftrace_reader_info(input.reader),
        .overview = &overview,
        .values = values,
        .color = terminal_color((enum color_choice)values->color, stdout),
        .width = terminal_width(stdout),
    };
    int code = status == 0 && input_end(&input) == 0 ? EXIT_FINE : EXIT_COULD_NOT;
    if (code == EXIT_FINE) {
        if (values->format == FORMAT_JSON)
            status = print_json(&info);
        else
            print_text(&info);
    }
    if (status != 0 || info.line.failed) {
        message_error("%s: out of memory", input.name);
        code = EXIT_COULD_NOT;
    }
    free(info.line.bytes);
    overview_free(&overview);
    input_close(&input);
    return code;
}

static int info_run(int argc, char **argv) {
    struct info_values values = {0};
    int operands;
    int code = options_parse(&command_info, argc, argv, &values, &operands);
    if (code != OPTIONS_PARSED)
        return code;
    if (operands != 1)
        return message_could_not(operands == 0 ? "name a trace or a log, or - for standard input"
                                               : "one input at a time");
    return message_finish_stdout(info_of(argv[1], &values));
}

const struct command command_info = {
    .name = "info",
    .operands = "[options] INPUT",
    .summary = "tell what a trace is, what is in it and what is missing",
    .details =
        "Reads a trace (.ptrace), a log or Chrome JSON, or - for standard input, and tells which process "
        "recorded it, when and for how long, its tracks, what kinds of records there are, what was lost and "
        "why, how good its clock was, and which spans were open at the end. It works while the program runs "
        "and after it was killed.",
    .options = info_options,
    .run = info_run,
};
