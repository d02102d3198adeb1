/* Each call at the cache of its function, one stack for all sizes. */
#include "cache.h"

#include "cache_curve.h"
#include "cache_keys.h"
#include "cache_roots.h"
#include "cache_rules.h"
#include "cache_result.h"
#include "part.h"

#include <math.h>
#include <stdlib.h>

/* One function's cache. */
struct cache_of_function {
    bool writer;          /* its results are of no use to a cache */
    uint32_t writes;      /* rules, as bits, of which it is the writer */
    uint32_t invalidated; /* rules that are about its cache */
    struct cache_tally tally;
    struct lru_stack stack;
    struct analysis_cache_curve curve;
};

/* A call that was found in the stack, beyond the first places: it is counted when its bin has been brought near. */
struct cache_hit {
    struct cache_bin *bin;
    uint64_t ns;
};
#define HITS_WAITING 32u

#define AHEAD 16 /* so many calls before it is one's turn, memory is brought near for it */

struct cache {
    struct analysis_cache found; /* first: what the others see */
    struct cache_of_function **functions;
    uint32_t function_count, function_capacity;
    struct cache_keys keys;
    struct cache_roots roots;
    struct cache_rules rules;
    struct analysis_cache_rule_result *rule_results;
    bool off;           /* not even a small sample could be kept */
    uint32_t keys_most; /* so many questions are followed at most once calls are not kept; 0: all are */
    /* Since the last round; of them, the last ones, up to HITS_WAITING, are not yet in the curves. */
    uint64_t hit_count;
    struct cache_hit hits[HITS_WAITING];
};

static int cache_open(const struct analysis *analysis, void *state) {
    struct cache *cache = state;
    cache->rule_results = calloc(analysis->options.invalidations.count + 1, sizeof *cache->rule_results);
    cache->found.rules = cache->rule_results;
    return cache->rule_results != NULL ? cache_rules_open(&cache->rules, analysis->options.invalidations)
                                       : -PERFTRACE_ERROR_MEMORY;
}

static void free_function(struct cache_of_function *function, struct perftrace_budget *budget) {
    if (function == NULL)
        return;
    lru_stack_free(&function->stack, budget);
    cache_curve_free(&function->curve, budget);
    perftrace_budget_give(budget, sizeof *function);
    free(function);
}

static void give_up(struct cache *cache, struct perftrace_budget *budget) {
    for (uint32_t i = 0; i < cache->function_count; i++)
        free_function(cache->functions[i], budget);
    perftrace_budget_give(budget, cache->function_capacity * sizeof(*cache->functions));
    free(cache->functions);
    cache->functions = NULL;
    cache->function_count = cache->function_capacity = 0;
    cache_keys_free(&cache->keys, budget);
    cache_roots_free(&cache->roots);
    cache_rules_close(&cache->rules, budget);
    cache->hit_count = 0;
    cache->off = true;
}

static void count_waiting(struct cache *cache) {
    for (uint32_t i = 0; i < cache->hit_count && i < HITS_WAITING; i++)
        cache_bin_add(cache->hits[i].bin, 1, cache->hits[i].ns);
    cache->hit_count = 0;
}

/* A result is not valid any more. */
static void forget(void *context, uint32_t number) {
    struct cache *cache = context;
    cache_roots_forget(&cache->roots, number, &cache->keys.keys[number].root);
}

/* What thinning out goes by. */
struct thinning {
    struct analysis *analysis;
    struct cache *cache;
    /* Of keys as they were numbered before; NULL: they were numbered as their questions. */
    const uint64_t *hashes;
};

static uint64_t hash_before(const void *context, uint32_t number) {
    const struct thinning *thinning = context;
    return thinning->hashes != NULL ? thinning->hashes[number]
                                    : analysis_question_hash(thinning->analysis, number);
}

static uint32_t renumber(const void *context, uint32_t number) {
    const struct thinning *thinning = context;
    return cache_keys_find(&thinning->cache->keys, hash_before(thinning, number));
}

