/* LTTng-UST's tracepoints for lttng_loop.c. Read more than once, as LTTng's macros need it. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER perftrace_bench
#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "./lttng_provider.h"

#if !defined(PERFTRACE_BENCH_LTTNG_PROVIDER_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define PERFTRACE_BENCH_LTTNG_PROVIDER_H

#include <stdint.h>

#include <lttng/tracepoint.h>

LTTNG_UST_TRACEPOINT_EVENT(perftrace_bench, begin, LTTNG_UST_TP_ARGS(void), LTTNG_UST_TP_FIELDS())
LTTNG_UST_TRACEPOINT_EVENT(perftrace_bench, end, LTTNG_UST_TP_ARGS(void), LTTNG_UST_TP_FIELDS())
LTTNG_UST_TRACEPOINT_EVENT(perftrace_bench, begin_integers,
                           LTTNG_UST_TP_ARGS(uint64_t, index, uint64_t, count),
                           LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(uint64_t, index, index)
                                                   lttng_ust_field_integer(uint64_t, count, count)))
LTTNG_UST_TRACEPOINT_EVENT(perftrace_bench, begin_text, LTTNG_UST_TP_ARGS(const char *, text),
                           LTTNG_UST_TP_FIELDS(lttng_ust_field_string(text, text)))

#endif

#include <lttng/tracepoint-event.h>
