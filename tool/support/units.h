/* Times and counts as people read them. */
#ifndef PERFTRACE_TOOL_UNITS_H
#define PERFTRACE_TOOL_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* A text as the result of a function, for the expression that calls it: units_duration(ns).text. */
#define UNITS_TEXT_MAX 48
struct units_text {
    char text[UNITS_TEXT_MAX];
};

/* "     15 ms" without decimals, rounded down, in `columns` before the unit: milliseconds, or below one the
 * largest of us and ns of which there is at least one. */
struct units_text units_elapsed(uint64_t ns, int columns);

/* "2.50 h", "1.20 m" (minutes), "1.52 s", "14.2 ms", "850 us", "36 ns": three digits; of days as many as it takes. */
struct units_text units_duration(uint64_t ns);

/* "2025-01-31 12:00:00 UTC" of nanoseconds since 1970. */
struct units_text units_date(uint64_t realtime_ns);

/* "512 bytes", "1.5 MiB". */
struct units_text units_bytes(uint64_t bytes);

/* "1.5s", "200ms", "2m": a decimal number, not negative, and ns, us, ms, s, m or h; 0 needs no unit. In nanoseconds, to *ns.
 * NULL, or what is wrong, to go on `"TEXT" …`: it lives until the next call. */
const char *units_parse_time(const char *text, uint64_t *ns);
/* The same of a number of milliseconds without a unit ("0.25"); one with a unit is taken, too. */
const char *units_parse_ms(const char *text, uint64_t *ns);
/* "256M": a whole number of bytes, or of K, M, G or T (of 1024 each; Ki, KiB and KB, and so on, are the same). As above. */
const char *units_parse_size(const char *text, uint64_t *bytes);

#endif
