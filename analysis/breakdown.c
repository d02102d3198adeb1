/* Metrics of calls, added up by function and name. A function's calls mostly give the same metrics in the same order, and what a reader
 * knows of a metric stays where it is for as long as the reader: so a metric is known by that, mostly, and its name is not looked at. */
#include "breakdown.h"

#include "part.h"
#include "rank.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define METRIC_NONE UINT32_MAX
#define SLOW __attribute__((noinline)) /* out of the way of what each call, or most of them, go through */

struct metric {
    const struct perftrace_argument_info *argument; /* of this input, as it was given last; NULL: not yet */
    struct perftrace_text name;
    uint32_t unit_ns; /* of times; else 0 */
    uint32_t leader; /* of times: the first metric of the same name without the unit, which adds up for all */
    /* Of a leader: */
    uint32_t now_unit_ns; /* the finest one of the last call that gave it … */
    uint32_t next;        /* another leader that the call gave, or METRIC_NONE */
    uint64_t stamp;       /* … which was this one … */
    uint64_t now_ns;      /* … and took so long */
    union {
        struct analysis_time_part part;
        struct analysis_amount *amount; /* NULL: no number was given yet */
    };
};

struct function_metrics {
    struct metric *metrics;
    uint32_t count, capacity;
    bool shared;                      /* one adds up for another */
    struct analysis_breakdown result; /* its arrays are made at the end */
};

struct breakdown {
    struct function_metrics *functions;
    uint32_t function_capacity;
    uint64_t stamp;
    uint64_t left_out; /* metrics of calls that there was no room for */
    struct perftrace_arena names;
    struct analysis_breakdown *results;
    uint32_t result_count;
    struct perftrace_budget *budget;
};

static int breakdown_open(const struct analysis *analysis, void *state) {
    struct breakdown *breakdown = state;
    /* The budget is the analysis's own, which is not const where it lives. */
    breakdown->budget = breakdown->names.budget = (struct perftrace_budget *)(uintptr_t)&analysis->budget;
    breakdown->names.bytes_max = SIZE_MAX;
    return 0;
}

/* ---- numbers -------------------------------------------------------------------------------------- */

static unsigned range_of(int64_t number) {
    if (number <= 0)
        return number == 0;
    return 65 - (unsigned)__builtin_clzll((uint64_t)number);
}

void breakdown_range(unsigned range, int64_t *from, int64_t *to) {
    *from = range == 0 ? INT64_MIN : range == 1 ? 0 : INT64_C(1) << (range - 2);
    *to = range == 0 ? -1 : range == 1 ? 0 : (int64_t)((UINT64_C(1) << (range - 1)) - 1);
}

static uint64_t add_saturated(uint64_t a, uint64_t b) {
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* "12.50", which readers leave as a text, since it would be written 12.5. */
static bool parse_decimal(struct perftrace_text text, double *number) {
    double value = 0, scale = 1;
    bool point = false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.bytes[i];
        if (c == '.' && !point && i > 0) {
            point = true;
        } else if (c >= '0' && c <= '9') {
            value = value * 10 + (c - '0');
            scale *= point ? 10 : 1;
        } else {
            return false;
        }
    }
    *number = value / scale;
    return text.length > 0 && text.length < 24;
}

static SLOW bool time_of_fraction(const struct perftrace_value *value, uint64_t unit, uint64_t *ns) {
    double number;
    if (value->type == PERFTRACE_TYPE_DOUBLE)
        number = value->d;
    else if (value->type != PERFTRACE_TYPE_STRING || value->null || !parse_decimal(value->text, &number))
        return false;
    if (!(number >= 0))
        return false;
    number = number * (double)unit + 0.5;
    *ns = number < 18e18 ? (uint64_t)number : UINT64_MAX;
    return true;
}

/* A time that is a number and not negative, in nanoseconds. */
static inline bool time_of(const struct perftrace_value *value, uint64_t unit, uint64_t *ns) {
    if (value->type != PERFTRACE_TYPE_SIGNED && value->type != PERFTRACE_TYPE_UNSIGNED)
        return time_of_fraction(value, unit, ns);
    if (value->type == PERFTRACE_TYPE_SIGNED && value->i < 0)
        return false;
    if (__builtin_mul_overflow(value->u, unit, ns))
        *ns = UINT64_MAX;
    return true;
}

static inline bool amount_of(const struct perftrace_value *value, int64_t *number) {
    if (value->type == PERFTRACE_TYPE_SIGNED)
        *number = value->i;
    else if (value->type == PERFTRACE_TYPE_UNSIGNED || value->type == PERFTRACE_TYPE_BOOLEAN)
        *number = value->u > INT64_MAX ? INT64_MAX : (int64_t)value->u;
    else
        return false;
    return true;
}

