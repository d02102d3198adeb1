/* Rounds of calls, and the thread that gives them to the parts which can do without the model. */
#include "rounds.h"

#include "../core/pages.h"
#include "part.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PART(name) extern const struct analysis_part part_##name;
#include "list.h"
#undef PART

static const struct analysis_part *const parts[] = {
#define PART(name) &part_##name,
#include "list.h"
#undef PART
};

/* Whether nothing that the parts may take in a round, and the next calls meanwhile, can be refused, being at most twice of what they
 * have: else it would matter which of them takes first. */
static bool has_room(const struct rounds *rounds) {
    return rounds->analysis->budget.used <= rounds->analysis->budget.max / 4;
}

/* For the next round, while the helper is waiting: nobody takes from the budget while it is looked at. */
static void begin(struct rounds *rounds) {
    rounds->limit = !has_room(rounds) ? 0 : rounds->shared ? ROUND_CALLS : ROUND_CALLS_ALONE;
    rounds->round->count = rounds->round->metric_count = 0;
    rounds->round->text_bytes = 0;
    rounds->round->others = false;
}

struct rounds *rounds_open(struct analysis *analysis) {
    struct rounds *rounds = calloc(1, sizeof *rounds);
    if (rounds == NULL || (rounds->both = perftrace_pages_new(2 * sizeof *rounds->both, true)) == NULL) {
        free(rounds);
        return NULL;
    }
    rounds->round = rounds->both;
    rounds->analysis = analysis;
    begin(rounds);
    for (unsigned i = 0; i < ANALYSIS_PARTS; i++) {
        unsigned sort = parts[i]->apart ? ROUNDS_APART : ROUNDS_BOUND;
        if (parts[i]->wants == NULL || parts[i]->wants(analysis))
            rounds->wanting[sort][rounds->wanting_count[sort]++] = i;
    }
    rounds->alone = sysconf(_SC_NPROCESSORS_ONLN) < 2;
    pthread_mutex_init(&rounds->mutex, NULL);
    pthread_cond_init(&rounds->begun, NULL);
    pthread_cond_init(&rounds->done, NULL);
    return rounds;
}

void rounds_share(struct rounds *rounds, bool shared) {
    rounds->shared = shared;
}

/* ---- one part ------------------------------------------------------------------------------------- */

/* Gives a part some calls of one kind that follow one another. */
static int show_some(struct analysis *analysis, unsigned number, const struct analysis_call *calls,
                     size_t count, enum round_kind kind) {
    const struct analysis_part *part = parts[number];
    void *state = analysis->parts[number];
    if (kind == ROUND_COUNTS)
        return part->add(analysis, state, calls, count);
    if (kind == ROUND_UNKEPT && part->unkept != NULL)
        return part->unkept(analysis, state, calls, count);
    return part->left_out != NULL ? part->left_out(analysis, state, calls, count) : 0;
}

/* How many calls from `from` on are of its kind. */
static uint32_t alike(const struct round *round, uint32_t from) {
    uint32_t to = from + 1;
    while (to < round->count && round->kinds[to] == round->kinds[from])
        to++;
    return to - from;
}

/* Gives a part all calls. */
static int show(struct analysis *analysis, const struct round *round, unsigned number) {
    int result = 0;
    for (uint32_t from = 0, some; from < round->count && result == 0; from += some) {
        some = round->others ? alike(round, from) : round->count;
        result = show_some(analysis, number, &round->calls[from], some, round->kinds[from]);
    }
    return result;
}

static int show_sort(const struct rounds *rounds, const struct round *round, unsigned sort) {
    int result = 0;
    for (unsigned i = 0; i < rounds->wanting_count[sort] && result == 0; i++)
        result = show(rounds->analysis, round, rounds->wanting[sort][i]);
    return result;
}

/* ---- the helper ----------------------------------------------------------------------------------- */

/* Gives the round at hand to one more of its parts, if any is left; the last that comes to an end says so. With the mutex, which is
 * free meanwhile. */
static bool take_part(struct rounds *rounds) {
    if (rounds->given == NULL || rounds->left == 0)
        return false;
    unsigned number = rounds->wanting[ROUNDS_APART][--rounds->left];
    rounds->at_work++;
    pthread_mutex_unlock(&rounds->mutex);
    int result = show(rounds->analysis, rounds->given, number);
    pthread_mutex_lock(&rounds->mutex);
    rounds->at_work--;
    if (result != 0)
        rounds->result = result;
    if (rounds->left == 0 && rounds->at_work == 0) {
        rounds->given = NULL;
        pthread_cond_signal(&rounds->done);
    }
    return true;
}

