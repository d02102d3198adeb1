/* What `check` and `diff` have found, for people, programs and services: findings in, one format out. */
#ifndef PERFTRACE_TOOL_FINDINGS_H
#define PERFTRACE_TOOL_FINDINGS_H

#include "../../analysis/judge.h"
#include "../../core/arena.h"
#include "../../core/text.h"
#include "../support/terminal.h"

#include <stdio.h>

enum { FINDING_FIGURES_MAX = 16, FINDINGS_SHOWN_BY_SERVICES = 10 };

/* A number of a finding, for programs. */
struct finding_figure {
    const char *key;
    double value; /* not finite: it is not known, and left out */
};

/* A part of an explanation: so many nanoseconds more were spent in it than usual. All parts add up to the difference. */
struct finding_part {
    const char *name; /* safe to show */
    bool elsewhere;   /* on another thread, meanwhile: not one of the sum */
    bool gap;         /* in no span */
    int64_t difference_ns;
    uint64_t ns, usual_ns, calls, usual_calls;
};

/* What an explanation comes to. */
struct finding_cause {
    struct finding_part part;
    const char **waited; /* elsewhere: what waited for it, the sample's own track's first; of the arena */
    size_t waited_count;
};

struct finding {
    enum verdict verdict;
    const char *rule;    /* what kind of thing this is: "budget", "slower", "calls" …; one word */
    const char *name;    /* of what it is: the promise, the span; safe to show, as all texts are */
    const char *message; /* what was found, as a part of a sentence: goes on after "name: " */
    const char *details; /* lines, each with its end; or NULL */
    const char *kind;    /* what it is about, the same whatever is found: "time" …; or NULL */
    const char *section; /* for people: the heading of those that stand together; or NULL */
    const char *per;     /* of figures of time: "run", "frame" …; or NULL */
    bool quiet;          /* nothing that people want to read: it counts, and is for programs */
    const char *file;    /* where it is in a source, or in the budget; NULL: not known */
    unsigned line;       /* 0: not known */
    double weight; /* how much it matters: of equal verdicts, larger ones are told first where not all are */
    struct finding_figure figures[FINDING_FIGURES_MAX];
    size_t figure_count;
    struct finding_part *parts; /* the largest difference first; of the arena */
    size_t part_count;
    struct finding_cause *cause; /* NULL: none; of the arena */
};

struct findings {
    const char *command; /* "check", "diff" */
    const char *about;   /* the budget, or what was compared; safe to show */
    const char *place;   /* a file for those that have none of their own: what was judged; or NULL */
    const char *notes;   /* lines on the whole, or NULL */
    const char *summary; /* a line: what came of it; or NULL, then verdicts are counted */
    size_t shown_max;    /* for people so many of a section; 0: all */
    struct finding *list;
    uint32_t count, capacity;
    struct perftrace_arena arena; /* of the texts */
    bool failed;                  /* out of memory: some are missing */
};

/* Zero-initialised but for arena.bytes_max is empty. A new finding, zeros; NULL without memory. */
struct finding *findings_add(struct findings *findings);
void findings_figure(struct finding *finding, const char *key, double value);
/* A copy that lives as long as the findings, of what is in the buffer, which becomes empty. NULL: out of memory. */
const char *findings_text(struct findings *findings, struct perftrace_buffer *text);
/* The same of a name, made safe to show. */
const char *findings_visible(struct findings *findings, struct perftrace_text name);
size_t findings_of(const struct findings *findings, enum verdict verdict); /* how many */
enum verdict findings_verdict(const struct findings *findings);            /* of all */
/* "PASS" … */
const char *findings_verdict_name(enum verdict verdict);
/* The summary, or the verdicts counted, without the end of a line. */
void findings_write_summary(const struct findings *findings, FILE *file);
/* The exit code that says it. */
int findings_exit_code(const struct findings *findings);
/* Those of one verdict, those that weigh most first, to be freed. NULL without memory. */
const struct finding **findings_sorted(const struct findings *findings, enum verdict verdict, size_t *count);
void findings_free(struct findings *findings);

/* A format: one file, and a line in list.h. */
struct findings_format {
    const char *name;
    const char *summary; /* one line for help */
    /* To `file`; failed writes are the caller's affair. -1 without memory. */
    int (*write)(const struct findings *findings, FILE *file, bool color);
};
extern const struct findings_format *const findings_formats[]; /* ends with NULL */
extern const char *const findings_format_names[];              /* the same, by name */
/* To standard output; where `path` is not NULL, to that file, and to standard output as text. 0, or -1 after an error message. */
int findings_deliver(const struct findings *findings, const struct findings_format *format, const char *path,
                     enum color_choice color);
/* The list of formats, for help. */
void findings_list_formats(FILE *file, unsigned width);

#define FINDINGS_FORMAT(name) extern const struct findings_format findings_format_##name;
#include "list.h"
#undef FINDINGS_FORMAT

#endif
