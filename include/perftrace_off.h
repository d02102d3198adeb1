/* What perftrace's macros are made of when PERF_TRACE is not defined: nothing. Arguments are looked at by
 * the compiler (so that variables count as used and mistakes are found) but never evaluated. */
#ifndef PERFTRACE_OFF_H
#define PERFTRACE_OFF_H

#include "perftrace_pairs.h"

struct perftrace_handle {
    char nothing;
};

/* 0, if the expression can be a value: a number, a bool, a pointer, a text. To compilers it counts as used, as it would not in a
 * sizeof: clang warns of functions and variables of a file that are only looked at. Constant where a constant must be,
 * as in the assertions; elsewhere clang makes code of it, though it throws that away again. */
#ifdef __cplusplus
#include <type_traits>
template <typename T, typename = std::enable_if_t<std::is_scalar_v<std::decay_t<T>>>>
char perftrace_look_(const T &);
template <typename T>
auto perftrace_look_(const T &text)
    -> decltype(static_cast<const char *>(text.data()), static_cast<size_t>(text.size()), char());
#define PERFTRACE_LOOK_AT_(expression) 0 * __builtin_constant_p(perftrace_look_(expression))
#else
#define PERFTRACE_LOOK_AT_(expression) 0 * __builtin_constant_p((uintptr_t)(expression))
#endif
#define PERFTRACE_LOOK_PAIR_(n, key, value) +PERFTRACE_LOOK_AT_(value) + 0 * (int)sizeof("" key)
#define PERFTRACE_LOOK_(...)                                                                                 \
    (0 * (int)sizeof(PERFTRACE_NAME_(__VA_ARGS__)) PERFTRACE_EACH_PAIR_(PERFTRACE_LOOK_PAIR_, __VA_ARGS__))

#define PERFTRACE_SCOPE_(level, ...)                                                                         \
    enum { perftrace_the_span_of_this_block = 0 };                                                           \
    enum { PERFTRACE_JOIN_(perftrace_declared_, __LINE__) = perftrace_the_span_of_this_block };              \
    PERFTRACE_STATIC_ASSERT_(PERFTRACE_JOIN_(perftrace_declared_, __LINE__) == 0 && (level) > 0 &&           \
                                 PERFTRACE_LOOK_(__VA_ARGS__) == 0,                                          \
                             "PERF_SPAN is a declaration: it stands in a block of its own")
#define PERFTRACE_SCOPE_DYNAMIC_(level, name, ...) PERFTRACE_SCOPE_(level, "", "", name, ##__VA_ARGS__)

#define PERFTRACE_BLOCK_(level, ...)                                                                         \
    for (int perftrace_the_span_of_this_block = (PERFTRACE_NOTHING_(PERFTRACE_LOOK_(__VA_ARGS__)), 0);       \
         perftrace_the_span_of_this_block == 0; perftrace_the_span_of_this_block = 1)                        \
        if (0) {                                                                                             \
        } else /* in C++ the block may not declare again what the loop has declared */

#define PERFTRACE_TIME_(level, name, expression) expression

#define PERFTRACE_NOTHING_(...) __extension__({ PERFTRACE_STATIC_ASSERT_((__VA_ARGS__) == 0, ""); })
#define PERFTRACE_PLAIN_(kind, phase, level, fixed, w1, w2, w3, ...)                                         \
    PERFTRACE_NOTHING_(PERFTRACE_LOOK_AT_(w1) + PERFTRACE_LOOK_AT_(w2) + PERFTRACE_LOOK_AT_(w3) +            \
                       0 * (int)(level) + PERFTRACE_LOOK_(__VA_ARGS__))
#define PERFTRACE_METRIC_(...)                                                                               \
    PERFTRACE_NOTHING_(0 * (int)sizeof(perftrace_the_span_of_this_block) + PERFTRACE_LOOK_("", __VA_ARGS__))

#define PERFTRACE_HANDLE_(level, ...)                                                                        \
    __extension__({                                                                                          \
        PERFTRACE_NOTHING_(PERFTRACE_LOOK_(__VA_ARGS__));                                                    \
        struct perftrace_handle perftrace_none = {0};                                                        \
        perftrace_none;                                                                                      \
    })
#define PERFTRACE_HANDLE_END_(handle, ...)                                                                   \
    PERFTRACE_NOTHING_(0 * (int)sizeof((handle).nothing) + PERFTRACE_LOOK_(__VA_ARGS__))

#endif
