/* Rounds of calls, and the thread that helps with them. */
#include "rounds.h"

#include "part.h"

#include <pthread.h>
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

enum {
    CALLS = 2048,
    METRICS = 4 * CALLS, /* of all calls of a round */
    TEXT_BYTES = 65536,  /* of those that are texts */
    AHEAD = 16,          /* so many calls a part is told to expect at a time */
    SHARED_FROM = 512,   /* calls, that are worth waking somebody for */
};

struct rounds {
    struct analysis *analysis;
    uint32_t count, metric_count;
    size_t text_bytes;
    bool others; /* some of the calls are not of the kind ROUND_COUNTS */
    unsigned
        wanting[ANALYSIS_PARTS]; /* the parts that are to be given calls; those that take longest first */
    unsigned wanting_count;
    /* ---- between the threads ---- */
    bool alone;  /* there is no second thread, and won't be */
    bool shared; /* rounds may take place on two threads */
    bool helped, stopped;
    pthread_t helper;
    pthread_mutex_t mutex;
    pthread_cond_t begun, done;
    unsigned taken, finished; /* of `wanting`, in this round */
    int result;
    /* ---- the calls ---- */
    uint8_t kinds[CALLS];
    struct analysis_call calls[CALLS];
    struct perftrace_value metrics[METRICS];
    char texts[TEXT_BYTES];
};

