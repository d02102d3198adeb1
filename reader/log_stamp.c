/* Finding and reading dates in a logger's prefix. */
#include "log_stamp.h"

#include <stdbool.h>
#include <stddef.h>

/* A number of just so many digits, which moves `at` on. Negative: it is none. */
static int take_digits(const char **at, const char *to, int digits) {
    int value = 0;
    if (to - *at < digits)
        return -1;
    for (int i = 0; i < digits; i++) {
        char digit = (*at)[i];
        if (digit < '0' || digit > '9')
            return -1;
        value = value * 10 + (digit - '0');
    }
    *at += digits;
    return value;
}

static bool take(const char **at, const char *to, char what) {
    if (*at == to || **at != what)
        return false;
    ++*at;
    return true;
}

/* Days since 1970-01-01 of the Gregorian calendar: years begin in March, so that the leap day is the last of them. */
static int64_t days_since_1970(int year, int month, int day) {
    int64_t y = month > 2 ? year : year - 1;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return y * 365 + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
}

/* Behind a point or comma: nine digits count. */
static uint64_t take_fraction(const char **at, const char *to) {
    uint64_t ns = 0, digit = 100000000;
    if (to - *at < 2 || (**at != '.' && **at != ',') || (*at)[1] < '0' || (*at)[1] > '9')
        return 0;
    for (++*at; *at < to && **at >= '0' && **at <= '9'; ++*at, digit /= 10)
        ns += digit * (uint64_t)(**at - '0');
    return ns;
}

/* Minutes that the zone is ahead of UTC: Z, +01:00, -0530, +02. */
static int take_zone(const char **at, const char *to) {
    const char *from = *at;
    int sign = take(at, to, '+') ? 1 : take(at, to, '-') ? -1 : 0;
    int hours = sign != 0 ? take_digits(at, to, 2) : -1;
    if (hours < 0 || hours > 23) {
        *at = from;
        return 0;
    }
    take(at, to, ':');
    int minutes = take_digits(at, to, 2);
    return sign * (hours * 60 + (minutes > 0 && minutes < 60 ? minutes : 0));
}

static uint64_t stamp_at(const char *at, const char *to) {
    int year = take_digits(&at, to, 4);
    int month = year >= 1970 && take(&at, to, '-') ? take_digits(&at, to, 2) : -1;
    int day = month >= 1 && month <= 12 && take(&at, to, '-') ? take_digits(&at, to, 2) : -1;
    if (day < 1 || day > 31 || !(take(&at, to, 'T') || take(&at, to, 't') || take(&at, to, ' ')))
        return 0;
    int hour = take_digits(&at, to, 2);
    int minute = hour >= 0 && hour < 24 && take(&at, to, ':') ? take_digits(&at, to, 2) : -1;
    int second = minute >= 0 && minute < 60 && take(&at, to, ':') ? take_digits(&at, to, 2) : -1;
    if (second < 0 || second > 60)
        return 0;
    uint64_t ns = take_fraction(&at, to);
    int64_t seconds =
        ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute - take_zone(&at, to)) * 60 + second;
    return seconds <= 0 || seconds > INT64_MAX / 1000000000 ? 0 : (uint64_t)seconds * 1000000000u + ns;
}

uint64_t perftrace_log_stamp(const char *from, const char *to) {
    enum { SHORTEST = 19 };
    for (; to - from >= SHORTEST; from++) {
        uint64_t ns = from[4] == '-' && from[7] == '-' ? stamp_at(from, to) : 0;
        if (ns != 0)
            return ns;
    }
    return 0;
}