static void keys_have_moved(void *context) {
    struct thinning *thinning = context;
    struct cache *cache = thinning->cache;
    for (uint32_t i = 0; i < cache->function_count; i++)
        if (cache->functions[i] != NULL)
            lru_stack_thin(&cache->functions[i]->stack, cache->keys.keys, renumber, thinning,
                           &thinning->analysis->budget);
}

/* From now on one of 1 << shift questions is followed, by hash. False: it can't go on. */
static bool thin(struct analysis *analysis, struct cache *cache, unsigned shift) {
    struct perftrace_budget *budget = &analysis->budget;
    struct thinning thinning = {analysis, cache, cache->keys.hashed ? cache->keys.followed.keys : NULL};
    if (shift > CACHE_SHIFT_MAX || !analysis_stands_still(analysis) ||
        !cache_keys_thin(&cache->keys, shift,
                         &(struct cache_keys_change){hash_before, keys_have_moved, &thinning}, budget))
        return false;
    count_waiting(cache); /* their bins go */
    for (uint32_t i = 0; i < cache->function_count && shift > 0; i++)
        if (cache->functions[i] != NULL && !cache_curve_coarsen(&cache->functions[i]->curve, budget))
            return false;
    cache_roots_renumbered(&cache->roots);
    /* Which values the keys have was said by calls that have passed: what can be invalidated is taken for invalid. */
    cache_rules_clear(&cache->rules, budget);
    for (uint32_t i = 0; i < cache->function_count && cache->rules.count > 0; i++)
        if (cache->functions[i] != NULL && cache->functions[i]->invalidated != 0)
            lru_stack_clear(&cache->functions[i]->stack, cache->keys.keys, forget, cache);
    return true;
}

/* Whether the keys that there are take more than they may. */
static bool too_many(const struct cache *cache, const struct perftrace_budget *budget) {
    return budget->used > budget->max ||
           (cache->keys_most != 0 && cache->keys.followed.count > cache->keys_most);
}

static bool reserve_functions(struct cache *cache, uint32_t function, struct perftrace_budget *budget) {
    if (function >= cache->function_capacity &&
        !array_grow_zeros(budget, (void **)&cache->functions, &cache->function_capacity,
                          function + function / 2 + 64, sizeof(*cache->functions)))
        return false;
    if (function >= cache->function_count)
        cache->function_count = function + 1;
    return true;
}

/* NULL without memory, within the budget. */
static struct cache_of_function *function_of(struct analysis *analysis, struct cache *cache,
                                             uint32_t number) {
    struct perftrace_budget *budget = &analysis->budget;
    if (number < cache->function_count && cache->functions[number] != NULL)
        return cache->functions[number];
    if (!reserve_functions(cache, number, budget) ||
        !perftrace_budget_take(budget, sizeof(struct cache_of_function)))
        return NULL;
    struct cache_of_function *function = calloc(1, sizeof *function);
    if (function == NULL) {
        perftrace_budget_give(budget, sizeof *function);
        return NULL;
    }
    if (cache->rules.count > 0) {
        struct perftrace_text name = analysis->functions[number].name;
        function->writes = cache_rules_of_writer(&cache->rules, name);
        function->invalidated = cache_rules_of_function(&cache->rules, name);
    }
    function->curve.coarse = cache->keys.shift > 0;
    cache->functions[number] = function;
    return function;
}

/* ---- writes --------------------------------------------------------------------------------------------------------- */

static uint64_t clear(struct cache *cache, struct cache_of_function *function) {
    return lru_stack_clear(&function->stack, cache->keys.keys, forget, cache);
}

static uint64_t remove_all(struct cache *cache, uint32_t rule) {
    uint64_t removed = 0;
    for (uint32_t i = 0; i < cache->function_count; i++)
        if (cache->functions[i] != NULL && (cache->functions[i]->invalidated >> rule & 1) != 0)
            removed += clear(cache, cache->functions[i]);
    return removed;
}

/* Without memory for the hole that it would leave, the whole cache goes. */
static uint64_t remove_one(struct cache *cache, struct cache_of_function *function, uint32_t number,
                           struct perftrace_budget *budget) {
    struct lru_key *keys = cache->keys.keys;
    if (keys[number].position == 0)
        return 0;
    if (!lru_stack_remove(&function->stack, keys, number, budget))
        return clear(cache, function);
    forget(cache, number);
    return 1;
}

