/* A program's calls as lines of a log, and as a trace. */
#include "corpus.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What happens at a time: a call begins or ends. */
struct moment {
    uint64_t ns;
    unsigned call;
    bool ends;
};

static int by_time(const void *left, const void *right) {
    const struct moment *a = left, *b = right;
    if (a->ns != b->ns)
        return a->ns < b->ns ? -1 : 1;
    return a->call < b->call ? -1 : a->call > b->call; /* all times of one track differ */
}

static struct moment *moments_of(const struct corpus *corpus) {
    struct moment *moments = calloc(2 * (size_t)corpus->count + 1, sizeof *moments);
    if (moments == NULL)
        abort();
    for (unsigned i = 0; i < corpus->count; i++) {
        moments[2 * i] = (struct moment){corpus->calls[i].start_ns, i, false};
        moments[2 * i + 1] = (struct moment){corpus->calls[i].end_ns, i, true};
    }
    qsort(moments, 2 * (size_t)corpus->count, sizeof *moments, by_time);
    return moments;
}

/* ---- a log ---------------------------------------------------------------------------------------- */

static void write_values(FILE *file, const struct corpus_value *values, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        if (values[i].is_text)
            fprintf(file, "|%s=%s", values[i].name, values[i].text);
        else
            fprintf(file, "|%s=%" PRId64, values[i].name, values[i].number);
    }
}

void corpus_write_log(const struct corpus *corpus, FILE *file, bool own) {
    struct moment *moments = moments_of(corpus);
    unsigned *numbers = calloc((size_t)corpus->count + 1, sizeof *numbers), next = 0;
    if (numbers == NULL)
        abort();
    for (unsigned i = 0; i < 2 * corpus->count; i++)
        if (!moments[i].ends)
            numbers[moments[i].call] = ++next;
    for (unsigned i = 0; i < 2 * corpus->count; i++) {
        if (!moments[i].ends)
            continue;
        const struct corpus_call *call = &corpus->calls[moments[i].call];
        uint64_t elapsed_ns = call->end_ns - call->start_ns;
        fprintf(file, "PERF_TRACE|%u|%s|caller=%s", numbers[moments[i].call], call->function,
                call->parent < 0 ? "unknown" : corpus->calls[call->parent].function);
        write_values(file, call->parameters, call->parameter_count);
        fprintf(file, "|elapsed_ms=%" PRIu64, elapsed_ns / 1000000);
        write_values(file, call->metrics, call->metric_count);
        if (own)
            fprintf(file, "|elapsed_us=%" PRIu64 "|parent_call=%u|thread=%u", elapsed_ns / 1000,
                    call->parent < 0 ? 0 : numbers[call->parent], call->track);
        putc('\n', file);
    }
    free(numbers);
    free(moments);
}

/* ---- a trace -------------------------------------------------------------------------------------- */

#define SITES_MAX 200u
#define TRACKS_MAX 10u

/* Two sites for each function with the same arguments: where its calls begin, and for their metrics. */
struct sites {
    const struct corpus_call *calls[SITES_MAX];
    bool async[SITES_MAX];
    unsigned count;
};

struct words {
    uint64_t *words;
    size_t count, capacity;
    unsigned depth;
};

static void add_word(struct words *words, uint64_t word) {
    if (words->count == words->capacity) {
        words->capacity = words->capacity == 0 ? 256 : words->capacity * 2;
        words->words = realloc(words->words, words->capacity * sizeof *words->words);
        if (words->words == NULL)
            abort();
    }
    words->words[words->count++] = word;
}

static void add_values(struct words *words, const struct corpus_value *values, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        size_t length = strlen(values[i].text);
        if (!values[i].is_text) {
            add_word(words, (uint64_t)values[i].number);
            continue;
        }
        add_word(words, length);
        for (size_t at = 0; at < length; at += 8)
            add_word(words, made_text(values[i].text + at));
    }
}

static bool same_values(const struct corpus_value *a, const struct corpus_value *b, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        if (strcmp(a[i].name, b[i].name) != 0 || a[i].is_text != b[i].is_text)
            return false;
    return true;
}

static unsigned describe(struct made_argument *arguments, const struct corpus_value *values, unsigned count,
                         uint8_t role) {
    for (unsigned i = 0; i < count; i++)
        arguments[i] = (struct made_argument){
            values[i].name, values[i].is_text ? PERFTRACE_TYPE_TEXT : PERFTRACE_TYPE_I64, role};
    return count;
}

