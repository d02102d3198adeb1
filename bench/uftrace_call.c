/* The function that uftrace traces: nothing but this file is compiled with -pg. */
#include "uftrace_call.h"

#include "floor.h"

__attribute__((noinline)) void traced_call(void) {
    user_code();
}
