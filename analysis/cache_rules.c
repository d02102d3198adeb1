/* Rules of invalidation, and lists of the keys that each value of them is about. */
#include "cache_rules.h"

#include "pairs.h"

#include <stdlib.h>
#include <string.h>

/* ---- as typed ------------------------------------------------------------------------------------------------------- */

static const char *parse_keys(const char *at, const char *end, struct cache_rule *rule) {
    for (;;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        size_t length = (size_t)((comma != NULL ? comma : end) - at);
        if (length == 0)
            return "a parameter's name is missing after the colon";
        if (rule->key_count == CACHE_RULE_KEYS_MAX)
            return "it has more than 8 parameters";
        rule->keys[rule->key_count++] = (struct cache_rule_name){at, length};
        if (comma == NULL)
            return NULL;
        at = comma + 1;
    }
}

const char *cache_rule_parse(const char *text, struct cache_rule *rule) {
    *rule = (struct cache_rule){0};
    const char *end = text + strlen(text), *arrow = NULL, *colon = NULL;
    for (const char *at = strstr(text, "->"); at != NULL; at = strstr(at + 1, "->"))
        arrow = at;
    if (arrow != NULL) {
        rule->function = (struct cache_rule_name){arrow + 2, (size_t)(end - arrow - 2)};
        end = arrow;
        if (rule->function.length == 0)
            return "there is no function after the arrow";
    }
    for (const char *at = text; at < end; at++) {
        if (*at != ':')
            continue;
        if (at + 1 < end && at[1] == ':')
            at++; /* a scope */
        else
            colon = at;
    }
    rule->writer = (struct cache_rule_name){text, (size_t)((colon != NULL ? colon : end) - text)};
    if (rule->writer.length == 0)
        return "there is no function that writes";
    return colon != NULL ? parse_keys(colon + 1, end, rule) : NULL;
}

/* ---- at work -------------------------------------------------------------------------------------------------------- */

#define NO_NODE UINT32_MAX

struct rule_node {
    uint32_t number, function; /* of the key */
    uint32_t next;
};

/* One rule: the values of its keys, and for each combination the keys (of caches) that have it. */
struct rule_lists {
    struct cache_rule rule;
    struct pair_table levels[CACHE_RULE_KEYS_MAX]; /* (combination of the keys before, value) */
    uint32_t *heads;                               /* by combination of all keys */
    uint32_t head_count, head_capacity;
};

struct cache_rules_state {
    struct rule_lists lists[CACHE_RULES_MAX];
    struct text_table values;
    struct rule_node *nodes;
    uint32_t node_count, node_capacity, unused;
    uint32_t *listed; /* by key: the rules in whose lists it is, as bits */
    uint32_t listed_capacity;
    size_t taken; /* from the budget, for values and combinations */
    struct perftrace_buffer scratch;
};

int cache_rules_open(struct cache_rules *rules, struct analysis_texts texts) {
    if (texts.count == 0)
        return 0;
    rules->state = calloc(1, sizeof *rules->state);
    if (rules->state == NULL)
        return -PERFTRACE_ERROR_MEMORY;
    rules->count = texts.count < CACHE_RULES_MAX ? (uint32_t)texts.count : CACHE_RULES_MAX;
    for (uint32_t i = 0; i < rules->count; i++)
        if (cache_rule_parse(texts.texts[i], &rules->state->lists[i].rule) != NULL)
            rules->state->lists[i].rule = (struct cache_rule){.writer = {"", 0}};
    rules->state->unused = NO_NODE;
    return 0;
}

