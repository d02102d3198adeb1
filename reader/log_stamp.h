/* The time of day that a logger wrote before a record. */
#ifndef PERFTRACE_READER_LOG_STAMP_H
#define PERFTRACE_READER_LOG_STAMP_H

#include <stdint.h>

/* Nanoseconds since 1970 of the first date with a time (ISO 8601, RFC 3339) between `from` and `to`:
 * "2025-01-31T12:00:00Z", "2025-01-31 12:00:00,123", "2025-01-31T12:00:00.123456+01:00"; without a zone it is taken for
 * UTC. 0: there is none. */
uint64_t perftrace_log_stamp(const char *from, const char *to);

#endif