struct rounds *rounds_open(struct analysis *analysis) {
    struct rounds *rounds = malloc(sizeof *rounds);
    if (rounds == NULL)
        return NULL;
    memset(rounds, 0, offsetof(struct rounds, kinds));
    rounds->analysis = analysis;
    for (unsigned i = ANALYSIS_PARTS; i-- > 0;)
        if (parts[i]->wants == NULL || parts[i]->wants(analysis))
            rounds->wanting[rounds->wanting_count++] = i;
    rounds->taken = rounds->finished = rounds->wanting_count;
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

static int show_other(struct analysis *analysis, unsigned number, const struct analysis_call *call,
                      enum round_kind kind) {
    const struct analysis_part *part = parts[number];
    void *state = analysis->parts[number];
    if (kind == ROUND_UNKEPT && part->takes_unkept)
        return part->add(analysis, state, call);
    return part->left_out != NULL ? part->left_out(analysis, state, call) : 0;
}

/* Gives a part the calls from `from` on, before `to`. */
static int show_calls(const struct rounds *rounds, unsigned number, uint32_t from, uint32_t to) {
    struct analysis *analysis = rounds->analysis;
    void *state = analysis->parts[number];
    int (*add)(struct analysis *, void *, const struct analysis_call *) = parts[number]->add;
    int result = 0;
    if (!rounds->others) {
        for (; from < to && result == 0; from++)
            result = add(analysis, state, &rounds->calls[from]);
        return result;
    }
    for (; from < to && result == 0; from++)
        result = rounds->kinds[from] == ROUND_COUNTS
                     ? add(analysis, state, &rounds->calls[from])
                     : show_other(analysis, number, &rounds->calls[from], rounds->kinds[from]);
    return result;
}

/* Gives a part all calls, and tells it of some at a time before. */
static int show(const struct rounds *rounds, unsigned number) {
    const struct analysis_part *part = parts[number];
    void *state = rounds->analysis->parts[number];
    uint32_t count = rounds->count, step = part->expect != NULL ? AHEAD : count;
    int result = 0;
    for (uint32_t from = 0; from < count && result == 0; from += step) {
        uint32_t to = count - from < step ? count : from + step;
        for (uint32_t i = from; part->expect != NULL && i < to; i++)
            part->expect(state, &rounds->calls[i]);
        result = show_calls(rounds, number, from, to);
    }
    if (part->end_round != NULL && result == 0)
        result = part->end_round(rounds->analysis, state);
    return result;
}

/* ---- two threads ---------------------------------------------------------------------------------- */

/* Takes part after part until all are taken. With the mutex held, but for while one is shown. */
static void take_parts(struct rounds *rounds) {
    while (rounds->taken < rounds->wanting_count) {
        unsigned number = rounds->wanting[rounds->taken++];
        pthread_mutex_unlock(&rounds->mutex);
        int result = show(rounds, number);
        pthread_mutex_lock(&rounds->mutex);
        rounds->result = rounds->result != 0 ? rounds->result : result;
        rounds->finished++;
    }
}

static void *help(void *context) {
    struct rounds *rounds = context;
    pthread_mutex_lock(&rounds->mutex);
    while (!rounds->stopped) {
        take_parts(rounds);
        pthread_cond_signal(&rounds->done);
        pthread_cond_wait(&rounds->begun, &rounds->mutex);
    }
    pthread_mutex_unlock(&rounds->mutex);
    return NULL;
}

/* Signals are for the program's own threads. */
static bool has_helper(struct rounds *rounds) {
    if (rounds->helped || rounds->alone)
        return rounds->helped;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rounds->helped = pthread_create(&rounds->helper, NULL, help, rounds) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    rounds->alone = !rounds->helped;
    return rounds->helped;
}

static int share(struct rounds *rounds) {
    pthread_mutex_lock(&rounds->mutex);
    rounds->taken = rounds->finished = 0;
    rounds->result = 0;
    pthread_cond_signal(&rounds->begun);
    take_parts(rounds);
    while (rounds->finished < rounds->wanting_count)
        pthread_cond_wait(&rounds->done, &rounds->mutex);
    pthread_mutex_unlock(&rounds->mutex);
    return rounds->result;
}

/* Whether nothing that the parts may take in a round can be refused, being at most twice of what they have: else it would matter which
 * of them takes first. */
static bool has_room(const struct rounds *rounds) {
    return rounds->analysis->budget.used <= rounds->analysis->budget.max / 4;
}

int rounds_finish(struct rounds *rounds) {
    int result = 0;
    if (rounds->count == 0)
        return 0;
    if (rounds->shared && rounds->count >= SHARED_FROM && has_room(rounds) && has_helper(rounds)) {
        result = share(rounds);
    } else {
        for (unsigned i = rounds->wanting_count; i-- > 0 && result == 0;)
            result = show(rounds, rounds->wanting[i]);
    }
    rounds->count = rounds->metric_count = 0;
    rounds->text_bytes = 0;
    rounds->others = false;
    return result;
}

void rounds_close(struct rounds *rounds) {
    if (rounds == NULL)
        return;
    if (rounds->helped) {
        pthread_mutex_lock(&rounds->mutex);
        rounds->stopped = true;
        pthread_cond_signal(&rounds->begun);
        pthread_mutex_unlock(&rounds->mutex);
        pthread_join(rounds->helper, NULL);
    }
    pthread_cond_destroy(&rounds->begun);
    pthread_cond_destroy(&rounds->done);
    pthread_mutex_destroy(&rounds->mutex);
    free(rounds);
}

/* ---- calls ---------------------------------------------------------------------------------------- */

struct analysis_call *rounds_next(struct rounds *rounds) {
    return &rounds->calls[rounds->count];
}

/* False: there is no room. */
static bool keep_metrics(struct rounds *rounds, struct analysis_call *call) {
    if (call->metric_count > METRICS - rounds->metric_count)
        return false;
    struct perftrace_value *kept = &rounds->metrics[rounds->metric_count];
    for (size_t i = 0; i < call->metric_count; i++) {
        kept[i] = call->metrics[i];
        if (kept[i].type != PERFTRACE_TYPE_STRING)
            continue;
        size_t length = kept[i].text.length;
        if (length > TEXT_BYTES - rounds->text_bytes)
            return false;
        if (length != 0)
            memcpy(rounds->texts + rounds->text_bytes, kept[i].text.bytes, length);
        kept[i].text.bytes = rounds->texts + rounds->text_bytes;
        rounds->text_bytes += length;
    }
    rounds->metric_count += (uint32_t)call->metric_count;
    call->metrics = kept;
    return true;
}

int rounds_add(struct rounds *rounds, const struct analysis_call *filled, enum round_kind kind, bool now) {
    struct analysis_call *call = &rounds->calls[rounds->count];
    if (call != filled)
        *call = *filled; /* a round has taken place since rounds_next */
    rounds->kinds[rounds->count++] = (uint8_t)kind;
    rounds->others |= kind != ROUND_COUNTS;
    if (now || !has_room(rounds) || (call->metric_count > 0 && !keep_metrics(rounds, call)))
        return rounds_finish(rounds);
    call->parameter_count = 0;
    return rounds->count == CALLS ? rounds_finish(rounds) : 0;
}
