/* The time of day that a logger wrote before a record. */
#ifndef PERFTRACE_READER_LOG_STAMP_H
#define PERFTRACE_READER_LOG_STAMP_H

#include <stdint.h>

/* Nanoseconds since 1970 of the first date with a time between `from` and `to`: ISO 8601 and RFC 3339 ("2025-01-31T12:00:00Z",
 * "2025-01-31 12:00:00,123", "2025-01-31T12:00:00.123456+01:00"), and with slashes ("2025/01/31 12:00:00"); without a zone it is
 * taken for UTC. Where there is none, one without a year: syslog's ("Jan 31 12:00:00") and glog's ("I0131 12:00:00.123456"); it
 * is of the year that brings it nearest to `last_ns`, the time before (0: there is none, and it is of 2000). 0: there is none. */
uint64_t perftrace_log_stamp(const char *from, const char *to, uint64_t last_ns);

#endif