/* A call of a function that writes. */
static void apply_rules(struct analysis *analysis, struct cache *cache, uint32_t which,
                        const struct analysis_call *call) {
    for (; which != 0; which &= which - 1) {
        uint32_t rule = (uint32_t)__builtin_ctz(which), cursor = 0, number, function;
        uint64_t removed = 0;
        while ((number = cache_rules_take(&cache->rules, rule, call, &cursor, &function,
                                          &analysis->budget)) != CACHE_RULES_END)
            removed += number == CACHE_RULES_ALL
                           ? remove_all(cache, rule)
                           : remove_one(cache, cache->functions[function], number, &analysis->budget);
        cache->rule_results[rule].writes++;
        cache->rule_results[rule].removed += removed << cache->keys.shift;
    }
}

/* ---- calls ---------------------------------------------------------------------------------------------------------- */

#define SLOW __attribute__((noinline)) /* out of the way of what each call goes through */

/* Out of memory: on with less. False: nothing is left to do without, and it is off. */
static SLOW bool go_on(struct analysis *analysis, struct cache *cache, unsigned shift) {
    do {
        if (!thin(analysis, cache, shift++)) {
            give_up(cache, &analysis->budget);
            return false;
        }
    } while (too_many(cache, &analysis->budget));
    return true;
}
static bool go_on_with_less(struct analysis *analysis, struct cache *cache) {
    return go_on(analysis, cache, cache->keys.shift + 1);
}

/* A hit that stands for 1 << shift of them. False: it is off. */
static SLOW bool count_hit(struct analysis *analysis, struct cache *cache, struct analysis_cache_curve *curve,
                           uint64_t place, unsigned shift, uint64_t ns) {
    while (!cache_curve_add(curve, place, UINT64_C(1) << shift, ns, &analysis->budget))
        if (!go_on_with_less(analysis, cache))
            return false;
    return true;
}

/* A hit beyond the first places, of questions that all are followed. */
static inline void keep_hit(struct analysis *analysis, struct cache *cache,
                            struct analysis_cache_curve *curve, uint64_t place, uint64_t ns) {
    struct cache_bin *bin = cache_curve_find(curve, place);
    if (bin == NULL) {
        count_hit(analysis, cache, curve, place, 0, ns);
        return;
    }
    struct cache_hit *hit = &cache->hits[cache->hit_count++ % HITS_WAITING];
    if (cache->hit_count > HITS_WAITING)
        cache_bin_add(hit->bin, 1, hit->ns);
    hit->bin = bin;
    hit->ns = ns;
    __builtin_prefetch(bin, 1);
}

/* The key of a call's question, or CACHE_KEY_NONE: it is not followed. False: there is no memory for it. */
static bool key_of(struct analysis *analysis, struct cache *cache, struct cache_of_function *function,
                   const struct analysis_call *call, uint32_t *number) {
    struct cache_keys *keys = &cache->keys;
    *number = call->question;
    if (!keys->hashed)
        return cache_keys_reserve(keys, *number, &analysis->budget);
    bool kept = call->question != INTERN_NONE;
    uint64_t hash = kept ? analysis_question_hash(analysis, call->question) : call->question_hash;
    *number = cache_keys_find(keys, hash);
    if (*number != CACHE_KEY_NONE) { /* it is kept from now on, and was not */
        function->tally.unkept_questions -= (int64_t)call->first_asked << keys->shift;
        return true;
    }
    if (!cache_keys_follow(keys->shift, hash))
        return true;
    if (cache->keys_most != 0 && keys->followed.count >= cache->keys_most)
        return false;
    *number = cache_keys_add(keys, hash, &analysis->budget);
    if (*number != CACHE_KEY_NONE)
        function->tally.unkept_questions += (int64_t)!kept << keys->shift;
    return *number != CACHE_KEY_NONE;
}

