/* Argument words -> values, and argument words kept for as long as their span is open. */
#ifndef PERFTRACE_CORE_VALUES_H
#define PERFTRACE_CORE_VALUES_H

#include "tables.h"

/* ---- values --------------------------------------------------------------------------------------- */

/* METRIC sites whose values one call can have; the values of others are left out. */
#define PERFTRACE_CALL_METRIC_SITES_MAX 64u
#define PERFTRACE_VALUES_MAX ((PERFTRACE_CALL_METRIC_SITES_MAX + 2) * PERFTRACE_ARGUMENTS_MAX)

/* The values of the item at hand. Zero-initialised is empty. */
struct perftrace_values {
    size_t count;
    char *texts; /* copies of texts that no zero byte follows in the trace */
    size_t text_bytes, text_capacity;
    struct perftrace_value values[PERFTRACE_VALUES_MAX];
};

/* Forgets all values and makes room for those that `words` argument words can hold. False without memory. */
bool perftrace_values_start(struct perftrace_values *values, size_t words);
/* Adds the values of one record's argument words and returns where they lie. Their texts are in `words` or in
 * `values`. */
const struct perftrace_value *perftrace_values_add(struct perftrace_values *values,
                                                   const struct perftrace_site_entry *site,
                                                   const uint64_t *words);

/* ---- kept words ----------------------------------------------------------------------------------- */

/* The parameters' words, then for each METRIC site: its entry's address, a count of words (and in the upper half for how
 * many there is room), the words. */
struct perftrace_kept {
    struct perftrace_kept *next; /* of the free ones */
    size_t used, capacity;
    size_t parameter_words;
    uint32_t metric_sites;
    uint64_t words[];
};

/* Zero-initialised but for bytes_max has none. */
struct perftrace_keeper {
    struct perftrace_budget *budget; /* NULL: none */
    struct perftrace_kept *free;
    size_t bytes, bytes_max; /* of all kept words, free ones included */
    uint64_t refused;        /* times that there was no room */
};

/* Keeps a copy of a record's argument words. NULL when there are none, or no room. */
struct perftrace_kept *perftrace_keep(struct perftrace_keeper *keeper, const uint64_t *words, size_t count);
/* Adds metrics to what is kept of a span (NULL: nothing yet); those of a site that is there already are
 * replaced: the last value counts. */
void perftrace_keep_metric(struct perftrace_keeper *keeper, struct perftrace_kept **kept,
                           const struct perftrace_site_entry *site, const uint64_t *words, size_t count);
void perftrace_keep_release(struct perftrace_keeper *keeper, struct perftrace_kept *kept); /* NULL: nothing */
void perftrace_keeper_free(struct perftrace_keeper *keeper);

/* Values of the metrics kept; *count is how many. */
const struct perftrace_value *perftrace_values_add_metrics(struct perftrace_values *values,
                                                           const struct perftrace_kept *kept, size_t *count);

#endif
