/* What perftrace's macros are made of when PERF_TRACE is defined: static descriptors and the inline path
 * that writes a record. Not to be included by itself; names that end in an underscore are not an API.
 *
 * How a record is written. A thread owns a segment of its ring and a control block:
 *
 *      segment  | records …             | zeros …                      | kept for the ends of spans |
 *                                       ^ cursor    (room bytes)       ^
 *
 *   1. the tick counter is read. That takes longest and is done first, so that few signals find a claim; a handler
 *      that records between 1 and 2 makes this record's time run backwards, which readers put right.
 *   2. claim: FREE + SLACK is subtracted from room, which is FREE plus the bytes that are left. One instruction
 *      does it, so that no signal can come in between, and its sign tells three things at once: too little is left;
 *      a signal handler has come in the middle of a record of this thread (then FREE is missing, once or more); the
 *      page was wiped by a fork (zeros). In each case it is undone, and the cold function sees to it.
 *   3. the ticks' upper half must be the epoch, else the cold function writes a REBASE.
 *   4. arguments are stored behind the first word's place, then the first word, in one store, with release
 *      order: before it the record is not there, after it it is there whole. Rings hold zeros ahead of the cursor.
 *   5. cursor is moved, and room set to what is left, which is the end of the claim.
 * The compiler must keep the order of these steps (volatile does that); other threads rely only on 4. */
#ifndef PERFTRACE_ON_H
#define PERFTRACE_ON_H

#include <string.h>

#include "perftrace_pairs.h"

#ifdef __cplusplus
#include <type_traits>
extern "C" {
#endif

/* Values of the format (docs/trace_format.md) that the inline path needs; the runtime asserts that they agree. */
#define PERFTRACE_KIND_BEGIN_ 1
#define PERFTRACE_KIND_END_ 2
#define PERFTRACE_KIND_EVENT_ 3
#define PERFTRACE_KIND_COUNTER_ 4
#define PERFTRACE_KIND_FRAME_ 5
#define PERFTRACE_KIND_METRIC_ 6
#define PERFTRACE_KIND_ASYNC_BEGIN_ 7
#define PERFTRACE_KIND_ASYNC_END_ 8
#define PERFTRACE_KIND_FLOW_ 9
#define PERFTRACE_KIND_MEMORY_ 10
#define PERFTRACE_KIND_TRACK_SPAN_ 11
#define PERFTRACE_KIND_TRACK_EVENT_ 12
#define PERFTRACE_KIND_TRACK_COUNTER_ 13
#define PERFTRACE_PHASE_NONE_ 0
#define PERFTRACE_PHASE_BEGIN_ 1
#define PERFTRACE_PHASE_STEP_ 2
#define PERFTRACE_PHASE_END_ 3
#define PERFTRACE_KIND_STEP_ (1u << 8)  /* from a BEGIN word to its END word */
#define PERFTRACE_FREE_ 0x40000000      /* see control.room */
#define PERFTRACE_SLACK_ 256            /* bytes that must be left for the inline path */
#define PERFTRACE_INLINE_BYTES_ 256u    /* longer records are written by the cold function */
#define PERFTRACE_TEXT_MAX_ 512u        /* longer texts are cut */
#define PERFTRACE_SITE_NEW_ 0x80000000u /* state of a site that has never been reached */

/* One argument of a site. */
struct perftrace_argument_ {
    const char *name;
    uint8_t type; /* 1 signed, 2 unsigned, 3 double, 4 bool, 5 text, 6 pointer */
};

/* One place in the source. Static, made by the macros; the runtime links the sites that were reached. */
struct perftrace_site {
    uint32_t state; /* 0 off; NEW; else the lower half of a first word: kind and id */
    uint8_t kind, phase, level, argument_count;
    uint32_t line;
    uint32_t id;
    const char *name, *target, *file, *function;
    const struct perftrace_argument_ *arguments; /* from index 1 on; the last of the source first */
    void *module;                                /* whose unloading takes the site away */
    struct perftrace_site *next;
};

struct perftrace_control {
    uint64_t *volatile cursor; /* where the next record goes */
    int64_t room;              /* FREE + bytes left; while a record is being written, less than FREE */
    /* Upper half of the tick counter that the current base stands for; all ones: always cold. */
    uint32_t epoch;
    uint8_t depth; /* open spans, modulo 256 */
};

/* A span in progress: the lower half of its first word (site, kind, depth). 0: it is not recorded. 64 bits wide,
 * which saves the compiler an extension. */
struct perftrace_scope {
    uint64_t word;
};

struct perftrace_handle {
    uint64_t id; /* 0: not recorded */
};

/* An argument's value: a word, or a text. */
struct perftrace_value_ {
    uint64_t word; /* of a text: its length and flags */
    const char *text;
    bool is_text;
};

extern void *__dso_handle __attribute__((visibility("hidden"))); /* each module has its own (C++ ABI) */
PERFTRACE_API __thread struct perftrace_control *perftrace_control_
    __attribute__((tls_model("initial-exec")));

PERFTRACE_API int perftrace_recording_; /* 0: nobody records, dynamic names need not be looked up */

/* Registers a site that has never been reached; returns its state: on or off. */
PERFTRACE_API uint32_t perftrace_meet_(struct perftrace_site *site) __attribute__((cold));
/* The cold path: starts the thread's ring, changes segments, writes any record. `depth`
 * is the record's, or all ones for the thread's own. Returns the scope's word of a BEGIN that was written, else 0. */
PERFTRACE_API uint64_t perftrace_record_cold_(struct perftrace_site *site, uint64_t depth,
                                              const uint64_t *fixed, unsigned fixed_count,
                                              const struct perftrace_value_ *values, unsigned value_count)
    __attribute__((cold));
PERFTRACE_API void perftrace_end_cold_(uint64_t word) __attribute__((cold));
/* The site that stands for a dynamic name; NULL when nothing is recorded. */
PERFTRACE_API struct perftrace_site *perftrace_dynamic_site_(struct perftrace_site *prototype,
                                                             const char *name);
PERFTRACE_API uint64_t perftrace_new_id_(void);

#ifdef __cplusplus
}
#endif

