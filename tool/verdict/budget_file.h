/* A budget: a file with a promise on each line. docs/ci.md has the language. */
#ifndef PERFTRACE_TOOL_BUDGET_FILE_H
#define PERFTRACE_TOOL_BUDGET_FILE_H

#include "../../analysis/promise.h"
#include "../../core/arena.h"

#include <stddef.h>

enum { BUDGET_PROMISES_MAX = 1000, BUDGET_BYTES_MAX = 1 << 20, BUDGET_TOLD_MAX = 10 };

/* What is wrong, and where: from 1. */
struct budget_problem {
    unsigned line, column;
    char message[320];
};

struct budget_file {
    struct promise *promises;
    uint32_t count, capacity;
    struct budget_problem problems[BUDGET_TOLD_MAX];
    size_t problem_count;         /* in all */
    struct perftrace_arena arena; /* of the texts */
};

/* `text` is the file's, `length` bytes of anything; it may go afterwards. -1 without memory. What is wrong is told in
 * `problems`, and the other lines are read all the same. */
int budget_parse(struct budget_file *budget, const char *text, size_t length);
/* The same of a file ("-": standard input). -1 after error messages: it can't be read, something is wrong in it, or it promises nothing. */
int budget_read(struct budget_file *budget, const char *path);
void budget_free(struct budget_file *budget);

#endif