void cache_rules_clear(struct cache_rules *rules, struct perftrace_budget *budget) {
    struct cache_rules_state *state = rules->state;
    if (state == NULL)
        return;
    for (uint32_t i = 0; i < rules->count; i++) {
        struct rule_lists *lists = &state->lists[i];
        for (uint32_t level = 0; level < lists->rule.key_count; level++)
            pair_table_free(&lists->levels[level]);
        perftrace_budget_give(budget, lists->head_capacity * sizeof *lists->heads);
        free(lists->heads);
        lists->heads = NULL;
        lists->head_count = lists->head_capacity = 0;
    }
    text_table_free(&state->values);
    perftrace_budget_give(budget, state->taken + state->node_capacity * sizeof *state->nodes +
                                      state->listed_capacity * sizeof *state->listed);
    free(state->nodes);
    free(state->listed);
    state->nodes = NULL;
    state->listed = NULL;
    state->node_count = state->node_capacity = state->listed_capacity = 0;
    state->taken = 0;
    state->unused = NO_NODE;
}

void cache_rules_close(struct cache_rules *rules, struct perftrace_budget *budget) {
    if (rules->state == NULL)
        return;
    cache_rules_clear(rules, budget);
    free(rules->state->scratch.bytes);
    free(rules->state);
    *rules = (struct cache_rules){0};
}

static bool is_name(struct cache_rule_name name, struct perftrace_text text) {
    return name.length == text.length && memcmp(name.bytes, text.bytes, name.length) == 0;
}

uint32_t cache_rules_of_writer(const struct cache_rules *rules, struct perftrace_text name) {
    uint32_t which = 0;
    for (uint32_t i = 0; i < rules->count; i++)
        which |= (uint32_t)is_name(rules->state->lists[i].rule.writer, name) << i;
    return which;
}

uint32_t cache_rules_of_function(const struct cache_rules *rules, struct perftrace_text name) {
    uint32_t which = 0;
    for (uint32_t i = 0; i < rules->count; i++) {
        struct cache_rule_name function = rules->state->lists[i].rule.function;
        which |= (uint32_t)(function.length == 0 || is_name(function, name)) << i;
    }
    return which;
}

/* Makes room for `count` in an array of `bytes` each, within the budget; what is new is zeros. */
static bool reserve(void **array, uint32_t count, uint32_t *capacity, size_t bytes,
                    struct perftrace_budget *budget) {
    if (count <= *capacity)
        return true;
    uint64_t wanted = (uint64_t)*capacity * 3 / 2 + 16;
    wanted = wanted > count ? wanted : count;
    return wanted < CACHE_RULES_ALL && array_grow_zeros(budget, array, capacity, wanted, bytes);
}

enum found { FOUND, NOT_FOUND, NO_KEY, NO_MEMORY };

static const struct perftrace_value *parameter_of(const struct analysis_call *call,
                                                  struct cache_rule_name name) {
    for (size_t i = 0; i < call->parameter_count; i++)
        if (is_name(name, call->parameters[i].argument->name))
            return &call->parameters[i];
    return NULL;
}

/* The number of a value, as it is shown. */
static enum found value_of(struct cache_rules_state *state, const struct perftrace_value *value,
                           struct perftrace_budget *budget, uint32_t *number) {
    state->scratch.length = 0;
    size_t before = pairs_add_one(&state->scratch, value) + 1;
    if (state->scratch.failed)
        return NO_MEMORY;
    size_t length = state->scratch.length - before;
    size_t bytes = length + sizeof(struct text_entry) + 16;
    uint32_t known = state->values.count;
    if (!perftrace_budget_take(budget, bytes))
        return NO_MEMORY;
    *number = text_table_add(&state->values, 0, state->scratch.bytes + before, length);
    if (*number == known)
        state->taken += bytes;
    else
        perftrace_budget_give(budget, bytes);
    return *number == INTERN_NONE ? NO_MEMORY : FOUND;
}