#define PERFTRACE_INLINE_ static inline __attribute__((always_inline, unused))
#define PERFTRACE_LIKELY_(x) __builtin_expect(!!(x), 1)

/* The lower half of the tick counter above `word`, and its upper half in *epoch. In one piece of assembly, since
 * compilers spend three instructions more on the same. */
PERFTRACE_INLINE_ uint64_t perftrace_stamp_(uint64_t word, uint32_t *epoch) {
#if defined(__x86_64__)
    uint64_t first;
    __asm__ volatile("rdtsc\n\tshl $32, %%rax\n\tor %2, %%rax"
                     : "=&a"(first), "=&d"(*epoch)
                     : "r"(word)
                     : "cc");
    return first;
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    *epoch = (uint32_t)(ticks >> 32);
    return ticks << 32 | word;
#else
#error "perftrace knows the tick counters of x86-64 and aarch64"
#endif
}

/* Step 2, in one instruction (on aarch64 an atomic one): room -= amount. True: it had less than that. */
PERFTRACE_INLINE_ bool perftrace_take_(struct perftrace_control *control, int32_t amount) {
#if defined(__x86_64__)
    bool negative;
    __asm__ volatile("subq %2, %0" : "+m"(control->room), "=@ccs"(negative) : "ir"((int64_t)amount));
    return negative;
#else
    return __atomic_sub_fetch(&control->room, amount, __ATOMIC_RELAXED) < 0;
#endif
}
PERFTRACE_INLINE_ void perftrace_give_(struct perftrace_control *control, int32_t amount) {
#if defined(__x86_64__)
    __asm__ volatile("addq %1, %0" : "+m"(control->room) : "ir"((int64_t)amount) : "cc");
#else
    __atomic_add_fetch(&control->room, amount, __ATOMIC_RELAXED);
#endif
}

/* Steps 1 to 3: the place of a new record, with its first word in *first; NULL: the cold way. */
PERFTRACE_INLINE_ uint64_t *perftrace_claim_(struct perftrace_control *control, uint64_t word,
                                             uint64_t *first) {
    uint32_t epoch;
    *first = perftrace_stamp_(word, &epoch);
    if (PERFTRACE_LIKELY_(!perftrace_take_(control, PERFTRACE_FREE_ + PERFTRACE_SLACK_))) {
        uint64_t *at = control->cursor;
        if (PERFTRACE_LIKELY_(epoch == control->epoch)) {
            if (at == 0)
                __builtin_unreachable(); /* there is no room at NULL */
            return at;
        }
    }
    perftrace_give_(control, PERFTRACE_FREE_ + PERFTRACE_SLACK_);
    return (uint64_t *)0;
}