/* ---- metrics -------------------------------------------------------------------------------------- */

/* 0: it is no time. */
static uint32_t unit_of(struct perftrace_text name) {
    if (name.length <= 3 || name.bytes[name.length - 3] != '_' || name.bytes[name.length - 1] != 's')
        return 0;
    char c = name.bytes[name.length - 2];
    return c == 'm' ? 1000000 : c == 'u' ? 1000 : c == 'n' ? 1 : 0;
}

/* NULL: there is none yet. */
static struct metric *find_metric(const struct function_metrics *function,
                                  const struct perftrace_value *value) {
    struct perftrace_text name = value->argument->name;
    for (uint32_t i = 0; i < function->count; i++)
        if (function->metrics[i].argument == value->argument)
            return &function->metrics[i];
    for (uint32_t i = 0; i < function->count; i++) {
        struct metric *metric = &function->metrics[i];
        if (metric->name.length == name.length && memcmp(metric->name.bytes, name.bytes, name.length) == 0)
            return metric;
    }
    return NULL;
}

static uint32_t leader_of(const struct function_metrics *function, struct perftrace_text name) {
    for (uint32_t i = 0; i < function->count; i++) {
        const struct metric *metric = &function->metrics[i];
        if (metric->unit_ns != 0 && metric->leader == i && metric->name.length == name.length &&
            memcmp(metric->name.bytes, name.bytes, name.length - 3) == 0)
            return i;
    }
    return function->count;
}

static bool grow_metrics(struct breakdown *breakdown, struct function_metrics *function) {
    uint32_t wanted = function->capacity == 0 ? 4 : function->capacity * 2;
    return wanted <= BREAKDOWN_METRICS_MAX &&
           array_grow(breakdown->budget, (void **)&function->metrics, &function->capacity, wanted,
                      sizeof *function->metrics);
}

static SLOW bool make_amount(struct breakdown *breakdown, struct metric *metric) {
    struct analysis_amount *amount = perftrace_arena_take(&breakdown->names, sizeof *amount);
    if (amount == NULL)
        return false;
    amount->name = metric->name;
    amount->min = INT64_MAX;
    amount->max = INT64_MIN;
    metric->amount = amount;
    return true;
}

static struct metric *add_metric(struct breakdown *breakdown, struct function_metrics *function,
                                 const struct perftrace_value *value) {
    struct perftrace_text name = value->argument->name;
    struct metric metric = {.unit_ns = unit_of(name)};
    if (function->count == function->capacity && !grow_metrics(breakdown, function))
        return NULL;
    if (!perftrace_arena_text(&breakdown->names, name.bytes, name.length, &metric.name))
        return NULL;
    if (metric.unit_ns != 0) {
        metric.leader = leader_of(function, metric.name);
        function->shared |= metric.leader != function->count;
        metric.part.name = (struct perftrace_text){metric.name.bytes, metric.name.length - 3};
    }
    function->metrics[function->count] = metric;
    return &function->metrics[function->count++];
}

/* One that does not stand where it stood in the last call. NULL: there is no room for another. */
static SLOW struct metric *metric_of(struct breakdown *breakdown, struct function_metrics *function,
                                     const struct perftrace_value *value) {
    struct metric *metric = find_metric(function, value);
    if (metric == NULL)
        metric = add_metric(breakdown, function, value);
    if (metric != NULL)
        metric->argument = value->argument;
    return metric;
}

/* ---- calls ---------------------------------------------------------------------------------------- */

static inline void add_amount(struct analysis_amount *amount, int64_t number) {
    amount->min = number < amount->min ? number : amount->min;
    amount->max = number > amount->max ? number : amount->max;
    amount->sum += (double)number;
    amount->ranges[range_of(number)]++;
}

/* Within one call the finest unit counts. `noted` is the last leader of which a time was noted, and so is what is returned. */
static inline uint32_t note_time(struct function_metrics *function, const struct metric *metric, uint64_t ns,
                                 uint64_t stamp, uint32_t noted) {
    struct metric *leader = &function->metrics[metric->leader];
    bool again = leader->stamp == stamp;
    if (again && leader->now_unit_ns < metric->unit_ns)
        return noted;
    leader->now_unit_ns = metric->unit_ns;
    leader->now_ns = ns;
    if (again)
        return noted;
    leader->stamp = stamp;
    leader->next = noted;
    return metric->leader;
}

static inline void add_time(struct analysis_time_part *part, uint64_t ns) {
    part->calls++;
    part->total_ns = add_saturated(part->total_ns, ns);
    part->max_ns = ns > part->max_ns ? ns : part->max_ns;
}

