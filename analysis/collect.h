/* Calls, item by item, into a model from which reports are made. The model grows with what is distinct
 * (functions, signatures, callers), not with the number of calls. Nothing here prints. */
#ifndef PERFTRACE_ANALYSIS_COLLECT_H
#define PERFTRACE_ANALYSIS_COLLECT_H

#include "../include/perftrace_reader.h"
#include "../core/budget.h"
#include "../core/text.h"
#include "intern.h"
#include "open_calls.h"
#include "select.h"

enum analysis_part_number {
#define PART(name) ANALYSIS_PART_##name,
#include "list.h"
#undef PART
    ANALYSIS_PARTS
};

/* What is asked for. */
struct analysis_options {
    uint32_t slowest_max;    /* so many of the slowest calls are kept */
    uint32_t neighbours_max; /* of so many the calls around them are kept, too; 0: of none */
    /* For what the parts keep, in bytes, about, and once more for the model; 0: as much as there is. */
    size_t memory_max;
    /* All texts are the caller's, and live as long as the analysis. */
    struct analysis_selection selection; /* calls that count */
    /* Patterns of the names of parameters that are not part of signatures and questions. */
    struct analysis_texts ignored;
    struct analysis_texts invalidations; /* rules of cache_rules.h */
    struct analysis_texts group_by; /* names of parameters or metrics whose values make groups of calls */
};

/* Which call: its number, and of which input (from 1, in the order of analysis_begin_input). */
struct __attribute__((packed, aligned(4))) analysis_call_id { /* there are many: twelve bytes, not sixteen */
    uint64_t number;
    uint32_t input;
};
static inline bool analysis_call_before(struct analysis_call_id a, struct analysis_call_id b) {
    return a.input != b.input ? a.input < b.input : a.number < b.number;
}

/* All spans of one name, whatever their target: a log knows no targets. A name that was seen only as a
 * caller has no calls. */
struct analysis_function {
    struct perftrace_text name;
    uint64_t calls, unfinished; /* calls and total_ns: after analysis_finish */
    uint64_t total_ns;          /* recursion counts each level */
    /* Without calls within another of the same function; after analysis_finish (call_tree.h). */
    uint64_t outermost_ns;
    uint64_t self_ns, min_ns, max_ns;
    bool unknown; /* the name that stands for none, of callers */
};

struct analysis_edge {
    uint32_t caller, function; /* into functions */
    uint64_t calls, total_ns;  /* after analysis_finish */
};

/* Calls of one function with the same parameters from one caller. */
#define ANALYSIS_NUMBERS_MAX 20u /* how many call numbers a signature remembers: the smallest */
struct analysis_signature {
    uint32_t question, caller, edge;
    uint32_t next; /* signature of the same question, or INTERN_NONE */
    uint64_t calls, total_ns;
    struct analysis_call_id first;
    uint8_t number_count;
    bool asks : 1;           /* its question has parameters */
    bool caller_unknown : 1; /* the caller's name is the one that stands for none */
    uint16_t last_input;     /* of the last one in `numbers`, its lower half … */
    uint64_t last_number;
    struct analysis_call_id *numbers; /* in order, from the second on: numbers[0] follows `first` */
};

/* A parameter of a question, by numbers: equal ones have equal names and values. */
struct analysis_parameter {
    uint32_t name, value; /* analysis_text gives them */
};

/* One function with the same parameters, whoever called. */
struct analysis_question {
    uint32_t function;
    uint32_t signatures;      /* how many, each of another caller */
    uint32_t first_signature; /* the list goes on in analysis_signature.next */
    uint64_t calls;           /* this and the next: after analysis_finish */
    struct analysis_call_id first;
    struct perftrace_text parameters; /* "|key=value|key=value", escaped for reports; may be empty */
    uint32_t first_parameter;         /* into analysis.parameters */
    uint32_t parameter_count;
};

/* A finished call, as the parts (part.h) see it: what it is, by numbers of the model. Calls come in the order of their ends,
 * so children before their parents. */
struct analysis_call {
    struct analysis_call_id id;
    /* Of two calls with one question, another: writes have made invalid what the first one was answered (validity.h). */
    uint32_t validity;
    uint64_t parent; /* the number of the enclosing call, in the same input; 0: none or unknown */
    uint32_t function, caller, question, signature, edge;
    uint32_t slot;        /* its own, until now its children's parent_slot; OPEN_CALLS_NONE: it has none */
    uint32_t parent_slot; /* of the enclosing call (open_calls.h); OPEN_CALLS_NONE: none or unknown */
    /* That is the next call of the caller's name to end on this track: no number says which. */
    bool parent_by_name;
    bool caller_unknown; /* the caller's name is the one that stands for none */
    bool asks;           /* it has a question, and that has parameters */
    bool first_asked;    /* nobody has asked its question before, in any input */
    bool milliseconds;   /* elapsed_ns is known to the millisecond only */
    bool async;          /* it may overlap others of its track */
    uint32_t track;      /* its number in the trace; of a log: the value of `thread`, else 0 */
    /* As of analysis_question_hash, where the question is not kept and has parameters; then 0 else. */
    uint64_t question_hash;
    uint64_t start_ns; /* 0: unknown */
    uint64_t elapsed_ns, self_ns;
    size_t parameter_count, metric_count;
    /* The reader's, until the next item; ignored ones are among them. */
    const struct perftrace_value *parameters;
    const struct perftrace_value *metrics;
};
_Static_assert(sizeof(void *) != 8 || sizeof(struct analysis_call) == 128,
               "its place in a round is found by a shift");