/* One instruction, where compilers make three of depth++. */
PERFTRACE_INLINE_ void perftrace_deeper_(struct perftrace_control *control) {
#if defined(__x86_64__)
    __asm__("incb %0" : "+m"(control->depth) : : "cc");
#else
    control->depth++;
#endif
}

/* Steps 4 and 5, for a record of words from `at` to `end`. */
PERFTRACE_INLINE_ void perftrace_publish_(struct perftrace_control *control, uint64_t *at, uint64_t word,
                                          uint64_t *end) {
    __atomic_store_n((volatile uint64_t *)at, word, __ATOMIC_RELEASE);
    control->cursor = end;
    perftrace_give_(control, PERFTRACE_FREE_ + PERFTRACE_SLACK_ - (int32_t)((char *)end - (char *)at));
}

PERFTRACE_INLINE_ struct perftrace_scope perftrace_scope_(uint64_t word) {
    struct perftrace_scope scope = {word};
    return scope;
}

PERFTRACE_INLINE_ uint32_t perftrace_state_(const struct perftrace_site *site) {
    return __atomic_load_n(&site->state, __ATOMIC_RELAXED);
}

/* Ends the span; runs when its scope is left. */
PERFTRACE_INLINE_ void perftrace_end_(struct perftrace_scope *scope) {
    uint64_t word = scope->word;
    if (word == 0)
        return;
    struct perftrace_control *control = perftrace_control_;
    uint64_t first, *at = perftrace_claim_(control, word + PERFTRACE_KIND_STEP_, &first);
    if (PERFTRACE_LIKELY_(at != 0)) {
        control->depth = (uint8_t)word;
        perftrace_publish_(control, at, first, at + 1);
    } else {
        perftrace_end_cold_(word);
    }
}

/* ---- values ---- */

PERFTRACE_INLINE_ struct perftrace_value_ perftrace_word_(uint64_t word) {
    struct perftrace_value_ value = {word, 0, false};
    return value;
}
PERFTRACE_INLINE_ struct perftrace_value_ perftrace_from_double_(double number) {
    uint64_t word;
    memcpy(&word, &number, sizeof word);
    return perftrace_word_(word);
}
PERFTRACE_INLINE_ struct perftrace_value_ perftrace_from_bytes_(const char *text, size_t length) {
    struct perftrace_value_ value = {length, text, true};
    if (length > PERFTRACE_TEXT_MAX_)
        value.word = PERFTRACE_TEXT_MAX_ | (uint64_t)1 << 32;
    if (text == 0)
        value.word = (uint64_t)1 << 33;
    return value;
}
PERFTRACE_INLINE_ struct perftrace_value_ perftrace_from_text_(const char *text) {
    if (text == 0)
        return perftrace_from_bytes_(text, 0);
    if (__builtin_constant_p(__builtin_strlen(text)))
        return perftrace_from_bytes_(text, __builtin_strlen(text));
    __asm__("" : "+r"(text)); /* so that gcc does not warn of arrays that are smaller than the limit */
    const void *end = memchr(text, 0, PERFTRACE_TEXT_MAX_ + 1);
    return perftrace_from_bytes_(text,
                                 end == 0 ? PERFTRACE_TEXT_MAX_ + 1 : (size_t)((const char *)end - text));
}

/* Words that a value takes in a record. */
PERFTRACE_INLINE_ size_t perftrace_words_(const struct perftrace_value_ *value) {
    return value->is_text ? 1 + ((uint32_t)value->word + 7) / 8 : 1;
}

/* Copies a text in words, the last one filled up with zeros; reads nothing but the text. */
PERFTRACE_INLINE_ uint64_t *perftrace_put_text_(uint64_t *to, const char *text, size_t length) {
    uint64_t word;
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        memcpy(&word, text + i, 8);
        *to++ = word;
    }
    if (i < length) {
        word = 0;
        if (length >= 8) { /* the last eight bytes, moved down: no loop over single bytes */
            memcpy(&word, text + length - 8, 8);
            word >>= 8 * (8 - (length - i));
        } else {
            for (size_t k = 0; k < length; k++)
                word |= (uint64_t)(unsigned char)text[k] << (8 * k);
        }
        *to++ = word;
    }
    return to;
}

