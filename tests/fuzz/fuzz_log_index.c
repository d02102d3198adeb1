/* A piece of a log -> its index, made 32 bytes at a time and by the portable way: they say the same. */
#include "fuzz.h"

#include "../../reader/log_wide.h"

#include <string.h>

static bool same_texts(const uint64_t one[2], const uint64_t other[2]) {
    return one[0] == other[0] && one[1] == other[1];
}

static void compare(const struct perftrace_log_index *a, const struct perftrace_log_index *b, uint32_t at) {
    const struct perftrace_log_entry *x = &a->entries[at], *y = &b->entries[at];
    FUZZ_CHECK(x->start == y->start && x->end == y->end && x->newlines == y->newlines &&
               x->keyed == y->keyed);
    if (!x->keyed)
        return;
    FUZZ_CHECK(x->number == y->number && x->tail == y->tail && x->plain == y->plain);
    if (at > 0 && x[-1].keyed)
        FUZZ_CHECK(same_texts(x[-1].key, x->key) == same_texts(y[-1].key, y->key));
    if (!x->plain)
        return;
    const uint64_t *values = &a->values[x->first_metric], *others = &b->values[y->first_metric];
    FUZZ_CHECK(x->milliseconds == y->milliseconds && x->elapsed_ns == y->elapsed_ns &&
               x->parent == y->parent && x->thread == y->thread && x->metric_count == y->metric_count);
    FUZZ_CHECK(memcmp(values, others, x->metric_count * sizeof *values) == 0);
    if (at > 0 && x[-1].keyed && x[-1].plain)
        FUZZ_CHECK((a->values[x[-1].first_metric - 1] == values[-1]) ==
                   (b->values[y[-1].first_metric - 1] == others[-1]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct perftrace_log_index indexes[2];
    static struct perftrace_log_secret secrets[2];
    static char piece[(1 << 16) + PERFTRACE_LOG_INDEX_PADDING];
    if (size > 1 << 16)
        return 0;
    memcpy(piece, data, size); /* what is left of other inputs stays behind it */
    piece[size] = '\n';
    for (int way = 0; way < 2; way++) {
        if (indexes[way].secret == NULL)
            perftrace_log_secret_make(&secrets[way], way == 1 && perftrace_log_wide_usable());
        indexes[way].secret = &secrets[way];
        indexes[way].fields.count = 0;       /* the same for the same input … */
        for (int pass = 0; pass < 2; pass++) /* … which is gone over with fields that are new, then known */
            perftrace_log_index(&indexes[way], piece, (uint32_t)size);
    }
    const struct perftrace_log_index *a = &indexes[0], *b = &indexes[1];
    /* Their lists are not full at the same line. */
    uint32_t lines = a->count < b->count ? a->count : b->count;
    FUZZ_CHECK(a->count != b->count || (a->used == b->used && a->newlines == b->newlines));
    for (uint32_t at = 0; at < lines; at++)
        compare(a, b, at);
    return 0;
}
