/* A library for torture_modules to load and unload: many sites, some of them with names made at run time. */
#define PERF_TRACE 1
#define PERF_TARGET "module"
#include "perftrace.h"

#include <stdio.h>

#define ONE(number)                                                                                          \
    {                                                                                                        \
        PERF_SPAN("span" #number, "round", round);                                                           \
        PERF_METRIC("metric" #number, round);                                                                \
    }
#define TEN(number)                                                                                          \
    ONE(number##0)                                                                                           \
    ONE(number##1)                                                                                           \
    ONE(number##2)                                                                                           \
    ONE(number##3)                                                                                           \
    ONE(number##4)                                                                                           \
    ONE(number##5)                                                                                           \
    ONE(number##6)                                                                                           \
    ONE(number##7)                                                                                           \
    ONE(number##8)                                                                                           \
    ONE(number##9)

/* 50 spans of their own places, and 10 of one. */
__attribute__((visibility("default"))) void module_record(unsigned round);
void module_record(unsigned round) {
    TEN(0) TEN(1) TEN(2) TEN(3) TEN(4) for (unsigned i = 0; i < 10; i++) {
        char name[32];
        snprintf(name, sizeof name, "dynamic%u", i);
        PERF_SPAN_DYNAMIC(name, "round", round);
    }
}