/* What is known of a whole input after it was read. */
struct analysis_input {
    const char *name;
    uint64_t calls;
    uint64_t first_ns,
        last_ns; /* of the calls, from the first one's start to the last one's end; both 0: not known */
    uint8_t boot_id[16]; /* whose clock that is; zeros: not known */
    uint32_t threads;    /* 0: not known */
    bool finished;       /* the program ended its trace in good order; always true for a log */
    bool live;
    bool damaged;
};

struct analysis {
    uint64_t calls; /* finished ones: the unfinished are counted, and in nothing else */
    uint64_t unfinished;
    /* Finished and unfinished calls that options.selection leaves out: they count in nothing else. */
    uint64_t left_out;
    uint64_t lost[PERFTRACE_LOSS_KINDS];
    struct analysis_input *inputs;
    struct analysis_function *functions;
    struct analysis_edge *edges;
    struct analysis_signature *signatures;
    struct analysis_question *questions;
    struct analysis_parameter *parameters; /* of all questions */
    uint32_t input_count, function_count, edge_count, signature_count, question_count, parameter_count;
    struct analysis_options options;
    struct perftrace_budget budget; /* of options.memory_max: whatever parts keep that grows takes from it */
    struct open_calls open;         /* of this input */
    struct analysis_state *state;   /* collect.c's own */
    void *parts[ANALYSIS_PARTS];    /* what each part has found: behind the functions of its header */
};

/* NULL without memory. Free with analysis_close (NULL: nothing happens). */
struct analysis *analysis_open(const struct analysis_options *options);
void analysis_close(struct analysis *analysis);

/* What the parts and the model take of the memory that they are allowed, together; and from now on they may take less: what they have
 * stays, and memory_max is as in the options. */
size_t analysis_memory(const struct analysis *analysis);
void analysis_limit(struct analysis *analysis, size_t memory_max);

/* Around the items of one reader. `name` is copied; the reader must live until the end of its input. All
 * return 0 or -PERFTRACE_ERROR_MEMORY. */
/* The kinds of items that it does nothing with, as PERFTRACE_ITEM_BITs. */
uint32_t analysis_unwanted(const struct analysis *analysis);
int analysis_begin_input(struct analysis *analysis, const char *name);
int analysis_item(struct analysis *analysis, const struct perftrace_item *item);
/* When the next item's call may have begun, for a log, which does not tell: what a selection by time goes by. */
void analysis_place(struct analysis *analysis, uint64_t start_ns);
/* Whether an input has to be given by items, for what is asked of each call. Else it may be given by calls: */
bool analysis_needs_items(const struct analysis *analysis);
/* As many items, given as perftrace_reader_calls does: the fast way, since calls are known by their keys. */
int analysis_calls(struct analysis *analysis, struct perftrace_reader *reader, struct perftrace_call *calls,
                   size_t count);
int analysis_end_input(struct analysis *analysis, const struct perftrace_trace_info *info, uint32_t threads);

/* After the last input, before anything but the totals is looked at. 0, or -PERFTRACE_ERROR_MEMORY. */
int analysis_finish(struct analysis *analysis);

/* A line for each thing that is not exact for want of memory; nothing where all is. */
void analysis_approximations(const struct analysis *analysis, struct perftrace_buffer *text);

/* How many calls asked what had been answered before: to the same caller, or to another one. What writes have made invalid meanwhile, by
 * options.invalidations, does not count as answered. */
uint64_t analysis_repeats(const struct analysis *analysis, const struct analysis_signature *signature);
uint64_t analysis_repeats_of_others(const struct analysis *analysis,
                                    const struct analysis_question *question);

/* For parts, while they are given calls: whether the model does not change meanwhile; it does not from the first call on whose parameters
 * are not kept. Then the hash of a question may be asked for, by which it is the same whether it is kept or not. */
bool analysis_stands_still(const struct analysis *analysis);
uint64_t analysis_question_hash(const struct analysis *analysis, uint32_t question);

/* A parameter's name or value, safe to show. */
struct perftrace_text analysis_text(const struct analysis *analysis, uint32_t text);

/* "name|caller=X|key=value|…", and the same without the caller; added to `buffer`, safe to show. */
void analysis_signature_text(const struct analysis *analysis, const struct analysis_signature *signature,
                             struct perftrace_buffer *buffer);
void analysis_question_text(const struct analysis *analysis, const struct analysis_question *question,
                            struct perftrace_buffer *buffer);

#endif
