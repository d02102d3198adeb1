/* Small traces with all that the format has, to be damaged. */
#ifndef PERFTRACE_TESTS_SAMPLES_H
#define PERFTRACE_TESTS_SAMPLES_H

#include "../unit/make_trace.h"

/* All kinds of blocks and of records, on two threads, a GPU queue and a fiber. `twice`: blocks that others depend on in
 * two copies, as the recorder writes them. */
struct made sample_of_all(bool twice);
/* What a program recorded that used the whole API and ended in good order. */
struct made sample_recorded(void);
/* What a killed program left: its trace and its rings, with records of two threads in each. The trace names ./left.ring by
 * its absolute path. */
struct made sample_killed(struct made *ring);
/* Lines of a log: with parameters, metrics, escapes, callers, other output between them. */
struct made sample_log(void);

/* Where blocks lie in a trace; the first is its header. */
struct sample_part {
    size_t begin, end;
    uint16_t kind; /* 0: the header */
};
/* Returns how many there are, at most `most`. */
size_t sample_parts(const struct made *trace, struct sample_part *parts, size_t most);

#endif
