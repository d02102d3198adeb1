/* Finding and reading dates in a logger's prefix. */
#include "log_stamp.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define DAY_NS (INT64_C(86400) * 1000000000)

static bool is_word(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

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

/* What a clock shows, as nanoseconds of that day in UTC; negative in zones where it is the day before. */
static bool take_clock(const char **at, const char *to, int64_t *ns) {
    int hour = take_digits(at, to, 2);
    int minute = hour >= 0 && hour < 24 && take(at, to, ':') ? take_digits(at, to, 2) : -1;
    int second = minute >= 0 && minute < 60 && take(at, to, ':') ? take_digits(at, to, 2) : -1;
    if (second < 0 || second > 60)
        return false;
    int64_t fraction = (int64_t)take_fraction(at, to);
    *ns = (int64_t)((hour * 60 + minute - take_zone(at, to)) * 60 + second) * 1000000000 + fraction;
    return true;
}

static int64_t stamp_of(int year, int month, int day, int64_t clock_ns) {
    int64_t days = days_since_1970(year, month, day);
    return days > INT64_MAX / DAY_NS - 2 ? 0 : days * DAY_NS + clock_ns;
}

static uint64_t stamp_at(const char *at, const char *to, char separator) {
    int year = take_digits(&at, to, 4);
    int month = year >= 1970 && take(&at, to, separator) ? take_digits(&at, to, 2) : -1;
    int day = month >= 1 && month <= 12 && take(&at, to, separator) ? take_digits(&at, to, 2) : -1;
    int64_t clock_ns;
    if (day < 1 || day > 31 || !(take(&at, to, 'T') || take(&at, to, 't') || take(&at, to, ' ')) ||
        !take_clock(&at, to, &clock_ns))
        return 0;
    int64_t ns = stamp_of(year, month, day, clock_ns);
    return ns <= 0 ? 0 : (uint64_t)ns;
}

/* The month and day of glog or of syslog. */
static bool take_day(const char **at, const char *to, int *month, int *day) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (to - *at < 6)
        return false;
    *month = 0;
    if (**at != '\0' && strchr("IWEF", **at) != NULL && (*at)[5] == ' ') {
        ++*at;
        *month = take_digits(at, to, 2);
        *day = take_digits(at, to, 2);
    } else if ((*at)[3] == ' ') {
        for (int i = 0; i < 12; i++)
            if (memcmp(*at, months + 3 * i, 3) == 0)
                *month = i + 1;
        *at += 4;
        *day = take_digits(at, to, take(at, to, ' ') ? 1 : 2);
    }
    return *month >= 1 && *month <= 12 && *day >= 1 && *day <= 31 && take(at, to, ' ');
}

static uint64_t yearless_at(const char *at, const char *to, uint64_t last_ns) {
    int month, day;
    int64_t clock_ns, last = (int64_t)last_ns, nearest = 0;
    if (!take_day(&at, to, &month, &day) || !take_clock(&at, to, &clock_ns))
        return 0;
    if (last == 0)
        return (uint64_t)stamp_of(2000, month, day, clock_ns);
    int about = 1970 + (int)(last / (365 * DAY_NS + DAY_NS / 4));
    for (int year = about - 1; year <= about + 1; year++) {
        int64_t ns = stamp_of(year, month, day, clock_ns);
        if (nearest == 0 || imaxabs(ns - last) < imaxabs(nearest - last))
            nearest = ns;
    }
    return nearest <= 0 ? 0 : (uint64_t)nearest;
}

uint64_t perftrace_log_stamp(const char *from, const char *to, uint64_t last_ns) {
    enum { SHORTEST = 19, SHORTEST_YEARLESS = 14 };
    for (const char *at = from; to - at >= SHORTEST; at++) {
        uint64_t ns = at[4] == at[7] && (at[4] == '-' || at[4] == '/') ? stamp_at(at, to, at[4]) : 0;
        if (ns != 0)
            return ns;
    }
    for (const char *at = from; to - at >= SHORTEST_YEARLESS; at++) {
        bool begins = at == from || !is_word(at[-1]);
        uint64_t ns = begins ? yearless_at(at, to, last_ns) : 0;
        if (ns != 0)
            return ns;
    }
    return 0;
}