PERFTRACE_INLINE_ uint64_t *perftrace_put_(uint64_t *to, const struct perftrace_value_ *value) {
    *to++ = value->word;
    return value->is_text ? perftrace_put_text_(to, value->text, (uint32_t)value->word) : to;
}

#ifndef __cplusplus

PERFTRACE_INLINE_ struct perftrace_value_ perftrace_from_unsigned_(uint64_t number) {
    return perftrace_word_(number);
}
PERFTRACE_INLINE_ struct perftrace_value_ perftrace_from_signed_(int64_t number) {
    return perftrace_word_((uint64_t)number);
}
PERFTRACE_INLINE_ struct perftrace_value_ perftrace_from_pointer_(const volatile void *pointer) {
    return perftrace_word_((uintptr_t)pointer);
}
/* Chooses by type; the inner choice promotes bit-fields, which match no type of their own. */
#define PERFTRACE_CHOOSE_(value, integer_signed, integer_unsigned, number, boolean, text, pointer)           \
    _Generic((value), _Bool: boolean, char: integer_signed, signed char: integer_signed,                     \
        short: integer_signed, int: integer_signed, long: integer_signed, long long: integer_signed,         \
        unsigned char: integer_unsigned, unsigned short: integer_unsigned, unsigned: integer_unsigned,       \
        unsigned long: integer_unsigned, unsigned long long: integer_unsigned, float: number,                \
        double: number, long double: number, char *: text, const char *: text,                               \
        default: _Generic(1 ? (value) : (value), int: integer_signed, unsigned: integer_unsigned,            \
            long: integer_signed, unsigned long: integer_unsigned, default: pointer))
#define PERFTRACE_TYPE_(value) PERFTRACE_CHOOSE_(value, 1, 2, 3, 4, 5, 6)
#define PERFTRACE_VALUE_(value)                                                                              \
    PERFTRACE_CHOOSE_(value, perftrace_from_signed_, perftrace_from_unsigned_, perftrace_from_double_,       \
                      perftrace_from_unsigned_, perftrace_from_text_, perftrace_from_pointer_)               \
    (value)

#else

template <typename T, typename = void> struct perftrace_is_string_ : std::false_type {};
template <typename T>
struct perftrace_is_string_<T,
                            std::void_t<decltype(static_cast<const char *>(std::declval<const T &>().data())),
                                        decltype(static_cast<size_t>(std::declval<const T &>().size()))>>
    : std::true_type {};

template <typename T> constexpr uint8_t perftrace_type_() {
    using D = std::decay_t<T>;
    if constexpr (std::is_same_v<D, bool>)
        return 4;
    else if constexpr (std::is_enum_v<D>)
        return std::is_signed_v<std::underlying_type_t<D>> ? 1 : 2;
    else if constexpr (std::is_integral_v<D>)
        return std::is_signed_v<D> ? 1 : 2;
    else if constexpr (std::is_floating_point_v<D>)
        return 3;
    else if constexpr (std::is_same_v<D, char *> || std::is_same_v<D, const char *> ||
                       perftrace_is_string_<D>::value)
        return 5;
    else
        return 6;
}

template <typename T> PERFTRACE_INLINE_ struct perftrace_value_ perftrace_value_of_(const T &value) {
    using D = std::decay_t<T>;
    constexpr uint8_t type = perftrace_type_<T>();
    if constexpr (type <= 2 || type == 4)
        return perftrace_word_(static_cast<uint64_t>(value));
    else if constexpr (type == 3)
        return perftrace_from_double_(static_cast<double>(value));
    else if constexpr (perftrace_is_string_<D>::value)
        return perftrace_from_bytes_(value.data(), value.size());
    else if constexpr (type == 5)
        return perftrace_from_text_(value);
    else if constexpr (std::is_null_pointer_v<D>)
        return perftrace_word_(0);
    else
        return perftrace_word_(reinterpret_cast<uintptr_t>(static_cast<const volatile void *>(value)));
}
#define PERFTRACE_TYPE_(value) perftrace_type_<decltype(value)>()
#define PERFTRACE_VALUE_(value) perftrace_value_of_(value)

