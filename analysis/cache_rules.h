/* Which calls make results in a cache invalid: rules as they are typed, WRITER[:KEY[,KEY...]][->FUNCTION].
 *
 * A call of WRITER takes out of the cache of FUNCTION (of all functions, where none is named) what was asked with the same
 * value of each KEY as its own; without keys: everything. A call of WRITER that lacks one of the keys takes out everything,
 * as one can't know what it wrote; a question that lacks one of them stays. Values are equal that are shown as equal. */
#ifndef PERFTRACE_ANALYSIS_CACHE_RULES_H
#define PERFTRACE_ANALYSIS_CACHE_RULES_H

#include "collect.h"

#define CACHE_RULES_MAX 32u
#define CACHE_RULE_KEYS_MAX 8u

struct cache_rule_name {
    const char *bytes; /* into the text that was parsed */
    size_t length;
};

/* Names may hold `::`; a single `:`, the last one, begins the keys, and the last `->` the function. */
struct cache_rule {
    struct cache_rule_name writer, function; /* function: of no bytes for all */
    struct cache_rule_name keys[CACHE_RULE_KEYS_MAX];
    uint32_t key_count;
};

/* NULL, or what is wrong with the text: "there is no function before the colon". */
const char *cache_rule_parse(const char *text, struct cache_rule *rule);

/* ---- at work: which keys of caches have which values ---------------------------------------------------------------- */

struct cache_rules_state;
struct cache_rules {
    uint32_t count;
    struct cache_rules_state *state; /* NULL without rules */
};

/* Zero-initialised: no rules. 0, or -PERFTRACE_ERROR_MEMORY; texts that can't be parsed are rules of nothing. */
int cache_rules_open(struct cache_rules *rules, struct analysis_texts texts);
void cache_rules_close(struct cache_rules *rules, struct perftrace_budget *budget);

/* As bits: the rules of which the function is the writer, and those that are about its cache. */
uint32_t cache_rules_of_writer(const struct cache_rules *rules, struct perftrace_text name);
uint32_t cache_rules_of_function(const struct cache_rules *rules, struct perftrace_text name);

/* A result was put into a cache: key `number`, by this call of a function that `which` rules are about. False without memory, within
 * the budget. */
bool cache_rules_put(struct cache_rules *rules, uint32_t which, uint32_t number,
                     const struct analysis_call *call, struct perftrace_budget *budget);
/* A call of the writer of `rule`: hands out, one at each call, the numbers of the keys whose results are not valid any more, and
 * their functions; CACHE_RULES_END after the last, CACHE_RULES_ALL for all that the rule is about. *cursor is 0 at first. A key
 * may be handed out that another rule has taken out of its cache already. */
#define CACHE_RULES_END UINT32_MAX
#define CACHE_RULES_ALL (UINT32_MAX - 1)
uint32_t cache_rules_take(struct cache_rules *rules, uint32_t rule, const struct analysis_call *call,
                          uint32_t *cursor, uint32_t *function, struct perftrace_budget *budget);
/* Forgets all keys. */
void cache_rules_clear(struct cache_rules *rules, struct perftrace_budget *budget);

#endif
