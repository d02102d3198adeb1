/* Preprocessor machinery of perftrace's macros: going over "key", value pairs. */
#ifndef PERFTRACE_PAIRS_H
#define PERFTRACE_PAIRS_H

#define PERFTRACE_JOIN_(a, b) PERFTRACE_JOIN_NOW_(a, b)
#define PERFTRACE_JOIN_NOW_(a, b) a##b

#ifdef __cplusplus
#define PERFTRACE_STATIC_ASSERT_ static_assert
#else
#define PERFTRACE_STATIC_ASSERT_ _Static_assert
#endif

/* How many arguments there are, up to one pair too many: a name, then pairs. An even number, or more than 12
 * pairs, ends in the name of a macro that does not exist and says so. */
#define PERFTRACE_COUNT_(...)                                                                                \
    PERFTRACE_PICK_(__VA_ARGS__, at_most_12_pairs_of_key_and_value, at_most_12_pairs_of_key_and_value,       \
                    at_most_12_pairs_of_key_and_value, 12, a_key_without_a_value, 11, a_key_without_a_value, \
                    10, a_key_without_a_value, 9, a_key_without_a_value, 8, a_key_without_a_value, 7,        \
                    a_key_without_a_value, 6, a_key_without_a_value, 5, a_key_without_a_value, 4,            \
                    a_key_without_a_value, 3, a_key_without_a_value, 2, a_key_without_a_value, 1,            \
                    a_key_without_a_value, 0, )
#define PERFTRACE_PICK_(_1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, _16, _17, _18,     \
                        _19, _20, _21, _22, _23, _24, _25, _26, _27, _28, n, ...)                            \
    n

/* m(12, key, value) … m(1, key, value) for the pairs after the name; the number is unique in the expansion. */
#define PERFTRACE_EACH_PAIR_(m, ...)                                                                         \
    PERFTRACE_JOIN_(PERFTRACE_PAIRS_, PERFTRACE_COUNT_(__VA_ARGS__))(m, __VA_ARGS__)
#define PERFTRACE_PAIRS_0(m, name)
#define PERFTRACE_PAIRS_1(m, name, ...) PERFTRACE_REST_1(m, __VA_ARGS__)
#define PERFTRACE_PAIRS_2(m, name, ...) PERFTRACE_REST_2(m, __VA_ARGS__)
#define PERFTRACE_PAIRS_3(m, name, ...) PERFTRACE_REST_3(m, __VA_ARGS__)
#define PERFTRACE_PAIRS_4(m, name, ...) PERFTRACE_REST_4(m, __VA_ARGS__)
#define PERFTRACE_PAIRS_5(m, name, ...) PERFTRACE_REST_5(m, __VA_ARGS__)
#define PERFTRACE_PAIRS_6(m, name, ...) PERFTRACE_REST_6(m, __VA_ARGS__)
#define PERFTRACE_PAIRS_7(m, name, ...) PERFTRACE_REST_7(m, __VA_ARGS__)
#define PERFTRACE_PAIRS_8(m, name, ...) PERFTRACE_REST_8(m, __VA_ARGS__)
#define PERFTRACE_PAIRS_9(m, name, ...) PERFTRACE_REST_9(m, __VA_ARGS__)
#define PERFTRACE_PAIRS_10(m, name, ...) PERFTRACE_REST_10(m, __VA_ARGS__)
#define PERFTRACE_PAIRS_11(m, name, ...) PERFTRACE_REST_11(m, __VA_ARGS__)
#define PERFTRACE_PAIRS_12(m, name, ...) PERFTRACE_REST_12(m, __VA_ARGS__)
#define PERFTRACE_REST_1(m, k, v) m(1, k, v)
#define PERFTRACE_REST_2(m, k, v, ...) m(2, k, v) PERFTRACE_REST_1(m, __VA_ARGS__)
#define PERFTRACE_REST_3(m, k, v, ...) m(3, k, v) PERFTRACE_REST_2(m, __VA_ARGS__)
#define PERFTRACE_REST_4(m, k, v, ...) m(4, k, v) PERFTRACE_REST_3(m, __VA_ARGS__)
#define PERFTRACE_REST_5(m, k, v, ...) m(5, k, v) PERFTRACE_REST_4(m, __VA_ARGS__)
#define PERFTRACE_REST_6(m, k, v, ...) m(6, k, v) PERFTRACE_REST_5(m, __VA_ARGS__)
#define PERFTRACE_REST_7(m, k, v, ...) m(7, k, v) PERFTRACE_REST_6(m, __VA_ARGS__)
#define PERFTRACE_REST_8(m, k, v, ...) m(8, k, v) PERFTRACE_REST_7(m, __VA_ARGS__)
#define PERFTRACE_REST_9(m, k, v, ...) m(9, k, v) PERFTRACE_REST_8(m, __VA_ARGS__)
#define PERFTRACE_REST_10(m, k, v, ...) m(10, k, v) PERFTRACE_REST_9(m, __VA_ARGS__)
#define PERFTRACE_REST_11(m, k, v, ...) m(11, k, v) PERFTRACE_REST_10(m, __VA_ARGS__)
#define PERFTRACE_REST_12(m, k, v, ...) m(12, k, v) PERFTRACE_REST_11(m, __VA_ARGS__)

/* The name, which has to be a literal. */
#define PERFTRACE_NAME_(...) PERFTRACE_NAME_NOW_(__VA_ARGS__, )
#define PERFTRACE_NAME_NOW_(name, ...) "" name

#endif
