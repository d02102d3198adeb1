/* The bytes of a trace -> the reader. */
#include "fuzz.h"

#include <stdlib.h>

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed) {
    return fuzz_mutate_trace(data, size, size_max, seed);
}

/* Adding up gives as many calls as reading. */
static void aggregate(const char *path, const struct fuzz_read *read) {
    struct perftrace_reader *reader = perftrace_reader_open(path, NULL, NULL);
    struct perftrace_function_total *totals;
    if (reader == NULL)
        return;
    ptrdiff_t count = perftrace_reader_aggregate(reader, &totals);
    uint64_t calls = 0;
    for (ptrdiff_t i = 0; i < count; i++)
        calls += totals[i].calls;
    FUZZ_CHECK(count >= 0 && calls == read->ended);
    free(totals);
    perftrace_reader_close(reader);
}

/* What is heard besides of items of these kinds, in order. */
struct rest {
    uint32_t unwanted;
    uint64_t items, sum;
};

static void hear_rest(void *context, const struct perftrace_reader *reader,
                      const struct perftrace_item *item) {
    (void)reader;
    struct rest *rest = context;
    if ((rest->unwanted & PERFTRACE_ITEM_BIT(item->kind)) != 0)
        return;
    const struct perftrace_call *call = item->call;
    const uint64_t numbers[] = {item->kind,
                                item->time_ns,
                                item->track->id,
                                item->value_count,
                                call == NULL ? 0 : call->number,
                                call == NULL ? 0 : call->elapsed_ns,
                                call == NULL ? 0 : call->parameter_count << 32 | call->metric_count};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        rest->sum = (rest->sum ^ numbers[i]) * UINT64_C(0x9e3779b97f4a7c15);
    rest->items++;
}

/* Nothing else changes when some kinds of items aren't asked for. */
static void read_less(const char *path, uint32_t unwanted) {
    struct rest all = {.unwanted = unwanted}, rest = {.unwanted = unwanted};
    struct fuzz_read read = fuzz_read_without(path, 0, hear_rest, &all);
    struct fuzz_read less = fuzz_read_without(path, unwanted, hear_rest, &rest);
    FUZZ_CHECK(all.items == rest.items && all.sum == rest.sum && less.items == rest.items);
    FUZZ_CHECK(read.records == less.records && read.complaints == less.complaints);
}

/* Calls in order. */
struct calls {
    uint64_t count, sum;
};

static void add_call(struct calls *calls, const struct perftrace_call *call) {
    const uint64_t numbers[] = {call->number,
                                call->parent_number,
                                call->site->id,
                                call->parent_site == NULL ? 0 : call->parent_site->id,
                                call->track->id,
                                call->start_ns,
                                call->elapsed_ns,
                                call->children_ns,
                                call->depth,
                                (uint64_t)call->unfinished << 2 | (uint64_t)call->at_end << 1 | call->async,
                                call->parameter_count << 32 | call->metric_count};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        calls->sum = (calls->sum ^ numbers[i]) * UINT64_C(0x9e3779b97f4a7c15);
    for (size_t i = 0; i < call->parameter_count + call->metric_count; i++) {
        const struct perftrace_value *value =
            i < call->parameter_count ? &call->parameters[i] : &call->metrics[i - call->parameter_count];
        bool text = value->type == PERFTRACE_TYPE_STRING;
        FUZZ_CHECK(!text || value->text.bytes[value->text.length] == 0);
        calls->sum = (calls->sum ^ (text ? value->text.length : value->u)) * UINT64_C(0x9e3779b97f4a7c15);
    }
    calls->count++;
}

static void hear_call(void *context, const struct perftrace_reader *reader,
                      const struct perftrace_item *item) {
    (void)reader;
    if (item->kind == PERFTRACE_ITEM_SPAN_END || item->kind == PERFTRACE_ITEM_ASYNC_END)
        add_call(context, item->call);
}

/* The calls are those of the items. */
static void read_calls(const char *path) {
    struct calls of_items = {0}, many = {0};
    fuzz_read(path, hear_call, &of_items);
    struct perftrace_reader *reader = perftrace_reader_open(path, NULL, NULL);
    struct perftrace_call *calls;
    size_t count;
    FUZZ_CHECK(reader != NULL);
    while ((count = perftrace_reader_calls(reader, &calls)) > 0)
        for (size_t i = 0; i < count; i++)
            if (perftrace_reader_fill(reader, &calls[i], NULL))
                add_call(&many, &calls[i]);
    FUZZ_CHECK(perftrace_reader_error(reader) == NULL);
    FUZZ_CHECK(of_items.count == many.count && of_items.sum == many.sum);
    perftrace_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *path = fuzz_file(data, size);
    struct fuzz_read read = fuzz_read(path, NULL, NULL);
    if (size % 4 == 0 && read.error == 0)
        aggregate(path, &read);
    if (read.error == 0 && read.native)
        read_calls(path);
    if (read.error == 0)
        read_less(path, size % 3 == 0 ? PERFTRACE_ITEM_BIT(PERFTRACE_ITEM_SPAN_BEGIN)
                                      : (uint32_t)size & ~PERFTRACE_ITEM_BEGIN_PARAMETERS);
    return 0;
}
