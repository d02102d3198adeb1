/* Inputs of a command: which files the operands mean, and reading one with warnings and a progress bar. */
#ifndef PERFTRACE_TOOL_INPUT_H
#define PERFTRACE_TOOL_INPUT_H

#include "../../analysis/log_times.h"
#include "../../include/perftrace_reader.h"
#include "progress.h"
#include "unpack.h"

/* One input being read. The on_damage warnings go to stderr: the first few, then a count. */
struct input {
    const char *name; /* for messages */
    struct perftrace_reader *reader;
    struct progress progress;
    struct unpack unpack; /* at work, where the input is compressed */
    uint64_t damages;
    uint64_t items, calls; /* so far */
    bool native;           /* a trace; else a log, of which children_ns is worked out here: */
    struct log_times times;
    /* And when its last call began: by the time before its line, else about, by log_times.h. */
    uint64_t log_start_ns;
    uint64_t log_first_ns; /* when the first call with such a time began */
    struct perftrace_call call;
    struct perftrace_item item;
};

/* 0, or -1 after an error message. "-" is standard input. `log_times`: as perftrace_reader_options has it. `unwanted`: kinds of items that are not asked for, as
 * PERFTRACE_ITEM_BITs. `bytes_max`: what the reader may take, as perftrace_reader_options has it. */
int input_open(struct input *input, const char *path, uint32_t unwanted, bool log_times, size_t bytes_max);
const struct perftrace_item *input_next(struct input *input);
/* Instead of items: calls, many at once (perftrace_reader_calls). Of a log, children_ns is not worked out. */
size_t input_calls(struct input *input, struct perftrace_call **calls);
/* What the input is, complete after the last item: as perftrace_reader_info says, and whether what it was unpacked from is damaged. */
struct perftrace_trace_info input_info(struct input *input);
/* What is missing in it, after the last item, as a sentence without its end: records were lost, the program was killed …
 * False, and an empty text: nothing is. */
enum { INPUT_WHY_MAX = 192 };
bool input_incomplete(const struct perftrace_trace_info *info, char why[INPUT_WHY_MAX]);
/* After the last item: tells what went wrong while reading. 0, or -1 when reading failed or when there was
 * nothing in the input that could be read. */
int input_end(struct input *input);
void input_close(struct input *input);

/* The files that operands mean: a folder stands for the traces and logs in it (*.ptrace, *.log, logs put aside by
 * number or date, and any of these with .gz or .zst; sorted, not of its sub-folders). */
struct input_list {
    char **paths;
    size_t count;
};
/* 0, or -1 after an error message (a folder without any, no memory). */
int input_list_make(struct input_list *list, int operand_count, char **operands);
/* One more file. 0, or -1 after an error message. */
int input_list_add(struct input_list *list, const char *path);
void input_list_free(struct input_list *list);

#endif