/* Of a call that gave times, of so much together. */
static inline void add_measured(struct analysis_breakdown *result, const struct analysis_call *call,
                                uint64_t measured_ns) {
    uint64_t elapsed_ns = call->elapsed_ns;
    if (call->milliseconds && measured_ns > elapsed_ns && measured_ns - elapsed_ns < 1000000)
        elapsed_ns = measured_ns; /* it was rounded down */
    result->calls++;
    result->elapsed_ns = add_saturated(result->elapsed_ns, elapsed_ns);
    if (measured_ns > elapsed_ns) {
        result->over_calls++;
        result->over_ns = add_saturated(result->over_ns, measured_ns - elapsed_ns);
    } else {
        result->left_ns += elapsed_ns - measured_ns;
    }
}

/* What was noted of a call. */
static void add_times(struct function_metrics *function, const struct analysis_call *call, uint32_t noted) {
    uint64_t measured_ns = 0;
    for (; noted != METRIC_NONE; noted = function->metrics[noted].next) {
        uint64_t ns = function->metrics[noted].now_ns;
        add_time(&function->metrics[noted].part, ns);
        measured_ns = add_saturated(measured_ns, ns);
    }
    add_measured(&function->result, call, measured_ns);
}

static inline void add_number(struct breakdown *breakdown, struct metric *metric,
                              const struct perftrace_value *value) {
    int64_t number;
    if (!amount_of(value, &number))
        return;
    if (metric->amount != NULL || make_amount(breakdown, metric))
        add_amount(metric->amount, number);
    else
        breakdown->left_out++;
}

/* A call with other metrics than are known, or in another order, or with the same time in several units. */
static SLOW void add_others(struct breakdown *breakdown, struct function_metrics *function,
                            const struct analysis_call *call) {
    uint64_t stamp = ++breakdown->stamp, ns;
    uint32_t noted = METRIC_NONE;
    for (size_t i = 0; i < call->metric_count; i++) {
        const struct perftrace_value *value = &call->metrics[i];
        struct metric *metric = metric_of(breakdown, function, value);
        if (metric == NULL)
            breakdown->left_out++;
        else if (metric->unit_ns == 0)
            add_number(breakdown, metric, value);
        else if (time_of(value, metric->unit_ns, &ns))
            noted = note_time(function, metric, ns, stamp, noted);
    }
    if (noted != METRIC_NONE)
        add_times(function, call, noted);
}

/* Whether a call gives metrics as the function's calls mostly do. */
static inline bool is_usual(const struct function_metrics *function, const struct analysis_call *call) {
    if (function->shared || call->metric_count > function->count)
        return false;
    for (size_t i = 0; i < call->metric_count; i++)
        if (function->metrics[i].argument != call->metrics[i].argument)
            return false;
    return true;
}

static inline void add_usual(struct breakdown *breakdown, struct function_metrics *function,
                             const struct analysis_call *call) {
    uint64_t measured_ns = 0, ns;
    bool measured = false;
    struct metric *metric = function->metrics;
    for (const struct perftrace_value *value = call->metrics, *end = value + call->metric_count; value < end;
         value++, metric++) {
        if (metric->unit_ns == 0) {
            add_number(breakdown, metric, value);
        } else if (time_of(value, metric->unit_ns, &ns)) {
            add_time(&metric->part, ns);
            measured_ns = add_saturated(measured_ns, ns);
            measured = true;
        }
    }
    if (measured)
        add_measured(&function->result, call, measured_ns);
}

static SLOW int reserve_functions(struct breakdown *breakdown, uint32_t function) {
    uint32_t wanted = function < 64 ? 128 : function * 2;
    return array_grow_zeros(NULL, (void **)&breakdown->functions, &breakdown->function_capacity, wanted,
                            sizeof *breakdown->functions)
               ? 0
               : -PERFTRACE_ERROR_MEMORY;
}

static int breakdown_add(struct analysis *analysis, void *state, const struct analysis_call *calls,
                         size_t count) {
    (void)analysis;
    struct breakdown *breakdown = state;
    for (const struct analysis_call *call = calls; call < calls + count; call++) {
        if (call->metric_count == 0)
            continue;
        if (call->function >= breakdown->function_capacity &&
            reserve_functions(breakdown, call->function) != 0)
            return -PERFTRACE_ERROR_MEMORY;
        struct function_metrics *function = &breakdown->functions[call->function];
        if (is_usual(function, call))
            add_usual(breakdown, function, call);
        else
            add_others(breakdown, function, call);
    }
    return 0;
}

/* What its reader knew of metrics goes with it. */
static int breakdown_end_input(struct analysis *analysis, void *state) {
    (void)analysis;
    struct breakdown *breakdown = state;
    for (uint32_t i = 0; i < breakdown->function_capacity; i++)
        for (uint32_t k = 0; k < breakdown->functions[i].count; k++)
            breakdown->functions[i].metrics[k].argument = NULL;
    return 0;
}

