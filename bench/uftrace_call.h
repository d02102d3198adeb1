/* A function that is compiled with -pg, for uftrace. */
#ifndef PERFTRACE_BENCH_UFTRACE_CALL_H
#define PERFTRACE_BENCH_UFTRACE_CALL_H

void traced_call(void);

#endif
