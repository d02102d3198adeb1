/* What calls have in common although their parameters' values differ: the shape of a question. And what can be told
 * of single values: a query's text, a list, a number. */
#ifndef PERFTRACE_ANALYSIS_SIBLING_SHAPE_H
#define PERFTRACE_ANALYSIS_SIBLING_SHAPE_H

#include "sibling_path.h"

#define SIBLING_SHAPE_NONE UINT32_MAX
#define SIBLING_PARAMETERS_MAX 64u /* questions of more have no shape */

/* Function, names of the parameters in their order, and of values that are queries' texts the text without its
 * literals. */
struct sibling_shape {
    uint32_t function;
    uint32_t parameter_count;
    uint64_t statements; /* bit i: parameter i is a query's text */
    uint32_t hinted;     /* parameter whose name the hints are of, + 1; 0: none yet */
    uint32_t hints;      /* SIBLING_HINT_…, of the names of function and parameter */
};

/* What names say. */
enum {
    SIBLING_HINT_PAGE = 1,
    SIBLING_HINT_ATTEMPT = 2,
    SIBLING_HINT_TICK = 4,
    SIBLING_HINT_TIME = 8,
    SIBLING_HINT_POLL = 16,
    SIBLING_HINT_CHECK = 32,
};

#define SIBLING_SHAPES_LAST 64u

/* What metrics tell by their names, by where the argument is: each of an input has its own place, and calls of one
 * function share them. All zeros at the start of an input. */
#define SIBLING_KINDS_KNOWN 256u
struct sibling_kinds {
    struct {
        const struct perftrace_argument_info *argument;
        uint32_t kind;
    } known[SIBLING_KINDS_KNOWN];
};

/* Zero-initialised but for the key is empty. */
struct sibling_shapes {
    struct pair_table table;
    struct sibling_shape *shapes; /* by number */
    uint32_t capacity;
    uint32_t *of_question; /* shape + 1; 0: not known yet */
    uint32_t questions;
    struct sibling_shape_last {
        uint32_t function, question, shape; /* the latter + 1; 0: none */
    } last[SIBLING_SHAPES_LAST]; /* by function: its last question, if there is no query's text in it */
    struct sibling_paths paths;
    struct sibling_kinds kinds; /* of metrics: what calls' answers have in common */
    uint64_t key;               /* of all hashes, those of answers too: set it first */
    uint64_t refused;           /* calls for which there was no room */
};

uint32_t sibling_make_shape(struct sibling_shapes *shapes, struct analysis *analysis, uint32_t question);
/* Of a question that has parameters. SIBLING_SHAPE_NONE: too many of them, or no room. */
static inline uint32_t sibling_shape_of(struct sibling_shapes *shapes, struct analysis *analysis,
                                        uint32_t question) {
    return question < shapes->questions && shapes->of_question[question] != 0
               ? shapes->of_question[question] - 1
               : sibling_make_shape(shapes, analysis, question);
}
/* What is said by the names of a shape's function and parameter. */
uint32_t sibling_hints(struct sibling_shapes *shapes, const struct analysis *analysis, uint32_t question,
                       uint32_t shape, uint32_t parameter);
void sibling_shapes_free(struct sibling_shapes *shapes);

/* The text of parameter `index`. */
struct perftrace_text sibling_value(const struct analysis *analysis, uint32_t question, uint32_t index);

/* Writes `text` without literals, in lower case, with single spaces, to `out` (at most `max` bytes); returns its
 * length. */
size_t sibling_skeleton(struct perftrace_text text, char *out, size_t max);
bool sibling_is_statement(struct perftrace_text text);
/* Whether the value names several things: "1,2,3", "[a, b]", "… IN (1, 2) …". */
bool sibling_is_list(struct perftrace_text text, bool statement);
/* A whole number, or "7-12" and the like, where *end is 12; else *end is *value. */
bool sibling_number(struct perftrace_text text, int64_t *value, int64_t *end);

/* The number in a query's text that begins where another text of the same structure differs from it. */
bool sibling_number_in(struct perftrace_text text, struct perftrace_text other, int64_t *value);
/* How many records a query's text asks for at most ("LIMIT 50"); 0: it does not say. */
int64_t sibling_limit(struct perftrace_text text);

/* Whether one of the words, which are separated by spaces, stands in the name (whatever its case) as a word of it:
 * "page" in "page", "next_page", "pageNumber" but not in "homepages". */
bool sibling_name_has(struct perftrace_text name, const char *words);

#endif