/* What a call of a question that is followed adds to what is known of all: `place` as it stands for all, 0: it was not there. */
static void tell(const struct cache *cache, struct cache_of_function *function,
                 const struct analysis_call *call, uint32_t number, uint64_t place, unsigned shift) {
    struct cache_tally *tally = &function->tally;
    uint64_t ns = cache_times(call->elapsed_ns, shift);
    bool expected = call->question != INTERN_NONE && !call->first_asked; /* to be hit */
    if (expected && place == 0) {
        tally->misses += UINT64_C(1) << shift;
        tally->misses_ns = cache_sum(tally->misses_ns, ns);
    } else if (!expected && place != 0) {
        tally->hits += UINT64_C(1) << shift;
        tally->hits_ns = cache_sum(tally->hits_ns, ns);
    }
    if (shift == 0 || number == CACHE_KEY_NONE || (place != 0 && place <= CACHE_EXACT_FROM << shift))
        return;
    double before = cache->keys.missed[number]++;
    tally->squares += (2 * before + 1) * (double)(UINT64_C(1) << shift);
}

/* The key of a call's question is brought to the top. Returns its number, which may be another after memory ran out, or
 * CACHE_KEY_NONE: it is not followed (any more). */
static SLOW uint32_t ask_slowly(struct analysis *analysis, struct cache *cache,
                                struct cache_of_function *function, const struct analysis_call *call) {
    struct perftrace_budget *budget = &analysis->budget;
    struct cache_keys *keys = &cache->keys;
    uint64_t place = 0;
    unsigned shift = keys->shift; /* when the place was looked up */
    uint32_t number;
    for (;;) {
        bool done = key_of(analysis, cache, function, call, &number);
        if (done && number == CACHE_KEY_NONE)
            break;
        if (done && keys->keys[number].position == 0)
            done = function->invalidated == 0 ||
                   cache_rules_put(&cache->rules, function->invalidated, number, call, budget);
        else if (done && place == 0)
            place = (uint64_t)lru_stack_place(&function->stack, keys->keys[number].position) << shift;
        if (done && lru_stack_touch(&function->stack, keys->keys, number, budget))
            break;
        if (!go_on_with_less(analysis, cache))
            return CACHE_KEY_NONE;
        shift = place == 0 ? keys->shift : shift;
    }
    if (place == 0 && number == CACHE_KEY_NONE)
        return number;
    tell(cache, function, call, number, place, shift);
    if (place == 0)
        return number;
    if (number != CACHE_KEY_NONE)
        keys->keys[number].saved_ns = cache_sum(keys->keys[number].saved_ns, call->elapsed_ns);
    unsigned before = keys->shift;
    count_hit(analysis, cache, &function->curve, place, shift, cache_times(call->elapsed_ns, shift));
    if (cache->off)
        return CACHE_KEY_NONE;
    if (keys->shift != before && !key_of(analysis, cache, function, call, &number))
        return CACHE_KEY_NONE;
    return number;
}

static inline void ask_root(struct cache *cache, struct cache_of_function *function,
                            const struct analysis_call *call, uint32_t number) {
    if (call->async || !cache_roots_ask(&cache->roots, call->track, number, &cache->keys.keys[number].root))
        return;
    unsigned shift = cache->keys.shift;
    function->tally.root_hits += UINT64_C(1) << shift;
    function->tally.root_ns = cache_sum(function->tally.root_ns, cache_times(call->elapsed_ns, shift));
}

static SLOW void add_question_slowly(struct analysis *analysis, struct cache *cache,
                                     struct cache_of_function *function, const struct analysis_call *call) {
    if (call->first_asked)
        function->tally.first_ns = cache_sum(function->tally.first_ns, call->elapsed_ns);
    uint32_t number = ask_slowly(analysis, cache, function, call);
    if (number != CACHE_KEY_NONE)
        ask_root(cache, function, call, number);
}

/* Where the question of a call is in its function's stack, as whose topmost it is left: 0: it was not there. PLACE_UNKNOWN: it is not so
 * simple, and nothing is done. */
#define PLACE_UNKNOWN UINT32_MAX
static inline uint32_t ask(struct cache_keys *keys, struct cache_of_function *function, uint32_t number) {
    if (number >= keys->count) {
        if (number != keys->count || number >= keys->capacity)
            return PLACE_UNKNOWN;
        keys->count++; /* nobody has asked it before */
    }
    struct lru_key *key = &keys->keys[number];
    uint32_t place = lru_stack_again(&function->stack, key, number);
    if (place == 0 && (function->invalidated != 0 || !lru_stack_new(&function->stack, key, number)))
        return PLACE_UNKNOWN;
    return place;
}