/* ---- results -------------------------------------------------------------------------------------- */

static int compare_parts(const void *left, const void *right) {
    const struct analysis_time_part *a = left, *b = right;
    if (a->total_ns != b->total_ns)
        return a->total_ns > b->total_ns ? -1 : 1;
    return rank_texts(a->name, b->name);
}

/* Its arrays: those of the parts and of the amounts that calls had. */
static int finish_function(struct function_metrics *function) {
    struct analysis_time_part *parts = calloc(function->count + 1, sizeof *parts);
    struct analysis_amount *amounts = calloc(function->count + 1, sizeof *amounts);
    function->result.parts = parts;
    function->result.amounts = amounts;
    if (parts == NULL || amounts == NULL)
        return -PERFTRACE_ERROR_MEMORY;
    for (uint32_t i = 0; i < function->count; i++) {
        const struct metric *metric = &function->metrics[i];
        if (metric->unit_ns != 0 && metric->part.calls > 0)
            parts[function->result.part_count++] = metric->part;
        if (metric->unit_ns != 0 || metric->amount == NULL)
            continue;
        struct analysis_amount *amount = &amounts[function->result.amount_count++];
        *amount = *metric->amount;
        for (unsigned range = 0; range < BREAKDOWN_RANGES; range++)
            amount->calls += amount->ranges[range];
    }
    qsort(parts, function->result.part_count, sizeof *parts, compare_parts);
    return 0;
}

struct ranked {
    struct analysis_breakdown result;
    struct perftrace_text name;
    uint64_t calls;
};

static int compare_results(const void *left, const void *right) {
    const struct ranked *a = left, *b = right;
    if (a->result.elapsed_ns != b->result.elapsed_ns)
        return a->result.elapsed_ns > b->result.elapsed_ns ? -1 : 1;
    if (a->calls != b->calls)
        return a->calls > b->calls ? -1 : 1;
    return rank_texts(a->name, b->name);
}

static int breakdown_finish(struct analysis *analysis, void *state) {
    struct breakdown *breakdown = state;
    uint32_t functions = breakdown->function_capacity < analysis->function_count
                             ? breakdown->function_capacity
                             : analysis->function_count;
    struct ranked *ranked = calloc((size_t)functions + 1, sizeof *ranked);
    breakdown->results = calloc((size_t)functions + 1, sizeof *breakdown->results);
    int result = ranked != NULL && breakdown->results != NULL ? 0 : -PERFTRACE_ERROR_MEMORY;
    for (uint32_t i = 0; i < functions && result == 0; i++) {
        struct function_metrics *function = &breakdown->functions[i];
        if (function->count == 0)
            continue;
        result = finish_function(function);
        function->result.function = i;
        if (function->result.part_count + function->result.amount_count > 0)
            ranked[breakdown->result_count++] =
                (struct ranked){function->result, analysis->functions[i].name, analysis->functions[i].calls};
    }
    if (result == 0) {
        qsort(ranked, breakdown->result_count, sizeof *ranked, compare_results);
        for (uint32_t i = 0; i < breakdown->result_count; i++)
            breakdown->results[i] = ranked[i].result;
    }
    free(ranked);
    return result;
}

const struct analysis_breakdown *analysis_breakdowns(const struct analysis *analysis, uint32_t *count) {
    const struct breakdown *breakdown = analysis->parts[ANALYSIS_PART_breakdown];
    *count = breakdown->result_count;
    return breakdown->results;
}

static void breakdown_approximated(const struct analysis *analysis, const void *state,
                                   struct perftrace_buffer *text) {
    (void)analysis;
    const struct breakdown *breakdown = state;
    if (breakdown->left_out > 0)
        perftrace_buffer_print(text, "Query breakdown: %" PRIu64 " %s left out.\n", breakdown->left_out,
                               breakdown->left_out == 1 ? "metric is" : "metrics are");
}

static void breakdown_close(void *state) {
    struct breakdown *breakdown = state;
    for (uint32_t i = 0; i < breakdown->function_capacity; i++) {
        free(breakdown->functions[i].metrics);
        free((void *)(uintptr_t)breakdown->functions[i].result.parts);
        free((void *)(uintptr_t)breakdown->functions[i].result.amounts);
    }
    free(breakdown->functions);
    free(breakdown->results);
    perftrace_arena_free(&breakdown->names);
}

const struct analysis_part part_breakdown = {
    .state_bytes = sizeof(struct breakdown),
    .open = breakdown_open,
    .add = breakdown_add,
    .apart = true,
    .unkept = breakdown_add,
    .end_input = breakdown_end_input,
    .finish = breakdown_finish,
    .approximated = breakdown_approximated,
    .close = breakdown_close,
};
