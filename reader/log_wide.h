/* What the files that index a log share: log_index.c knows all kinds of lines, and does with any processor; log_wide.c goes quickly over
 * those that are as usual, 32 bytes at a time, and gives it the others. */
#ifndef PERFTRACE_READER_LOG_WIDE_H
#define PERFTRACE_READER_LOG_WIDE_H

#include "log_index.h"

/* More would not fit into 64 bits of nanoseconds. */
#define PERFTRACE_LOG_ELAPSED_MS_MAX (UINT64_MAX / 1000000 - 1)

/* Whether this processor has the instructions: AVX2, BMI2, AES. */
bool perftrace_log_wide_usable(void);

/* The lines in [bytes, end), into an index that is empty: all that perftrace_log_index does but preparing. Returns where it stopped. */
const char *perftrace_log_wide_lines(struct perftrace_log_index *index, const char *bytes, const char *end);
/* At most PERFTRACE_LOG_KEY_MAX bytes; PERFTRACE_LOG_INDEX_PADDING from `bytes` on are readable. */
void perftrace_log_wide_key(const struct perftrace_log_secret *secret, const char *bytes, size_t length,
                            uint64_t key[2]);

/* What the line with the mark at entry->start says, whatever it is. Returns how far it has been read. */
const char *perftrace_log_index_line(struct perftrace_log_index *index, struct perftrace_log_entry *entry,
                                     const char *bytes);

/* The whole number at `at`: returns what follows its digits. Without digits, or with more than 19, *digits says so. */
const char *perftrace_log_read_number(const char *at, uint64_t *value, unsigned *digits);

/* Whether one more line can be taken, and the one before it, whose values may not be in the list yet. */
static inline bool perftrace_log_index_has_room(const struct perftrace_log_index *index) {
    return index->count < PERFTRACE_LOG_ENTRIES_MAX &&
           index->value_count <= PERFTRACE_LOG_VALUES_MAX - 2 * PERFTRACE_LOG_LINE_VALUES;
}

#endif