#endif

/* ---- the macros' parts ---- */

#define PERFTRACE_DESCRIBE_(n, key, value)                                                                   \
    , {                                                                                                      \
        "" key, PERFTRACE_TYPE_(value)                                                                       \
    }
#ifdef __cplusplus /* a temporary string must live until it has been copied */
#define PERFTRACE_EVALUATE_(n, key, value)                                                                   \
    const auto &perftrace_r##n = (value);                                                                    \
    const struct perftrace_value_ perftrace_v##n = PERFTRACE_VALUE_(perftrace_r##n);
#else
#define PERFTRACE_EVALUATE_(n, key, value)                                                                   \
    const struct perftrace_value_ perftrace_v##n = PERFTRACE_VALUE_(value);
#endif
#define PERFTRACE_ADD_WORDS_(n, key, value) +perftrace_words_(&perftrace_v##n)
#define PERFTRACE_PUT_VALUE_(n, key, value) perftrace_p = perftrace_put_(perftrace_p, &perftrace_v##n);
#define PERFTRACE_LIST_(n, key, value) , perftrace_v##n

#define PERFTRACE_SITE_(kind, phase, level, name, ...)                                                       \
    static const struct perftrace_argument_ perftrace_arguments[] = {                                        \
        {"", 0} PERFTRACE_EACH_PAIR_(PERFTRACE_DESCRIBE_, __VA_ARGS__)};                                     \
    static struct perftrace_site perftrace_site = {                                                          \
        PERFTRACE_SITE_NEW_,                                                                                 \
        PERFTRACE_KIND_##kind##_,                                                                            \
        PERFTRACE_PHASE_##phase##_,                                                                          \
        (uint8_t)(level),                                                                                    \
        (uint8_t)(sizeof perftrace_arguments / sizeof perftrace_arguments[0] - 1),                           \
        __LINE__,                                                                                            \
        0,                                                                                                   \
        name,                                                                                                \
        PERF_TARGET,                                                                                         \
        __FILE__,                                                                                            \
        __func__,                                                                                            \
        perftrace_arguments,                                                                                 \
        (void *)&__dso_handle,                                                                               \
        0}

/* One test of `state` tells apart on, off and never reached; only that last case is cold. */
#define PERFTRACE_IS_ON_(state, site)                                                                        \
    ((state) != 0 && (PERFTRACE_LIKELY_((int32_t)(state) > 0) || ((state) = perftrace_meet_(site)) != 0))

/* Writes one record of `site` (a pointer) and sets perftrace_written to its scope's word. `begin`: it opens
 * a span. `depth_here`: the record's; `cold_depth`: the same, or all ones for the thread's. Values
 * are evaluated before the claim: they may record spans of their own. The scope's word is added up in 32 bits, which
 * saves an extension, and is not zero, as the state is not: that saves the end of a span a test. */