static void make_site(struct made *made, const struct corpus_call *call, unsigned id, bool async) {
    struct made_argument arguments[2 * CORPUS_VALUES_MAX];
    unsigned count = describe(arguments, call->parameters, call->parameter_count, PERFTRACE_ROLE_PARAMETER);
    made_site(made, id, async ? PERFTRACE_RECORD_ASYNC_BEGIN : PERFTRACE_RECORD_BEGIN, PERFTRACE_PHASE_NONE,
              call->function, arguments, (uint8_t)count);
    count = describe(arguments, call->metrics, call->metric_count, PERFTRACE_ROLE_METRIC);
    made_site(made, id + 1, async ? PERFTRACE_RECORD_ASYNC_END : PERFTRACE_RECORD_METRIC,
              PERFTRACE_PHASE_NONE, async ? call->function : "", arguments, (uint8_t)count);
}

static uint32_t site_of(struct sites *sites, struct made *made, const struct corpus_call *call, bool async) {
    for (unsigned i = 0; i < sites->count; i++) {
        const struct corpus_call *known = sites->calls[i];
        if (sites->async[i] == async && strcmp(known->function, call->function) == 0 &&
            known->parameter_count == call->parameter_count && known->metric_count == call->metric_count &&
            same_values(known->parameters, call->parameters, call->parameter_count) &&
            same_values(known->metrics, call->metrics, call->metric_count))
            return 2 * i + 1;
    }
    if (sites->count == SITES_MAX)
        abort();
    sites->calls[sites->count] = call;
    sites->async[sites->count] = async;
    make_site(made, call, 2 * sites->count + 1, async);
    return 2 * sites->count++ + 1;
}

/* On two tracks, where it begins on its parent's and ends on its own. */
static void add_async(struct words *words, const struct corpus *corpus, const struct moment *moment,
                      uint32_t site, uint32_t ticks) {
    const struct corpus_call *call = &corpus->calls[moment->call];
    struct words *track = &words[moment->ends ? call->track : corpus->calls[call->parent].track];
    uint64_t handle = UINT64_C(1) << 63 | (moment->call + 1);
    add_word(track, made_word(moment->ends ? PERFTRACE_RECORD_ASYNC_END : PERFTRACE_RECORD_ASYNC_BEGIN,
                              moment->ends ? site + 1 : site, 0, ticks));
    add_word(track, handle);
    if (moment->ends)
        add_values(track, call->metrics, call->metric_count);
    else
        add_values(track, call->parameters, call->parameter_count);
}

static void add_moment(struct words *words, const struct corpus *corpus, const struct moment *moment,
                       uint32_t site, bool async) {
    const struct corpus_call *call = &corpus->calls[moment->call];
    uint32_t ticks = (uint32_t)moment->ns;
    if (async) {
        add_async(words, corpus, moment, site, ticks);
        return;
    }
    struct words *track = &words[call->track];
    if (moment->ends) {
        track->depth--;
        if (call->metric_count > 0)
            add_word(track, made_word(PERFTRACE_RECORD_METRIC, site + 1, track->depth, ticks));
        add_values(track, call->metrics, call->metric_count);
        add_word(track, END(site, track->depth, ticks));
    } else {
        add_word(track, BEGIN(site, track->depth++, ticks));
        add_values(track, call->parameters, call->parameter_count);
    }
}

void corpus_write_trace(const struct corpus *corpus, struct made *made) {
    struct moment *moments = moments_of(corpus);
    struct words words[TRACKS_MAX] = {{0}};
    struct sites sites = {.count = 0};
    made_header(made, 0x5a);
    made_process(made, PERFTRACE_CLOCK_MONOTONIC);
    made_clock(made, 0, 0);
    for (unsigned i = 0; i < 2 * corpus->count; i++) {
        const struct corpus_call *call = &corpus->calls[moments[i].call];
        bool async = call->parent >= 0 && corpus->calls[call->parent].track != call->track;
        add_moment(words, corpus, &moments[i], site_of(&sites, made, call, async), async);
    }
    for (unsigned track = 0; track < TRACKS_MAX; track++) {
        if (words[track].count > 0) {
            made_track(made, track, PERFTRACE_TRACK_THREAD, "");
            made_chunk(made, track, 0, 0, 0, words[track].words, words[track].count);
        }
        free(words[track].words);
    }
    made_end(made, corpus->count);
    free(moments);
}