static void *help(void *context) {
    struct rounds *rounds = context;
    pthread_mutex_lock(&rounds->mutex);
    while (!rounds->stopped)
        if (!take_part(rounds))
            pthread_cond_wait(&rounds->begun, &rounds->mutex);
    pthread_mutex_unlock(&rounds->mutex);
    return NULL;
}

/* Signals are for the program's own threads. */
static bool has_helper(struct rounds *rounds) {
    if (rounds->other != NULL || rounds->alone)
        return rounds->other != NULL;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&rounds->helper, NULL, help, rounds) == 0)
        rounds->other = rounds->both + 1;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    rounds->alone = rounds->other == NULL;
    return !rounds->alone;
}

/* Until all parts have been given the last round; those that the helper has not come to are given it here. */
static int wait_for_helper(struct rounds *rounds) {
    if (rounds->other == NULL)
        return 0;
    pthread_mutex_lock(&rounds->mutex);
    while (rounds->given != NULL)
        if (!take_part(rounds))
            pthread_cond_wait(&rounds->done, &rounds->mutex);
    int result = rounds->result;
    pthread_mutex_unlock(&rounds->mutex);
    return result;
}

static void give(struct rounds *rounds) {
    pthread_mutex_lock(&rounds->mutex);
    rounds->given = rounds->wanting_count[ROUNDS_APART] > 0 ? rounds->other : NULL;
    rounds->left = rounds->wanting_count[ROUNDS_APART];
    pthread_cond_signal(&rounds->begun);
    pthread_mutex_unlock(&rounds->mutex);
}

static int pass_on(struct rounds *rounds) {
    int result = wait_for_helper(rounds);
    if (result != 0)
        return result;
    if (!rounds->shared || rounds->unkept || !has_room(rounds) || !has_helper(rounds))
        return rounds_finish(rounds);
    struct round *given = rounds->round;
    rounds->round = rounds->other;
    rounds->other = given;
    begin(rounds);
    give(rounds);
    return show_sort(rounds, given, ROUNDS_BOUND);
}

int rounds_finish(struct rounds *rounds) {
    int result = wait_for_helper(rounds);
    for (unsigned sort = 0; sort < ROUNDS_SORTS && result == 0 && rounds->round->count > 0; sort++)
        result = show_sort(rounds, rounds->round, sort);
    begin(rounds);
    return result;
}

void rounds_close(struct rounds *rounds) {
    if (rounds == NULL)
        return;
    if (rounds->other != NULL) {
        pthread_mutex_lock(&rounds->mutex);
        rounds->stopped = true;
        pthread_cond_signal(&rounds->begun);
        pthread_mutex_unlock(&rounds->mutex);
        pthread_join(rounds->helper, NULL);
    }
    pthread_cond_destroy(&rounds->begun);
    pthread_cond_destroy(&rounds->done);
    pthread_mutex_destroy(&rounds->mutex);
    perftrace_pages_free(rounds->both, 2 * sizeof *rounds->both, true);
    free(rounds);
}

/* ---- calls ---------------------------------------------------------------------------------------- */

/* False: there is no room. */
static bool keep_metrics(struct round *round, struct analysis_call *call) {
    if (call->metric_count > ROUND_METRICS - round->metric_count)
        return false;
    struct perftrace_value *kept = &round->metrics[round->metric_count];
    for (size_t i = 0; i < call->metric_count; i++) {
        kept[i] = call->metrics[i];
        if (kept[i].type != PERFTRACE_TYPE_STRING)
            continue;
        size_t length = kept[i].text.length;
        if (length > ROUND_TEXT_BYTES - round->text_bytes)
            return false;
        if (length != 0)
            memcpy(round->texts + round->text_bytes, kept[i].text.bytes, length);
        kept[i].text.bytes = round->texts + round->text_bytes;
        round->text_bytes += length;
    }
    round->metric_count += (uint32_t)call->metric_count;
    call->metrics = kept;
    return true;
}

int rounds_add(struct rounds *rounds, const struct analysis_call *filled, enum round_kind kind, bool now) {
    struct round *round = rounds->round;
    struct analysis_call *call = &round->calls[round->count];
    if (call != filled)
        *call = *filled; /* a round has taken place since rounds_next */
    round->kinds[round->count++] = (uint8_t)kind;
    round->others |= kind != ROUND_COUNTS;
    rounds->unkept |= kind == ROUND_UNKEPT;
    if (now || rounds->limit == 0 || (call->metric_count > 0 && !keep_metrics(round, call)))
        return rounds_finish(rounds);
    call->parameter_count = 0;
    return round->count >= rounds->limit ? pass_on(rounds) : 0;
}