/* The combination of values that a call has. */
static enum found combination_of(struct cache_rules_state *state, struct rule_lists *lists,
                                 const struct analysis_call *call, struct perftrace_budget *budget,
                                 uint32_t *combination) {
    *combination = 0;
    for (uint32_t level = 0; level < lists->rule.key_count; level++) {
        const struct perftrace_value *value = parameter_of(call, lists->rule.keys[level]);
        if (value == NULL)
            return NO_KEY;
        uint32_t number;
        enum found found = value_of(state, value, budget, &number);
        if (found != FOUND)
            return found;
        struct pair_table *table = &lists->levels[level];
        uint32_t known = table->count;
        const size_t bytes = 3 * sizeof(uint64_t);
        if (!perftrace_budget_take(budget, bytes))
            return NO_MEMORY;
        *combination = pair_table_add(table, pair_key(*combination, number));
        if (*combination == known)
            state->taken += bytes;
        else
            perftrace_budget_give(budget, bytes);
        if (*combination == INTERN_NONE)
            return NO_MEMORY;
    }
    return FOUND;
}

static uint32_t new_node(struct cache_rules_state *state, struct perftrace_budget *budget) {
    uint32_t node = state->unused;
    if (node != NO_NODE) {
        state->unused = state->nodes[node].next;
        return node;
    }
    if (!reserve((void **)&state->nodes, state->node_count + 1, &state->node_capacity, sizeof *state->nodes,
                 budget))
        return NO_NODE;
    return state->node_count++;
}

static bool put(struct cache_rules_state *state, uint32_t rule, uint32_t number,
                const struct analysis_call *call, struct perftrace_budget *budget) {
    struct rule_lists *lists = &state->lists[rule];
    uint32_t combination;
    enum found found = combination_of(state, lists, call, budget, &combination);
    if (found != FOUND)
        return found == NO_KEY;
    if (!reserve((void **)&lists->heads, combination + 1, &lists->head_capacity, sizeof *lists->heads,
                 budget))
        return false;
    for (; lists->head_count <= combination; lists->head_count++)
        lists->heads[lists->head_count] = NO_NODE;
    uint32_t node = new_node(state, budget);
    if (node == NO_NODE)
        return false;
    state->nodes[node] = (struct rule_node){number, call->function, lists->heads[combination]};
    lists->heads[combination] = node;
    state->listed[number] |= 1u << rule;
    return true;
}

bool cache_rules_put(struct cache_rules *rules, uint32_t which, uint32_t number,
                     const struct analysis_call *call, struct perftrace_budget *budget) {
    struct cache_rules_state *state = rules->state;
    if (!reserve((void **)&state->listed, number + 1, &state->listed_capacity, sizeof *state->listed, budget))
        return false;
    for (which &= ~state->listed[number]; which != 0; which &= which - 1) {
        uint32_t rule = (uint32_t)__builtin_ctz(which);
        if (state->lists[rule].rule.key_count > 0 && !put(state, rule, number, call, budget))
            return false;
    }
    return true;
}

uint32_t cache_rules_take(struct cache_rules *rules, uint32_t rule, const struct analysis_call *call,
                          uint32_t *cursor, uint32_t *function, struct perftrace_budget *budget) {
    struct cache_rules_state *state = rules->state;
    struct rule_lists *lists = &state->lists[rule];
    if (*cursor == 0) {
        uint32_t combination;
        enum found found =
            lists->rule.key_count == 0 ? NO_KEY : combination_of(state, lists, call, budget, &combination);
        if (found == NO_KEY || found == NO_MEMORY)
            return *cursor = CACHE_RULES_ALL;
        *cursor = combination + 1;
    } else if (*cursor == CACHE_RULES_ALL) {
        return CACHE_RULES_END;
    }
    if (*cursor > lists->head_count || lists->heads[*cursor - 1] == NO_NODE)
        return CACHE_RULES_END;
    uint32_t node = lists->heads[*cursor - 1], number = state->nodes[node].number;
    lists->heads[*cursor - 1] = state->nodes[node].next;
    *function = state->nodes[node].function;
    state->nodes[node].next = state->unused;
    state->unused = node;
    state->listed[number] &= ~(1u << rule);
    return number;
}