#define PERFTRACE_WRITE_(site, begin, depth_here, cold_depth, fixed, w1, w2, w3, ...)                        \
    PERFTRACE_EACH_PAIR_(PERFTRACE_EVALUATE_, __VA_ARGS__)                                                   \
    const uint64_t perftrace_w1 = (uint64_t)(w1), perftrace_w2 = (uint64_t)(w2),                             \
                   perftrace_w3 = (uint64_t)(w3);                                                            \
    const size_t perftrace_length = 1 + (fixed)PERFTRACE_EACH_PAIR_(PERFTRACE_ADD_WORDS_, __VA_ARGS__);      \
    struct perftrace_control *perftrace_c = perftrace_control_;                                              \
    uint64_t perftrace_first, *perftrace_at = 0;                                                             \
    if (PERFTRACE_LIKELY_(perftrace_length <= PERFTRACE_INLINE_BYTES_ / 8)) {                                \
        perftrace_written = (uint32_t)(perftrace_state + (uint32_t)(depth_here));                            \
        if (perftrace_written == 0)                                                                          \
            __builtin_unreachable();                                                                         \
        perftrace_at = perftrace_claim_(perftrace_c, perftrace_written, &perftrace_first);                   \
    }                                                                                                        \
    if (PERFTRACE_LIKELY_(perftrace_at != 0)) {                                                              \
        uint64_t *perftrace_p = perftrace_at + 1;                                                            \
        if ((fixed) > 0)                                                                                     \
            *perftrace_p++ = perftrace_w1;                                                                   \
        if ((fixed) > 1)                                                                                     \
            *perftrace_p++ = perftrace_w2;                                                                   \
        if ((fixed) > 2)                                                                                     \
            *perftrace_p++ = perftrace_w3;                                                                   \
        PERFTRACE_EACH_PAIR_(PERFTRACE_PUT_VALUE_, __VA_ARGS__)                                              \
        if (begin)                                                                                           \
            perftrace_deeper_(perftrace_c);                                                                  \
        perftrace_publish_(perftrace_c, perftrace_at, perftrace_first, perftrace_p);                         \
    } else {                                                                                                 \
        const uint64_t perftrace_fixed[3] = {perftrace_w1, perftrace_w2, perftrace_w3};                      \
        const struct perftrace_value_ perftrace_list[] = {                                                   \
            {0, 0, false} PERFTRACE_EACH_PAIR_(PERFTRACE_LIST_, __VA_ARGS__)};                               \
        perftrace_written =                                                                                  \
            perftrace_record_cold_(site, cold_depth, perftrace_fixed, fixed, perftrace_list + 1,             \
                                   sizeof perftrace_list / sizeof perftrace_list[0] - 1);                    \
    }

/* A span's scope as a value. */
#define PERFTRACE_OPEN_(level, ...)                                                                          \
    __extension__({                                                                                          \
        PERFTRACE_SITE_(BEGIN, NONE, level, PERFTRACE_NAME_(__VA_ARGS__), __VA_ARGS__);                      \
        uint64_t perftrace_written = 0;                                                                      \
        uint32_t perftrace_state = perftrace_state_(&perftrace_site);                                        \
        if (PERFTRACE_IS_ON_(perftrace_state, &perftrace_site)) {                                            \
            PERFTRACE_WRITE_(&perftrace_site, 1, perftrace_c->depth, UINT64_MAX, 0, 0, 0, 0, __VA_ARGS__)    \
        }                                                                                                    \
        perftrace_scope_(perftrace_written);                                                                 \
    })
