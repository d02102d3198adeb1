/* Formatting of times, dates and sizes. */
#include "units.h"

#include "messages.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

__attribute__((format(printf, 1, 2))) static struct units_text made(const char *format, ...) {
    struct units_text made;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(made.text, sizeof made.text, format, arguments);
    va_end(arguments);
    return made;
}

struct units_text units_elapsed(uint64_t ns, int columns) {
    if (ns >= 1000000 || ns == 0)
        return made("%*" PRIu64 " ms", columns, ns / 1000000);
    return ns >= 1000 ? made("%*" PRIu64 " us", columns, ns / 1000) : made("%*" PRIu64 " ns", columns, ns);
}

/* Three significant digits, never rounded up into a fourth ("999.9" is not "1000"). */
static struct units_text three_digits(double value, const char *unit) {
    return made("%.*f %s", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value, unit);
}

/* The largest unit of which there is one, after rounding. */
static const struct {
    double from_ns, ns;
    const char *name;
} duration_units[] = {
    {86220e9, 86400e9, "d"}, {3597e9, 3600e9, "h"}, {59.95e9, 60e9, "m"},
    {999.5e6, 1e9, "s"},     {999.5e3, 1e6, "ms"},  {1e3, 1e3, "us"},
};

struct units_text units_duration(uint64_t ns) {
    for (size_t i = 0; i < sizeof duration_units / sizeof *duration_units; i++)
        if ((double)ns >= duration_units[i].from_ns)
            return three_digits((double)ns / duration_units[i].ns, duration_units[i].name);
    return made("%" PRIu64 " ns", ns);
}

struct units_text units_date(uint64_t realtime_ns) {
    time_t seconds = (time_t)(realtime_ns / 1000000000u);
    struct units_text date;
    struct tm parts;
    bool known = gmtime_r(&seconds, &parts) != NULL &&
                 strftime(date.text, sizeof date.text, "%Y-%m-%d %H:%M:%S UTC", &parts) != 0;
    return known ? date : made("unknown");
}

struct units_text units_bytes(uint64_t bytes) {
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1024)
        return made("%" PRIu64 " bytes", bytes);
    double value = (double)bytes / 1024;
    unsigned unit = 0;
    for (; value >= 1024 && unit < 3; unit++)
        value /= 1024;
    return three_digits(value, units[unit]);
}

/* The units first, then what people write for them. */
static const char *const unit_names[] = {"ns",        "us",        "ms",   "s",    "m",      "h",
                                         "\xc2\xb5s", "\xce\xbcs", "msec", "sec",  "second", "seconds",
                                         "min",       "minutes",   "hour", "hours"};
static const unsigned char unit_of_name[] = {0, 1, 2, 3, 4, 5, 1, 1, 2, 3, 3, 3, 4, 4, 5, 5};
static const uint64_t unit_ns[] = {1, 1000, 1000000, 1000000000, 60000000000, 3600000000000};
enum { UNIT_NAMES = sizeof unit_of_name, UNIT_MS = 2 };

static int find_unit(const char *name) {
    for (int i = 0; i < UNIT_NAMES; i++)
        if (strcmp(name, unit_names[i]) == 0)
            return unit_of_name[i];
    return -1;
}

/* The digits at `text` and those behind a point, in nanoseconds of `unit`. False: too large. */
static bool scale(const char *text, size_t whole, const char *fraction, size_t digits, uint64_t unit,
                  uint64_t *ns) {
    uint64_t value = 0, part = unit;
    for (size_t i = 0; i < whole; i++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value))
            return false;
    if (__builtin_mul_overflow(value, unit, &value))
        return false;
    uint64_t rest = 0; /* in tenths of what the last digit stood for: below a nanosecond nothing is left */
    for (size_t i = 0; i < digits && part > 0; i++) {
        uint64_t digit = (uint64_t)(fraction[i] - '0');
        rest += digit * part / 10;
        part /= 10;
    }
    *ns = value;
    return !__builtin_add_overflow(value, rest, ns);
}

static const char *wrong_unit(const char *unit) {
    static char why[128];
    const char *nearest = message_nearest(unit, unit_names, UNIT_NAMES);
    if (*unit == '\0')
        return "needs a unit: ns, us, ms, s, m or h";
    if (*unit == '%')
        return "is a share, but how long it all is is only known at the end: give a time, as 1.5s";
    if (nearest != NULL)
        snprintf(why, sizeof why, "has an unknown unit; did you mean %s? (ns, us, ms, s, m, h)",
                 unit_names[find_unit(nearest)]);
    else
        snprintf(why, sizeof why, "has an unknown unit; there are ns, us, ms, s, m and h");
    return why;
}

static const char *parse(const char *text, int default_unit, uint64_t *ns) {
    static const char digits[] = "0123456789";
    size_t whole = strspn(text, digits);
    const char *fraction = text[whole] == '.' ? text + whole + 1 : text + whole;
    size_t fraction_digits = text[whole] == '.' ? strspn(fraction, digits) : 0;
    const char *name = fraction + fraction_digits;
    if (whole + fraction_digits == 0)
        return "is not a time: a number and a unit, as 1.5s, 200ms or 2m";
    int unit = *name == '\0' ? default_unit : find_unit(name);
    if (unit < 0 && *name == '\0' && strspn(text, "0.") == strlen(text))
        unit = 0;
    if (unit < 0)
        return wrong_unit(name);
    return scale(text, whole, fraction, fraction_digits, unit_ns[unit], ns) ? NULL : "is too long a time";
}

const char *units_parse_time(const char *text, uint64_t *ns) {
    return parse(text, -1, ns);
}

const char *units_parse_ms(const char *text, uint64_t *ns) {
    return parse(text, UNIT_MS, ns);
}

const char *units_parse_size(const char *text, uint64_t *bytes) {
    static const char letters[] = "KMGT", form[] = "is not a size; write it like 256M or 2G";
    char *end;
    errno = 0;
    uint64_t number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9')
        return form;
    unsigned shift = 0;
    const char *letter = *end != '\0' ? strchr(letters, *end & ~0x20) : NULL;
    if (letter != NULL) {
        shift = 10 * (unsigned)(letter - letters + 1);
        end++;
        end += *end == 'i';
        end += *end == 'B';
    }
    if (*end != '\0')
        return form;
    if (errno != 0 || number > UINT64_MAX >> shift)
        return "is more than can be counted";
    *bytes = number << shift;
    return NULL;
}