/* A call with parameters of a function that does not write. */
static inline void add_question(struct analysis *analysis, struct cache *cache,
                                struct cache_of_function *function, const struct analysis_call *call) {
    uint32_t number = call->question, place = PLACE_UNKNOWN;
    uint64_t ns = call->elapsed_ns;
    if (!cache->keys.hashed)
        place = ask(&cache->keys, function, number);
    if (place == PLACE_UNKNOWN) {
        add_question_slowly(analysis, cache, function, call);
        return;
    }
    if (place > 0) {
        struct lru_key *key = &cache->keys.keys[number];
        key->saved_ns = cache_sum(key->saved_ns, ns);
    } else if (call->first_asked) {
        function->tally.first_ns = cache_sum(function->tally.first_ns, ns);
    } else {
        function->tally.misses++;
        function->tally.misses_ns = cache_sum(function->tally.misses_ns, ns);
    }
    ask_root(cache, function, call, number);
    if (place > CACHE_PAGE_BINS)
        keep_hit(analysis, cache, &function->curve, place, ns);
    else if (place > 0)
        cache_curve_add_near(&function->curve, place, 1, ns);
}

static inline void end_root(struct cache *cache, const struct analysis_call *call) {
    if (call->parent == 0 && !call->async && cache->roots.track_count > 0)
        cache_roots_end(&cache->roots, call->track);
}

/* A function of which nothing is known yet. NULL: it is off. */
static SLOW struct cache_of_function *add_function(struct analysis *analysis, struct cache *cache,
                                                   uint32_t number) {
    struct cache_of_function *function = NULL;
    while (!cache->off && (function = function_of(analysis, cache, number)) == NULL)
        go_on_with_less(analysis, cache);
    return function;
}

/* A call that has parameters or may write. */
static inline void add_call(struct analysis *analysis, struct cache *cache,
                            const struct analysis_call *call) {
    struct cache_of_function *function =
        call->function < cache->function_count ? cache->functions[call->function] : NULL;
    if (function == NULL && (function = add_function(analysis, cache, call->function)) == NULL)
        return;
    if (function->writes != 0)
        apply_rules(analysis, cache, function->writes, call);
    else if (call->asks)
        add_question(analysis, cache, function, call);
    end_root(cache, call);
}

/* Its key will be wanted soon. */
static PREFETCHES void expect(const struct cache *cache, const struct analysis_call *call) {
    if (call->asks &&
        call->question < cache->keys.count) /* not that of its question, where that is not its number */
        __builtin_prefetch(&cache->keys.keys[call->question], 1);
}

static int cache_add(struct analysis *analysis, void *state, const struct analysis_call *calls,
                     size_t count) {
    struct cache *cache = state;
    const struct analysis_call *end = calls + count;
    for (const struct analysis_call *call = calls; call < end; call++) {
        if (end - call > AHEAD)
            expect(cache, call + AHEAD);
        if (call->asks || cache->rules.count > 0)
            add_call(analysis, cache, call);
        else
            end_root(cache, call);
    }
    count_waiting(cache);
    return 0;
}

/* A call whose question is not kept, as there is no memory for it. */
static void add_unkept(struct analysis *analysis, struct cache *cache, const struct analysis_call *call) {
    struct cache_of_function *function = add_function(analysis, cache, call->function);
    if (function == NULL)
        return;
    if (function->writes != 0)
        apply_rules(analysis, cache, function->writes, call);
    if (function->writes != 0 || call->question_hash == 0)
        return;
    function->tally.unkept_calls++;
    function->tally.unkept_ns = cache_sum(function->tally.unkept_ns, call->elapsed_ns);
    add_question_slowly(analysis, cache, function, call);
}

