/* Decimal numbers in text, whatever the program's locale. */
#ifndef PERFTRACE_READER_DECIMAL_H
#define PERFTRACE_READER_DECIMAL_H

#include <stdbool.h>

/* The nearest double of digits, signs, a point and an exponent: [at, end). False: it is longer than 500 bytes, no number, or too large
 * for a double. Not for what stands first in line: strtod(3) does the work. */
bool perftrace_read_decimal(const char *at, const char *end, double *value);

#endif
