/* Filter directives: which sites are on. Those of Rust's EnvFilter (tracing-subscriber, "EnvFilter",
 * section Directives), with two differences: with no directive everything is on, and `target[span]=level`
 * selects the spans of that name, not also what happens within them.
 *
 *   directives = directive { "," directive }       empty ones, and blanks around each, do not count
 *   directive  = level                             for all targets that no other directive matches
 *              | [target] ["[" span "]"] ["=" [level]]    without a level: trace
 *   level      = off error warn info debug trace, in any case, or 0 … 5
 *
 * A target matches those that begin with it (`net` matches `network`). A target that no directive matches is
 * off: `net=info` means `off,net=info`. Of two directives with the same target and span the later holds.
 * EnvFilter's fields, `target[span{field=value}]`, are not supported. */
#ifndef PERFTRACE_RUNTIME_FILTER_H
#define PERFTRACE_RUNTIME_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PERFTRACE_DIRECTIVES_MAX 64u
#define PERFTRACE_DIRECTIVE_BYTES 128u

struct perftrace_directive {
    char target[PERFTRACE_DIRECTIVE_BYTES]; /* "" is all */
    char span[PERFTRACE_DIRECTIVE_BYTES];   /* "" is any */
    uint8_t level;                          /* 0 off, 1 error … 5 trace */
};

/* Of fixed size, since it is consulted where nothing may be allocated. Zero-initialised: everything on. */
struct perftrace_filter {
    size_t count;
    struct perftrace_directive directives[PERFTRACE_DIRECTIVES_MAX];
};

/* Parses `text` (NULL or empty: everything on) into *filter. For each directive that makes no sense, is too
 * long or is one too many, `complain` (if not NULL) is called with the directive (not terminated) and a
 * reason, and the others hold; where none is left, everything is on. Returns how many there were of these.
 * Allocates nothing. */
int perftrace_filter_parse(struct perftrace_filter *filter, const char *text,
                           void (*complain)(const char *directive, size_t length, const char *reason));

/* Whether a site of this target, name and level (1 … 5; 0: always on) is on. The name is matched only
 * by directives with a [span]; NULL: none of them matches (it is not a span). The most specific matching
 * directive decides: longest target, then one with a span. */
bool perftrace_filter_allows(const struct perftrace_filter *filter, const char *target, const char *name,
                             unsigned level);

#endif