#define PERFTRACE_OPEN_DYNAMIC_(level, name, ...)                                                            \
    __extension__({                                                                                          \
        PERFTRACE_SITE_(BEGIN, NONE, level, (const char *)0, "", ##__VA_ARGS__);                             \
        uint64_t perftrace_written = 0;                                                                      \
        struct perftrace_site *perftrace_named =                                                             \
            perftrace_recording_ ? perftrace_dynamic_site_(&perftrace_site, name) : 0;                       \
        uint32_t perftrace_state = perftrace_named != 0 ? perftrace_state_(perftrace_named) : 0;             \
        if (PERFTRACE_IS_ON_(perftrace_state, perftrace_named)) {                                            \
            PERFTRACE_WRITE_(perftrace_named, 1, perftrace_c->depth, UINT64_MAX, 0, 0, 0, 0, "",             \
                             ##__VA_ARGS__)                                                                  \
        }                                                                                                    \
        perftrace_scope_(perftrace_written);                                                                 \
    })

/* The declarations of PERF_SPAN. The second and third look for the first where `if (x) PERF_SPAN(…);` has
 * already left it behind. */
#define PERFTRACE_DECLARE_(opened)                                                                           \
    enum { PERFTRACE_JOIN_(perftrace_declared_, __LINE__) };                                                 \
    struct perftrace_scope perftrace_the_span_of_this_block                                                  \
        __attribute__((cleanup(perftrace_end_), unused)) = opened;                                           \
    PERFTRACE_STATIC_ASSERT_(PERFTRACE_JOIN_(perftrace_declared_, __LINE__) == 0,                            \
                             "PERF_SPAN is a declaration: it stands in a block of its own")
#define PERFTRACE_SCOPE_(level, ...) PERFTRACE_DECLARE_(PERFTRACE_OPEN_(level, __VA_ARGS__))
#define PERFTRACE_SCOPE_DYNAMIC_(level, ...) PERFTRACE_DECLARE_(PERFTRACE_OPEN_DYNAMIC_(level, __VA_ARGS__))

#define PERFTRACE_BLOCK_(level, ...)                                                                         \
    for (struct perftrace_scope perftrace_the_span_of_this_block                                             \
         __attribute__((cleanup(perftrace_end_))) = PERFTRACE_OPEN_(level, __VA_ARGS__),                     \
         *perftrace_once = &perftrace_the_span_of_this_block;                                                \
         perftrace_once != 0; perftrace_once = 0)                                                            \
        if (0) {                                                                                             \
        } else /* in C++ the block may not declare again what the loop has declared */

#ifdef __cplusplus
#define PERFTRACE_TIME_(level, name, expression)                                                             \
    [&]() -> decltype(auto) {                                                                                \
        PERFTRACE_SCOPE_(level, name);                                                                       \
        return expression;                                                                                   \
    }()
#else
#define PERFTRACE_TIME_(level, name, expression)                                                             \
    __extension__({                                                                                          \
        PERFTRACE_SCOPE_(level, name);                                                                       \
        expression;                                                                                          \
    })
#endif

/* A record that is no span. */
#define PERFTRACE_PLAIN_(kind, phase, level, fixed, w1, w2, w3, ...)                                         \
    PERFTRACE_EMIT_(kind, phase, level, perftrace_c->depth, UINT64_MAX, fixed, w1, w2, w3, __VA_ARGS__)
#define PERFTRACE_EMIT_(kind, phase, level, depth_here, cold_depth, fixed, w1, w2, w3, ...)                  \
    do {                                                                                                     \
        PERFTRACE_SITE_(kind, phase, level, PERFTRACE_NAME_(__VA_ARGS__), __VA_ARGS__);                      \
        uint64_t perftrace_written;                                                                          \
        uint32_t perftrace_state = perftrace_state_(&perftrace_site);                                        \
        if (PERFTRACE_IS_ON_(perftrace_state, &perftrace_site)) {                                            \
            PERFTRACE_WRITE_(&perftrace_site, 0, depth_here, cold_depth, fixed, w1, w2, w3, __VA_ARGS__)     \
            (void)perftrace_written;                                                                         \
        }                                                                                                    \
    } while (0)

#define PERFTRACE_METRIC_(...)                                                                               \
    do {                                                                                                     \
        if (perftrace_the_span_of_this_block.word != 0)                                                      \
            PERFTRACE_EMIT_(METRIC, NONE, 0, PERFTRACE_DEPTH_HERE_, PERFTRACE_DEPTH_HERE_, 0, 0, 0, 0, "",   \
                            __VA_ARGS__);                                                                    \
    } while (0)
#define PERFTRACE_DEPTH_HERE_ (perftrace_the_span_of_this_block.word & 0xff)

#define PERFTRACE_HANDLE_(level, ...)                                                                        \
    __extension__({                                                                                          \
        PERFTRACE_SITE_(ASYNC_BEGIN, NONE, level, PERFTRACE_NAME_(__VA_ARGS__), __VA_ARGS__);                \
        struct perftrace_handle perftrace_handle = {0};                                                      \
        uint64_t perftrace_written = 0;                                                                      \
        uint32_t perftrace_state = perftrace_state_(&perftrace_site);                                        \
        if (PERFTRACE_IS_ON_(perftrace_state, &perftrace_site)) {                                            \
            const uint64_t perftrace_id = perftrace_new_id_();                                               \
            PERFTRACE_WRITE_(&perftrace_site, 0, perftrace_c->depth, UINT64_MAX, 1, perftrace_id, 0, 0,      \
                             __VA_ARGS__)                                                                    \
            perftrace_handle.id = perftrace_written != 0 ? perftrace_id : 0;                                 \
        }                                                                                                    \
        perftrace_handle;                                                                                    \
    })
#define PERFTRACE_HANDLE_END_(handle, ...)                                                                   \
    do {                                                                                                     \
        const struct perftrace_handle perftrace_ended = (handle);                                            \
        if (perftrace_ended.id != 0)                                                                         \
            PERFTRACE_EMIT_(ASYNC_END, NONE, 0, perftrace_c->depth, UINT64_MAX, 1, perftrace_ended.id, 0, 0, \
                            __VA_ARGS__);                                                                    \
    } while (0)

#endif