/* From the first of them on all go by hash. Most are of questions that nobody asks again: these are not to fill what others need. */
#define KEYS_PART 400u /* of the budget's bytes; an eighth, about */
#define KEYS_LEAST 1024u
static int cache_unkept(struct analysis *analysis, void *state, const struct analysis_call *calls,
                        size_t count) {
    struct cache *cache = state;
    if (cache->keys_most == 0) {
        size_t most = analysis->budget.max / KEYS_PART;
        cache->keys_most = most < KEYS_LEAST       ? KEYS_LEAST
                           : most < UINT32_MAX / 2 ? (uint32_t)most
                                                   : UINT32_MAX / 2;
        if (!cache->off && (!cache->keys.hashed || too_many(cache, &analysis->budget)))
            go_on(analysis, cache, cache->keys.shift);
    }
    for (size_t i = 0; i < count; i++) {
        if (calls[i].question_hash != 0 || cache->rules.count > 0)
            add_unkept(analysis, cache, &calls[i]);
        end_root(cache, &calls[i]);
    }
    count_waiting(cache);
    return 0;
}

/* Each input is a process of its own, about, whose caches start empty. */
static int cache_end_input(struct analysis *analysis, void *state) {
    (void)analysis;
    struct cache *cache = state;
    for (uint32_t i = 0; i < cache->function_count; i++)
        if (cache->functions[i] != NULL)
            clear(cache, cache->functions[i]);
    cache_roots_end_all(&cache->roots);
    return 0;
}

static int cache_finish(struct analysis *analysis, void *state) {
    struct cache *cache = state;
    struct cache_results results = {.keys = &cache->keys};
    results.caches = malloc((cache->function_count + 1) * sizeof *results.caches);
    if (results.caches == NULL)
        return -PERFTRACE_ERROR_MEMORY;
    for (uint32_t i = 0; i < cache->function_count; i++) {
        struct cache_of_function *function = cache->functions[i];
        if (function != NULL)
            results.caches[results.count++] =
                (struct cache_measured){i, function->writes != 0, &function->tally, &function->curve};
    }
    cache->found.root_calls = cache->roots.busy;
    cache->found.sampled_one_in = cache->off ? 0 : 1u << cache->keys.shift;
    int result = cache_results_make(analysis, &results, &cache->found);
    free(results.caches);
    return result;
}

/* Rounded up to a tenth. */
static void add_percent(struct perftrace_buffer *text, double share) {
    uint64_t tenths = share < 1 ? (uint64_t)ceil(share * 1000) : 1000;
    perftrace_buffer_unsigned(text, tenths / 10);
    perftrace_buffer_text(text, ".");
    perftrace_buffer_unsigned(text, tenths % 10);
    perftrace_buffer_text(text, " %");
}

static void cache_approximated(const struct analysis *analysis, const void *state,
                               struct perftrace_buffer *text) {
    (void)analysis;
    const struct cache *cache = state;
    if (cache->off) {
        perftrace_buffer_text(text, "What caches would save is not known: too many questions.\n");
    } else if (cache->keys.shift > 0) {
        perftrace_buffer_text(text,
                              "What caches would save is estimated, of all calls, from one question in ");
        perftrace_buffer_unsigned(text, 1u << cache->keys.shift);
        perftrace_buffer_text(text, ": hits are off by up to about ");
        add_percent(text, cache->found.hits_off);
        perftrace_buffer_text(text, " of a function's calls, and numbers of entries by ");
        add_percent(text, cache->found.entries_off);
        perftrace_buffer_text(text, "; by more in caches of fewer than ");
        perftrace_buffer_unsigned(text, cache->found.exact_from);
        perftrace_buffer_text(text, " entries.\n");
    }
}

static void cache_close(void *state) {
    struct cache *cache = state;
    give_up(cache, NULL);
    free(cache->rule_results);
    free((void *)(uintptr_t)cache->found.functions);
}

const struct analysis_cache *analysis_cache(const struct analysis *analysis) {
    return &((const struct cache *)analysis->parts[ANALYSIS_PART_cache])->found;
}

const struct analysis_part part_cache = {
    .state_bytes = sizeof(struct cache),
    .open = cache_open,
    .add = cache_add,
    .apart = true,
    .unkept = cache_unkept,
    .left_out = cache_add, /* writes, and the ends of root calls */
    .end_input = cache_end_input,
    .finish = cache_finish,
    .approximated = cache_approximated,
    .close = cache_close,
};
