/* Formatting of times, dates and sizes. */
#include "units.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

void units_elapsed(uint64_t ns, int columns, char text[UNITS_TEXT_MAX]) {
    if (ns >= 1000000 || ns == 0)
        snprintf(text, UNITS_TEXT_MAX, "%*" PRIu64 " ms", columns, ns / 1000000);
    else if (ns >= 1000)
        snprintf(text, UNITS_TEXT_MAX, "%*" PRIu64 " us", columns, ns / 1000);
    else
        snprintf(text, UNITS_TEXT_MAX, "%*" PRIu64 " ns", columns, ns);
}

/* Three significant digits, never rounded up into a fourth ("999.9" is not "1000"). */
static void three_digits(double value, const char *unit, char text[UNITS_TEXT_MAX]) {
    int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    snprintf(text, UNITS_TEXT_MAX, "%.*f %s", decimals, value, unit);
}

void units_duration(uint64_t ns, char text[UNITS_TEXT_MAX]) {
    if (ns >= 999500000)
        three_digits((double)ns / 1e9, "s", text);
    else if (ns >= 999500)
        three_digits((double)ns / 1e6, "ms", text);
    else if (ns >= 1000)
        three_digits((double)ns / 1e3, "us", text);
    else
        snprintf(text, UNITS_TEXT_MAX, "%" PRIu64 " ns", ns);
}

void units_date(uint64_t realtime_ns, char text[UNITS_TEXT_MAX]) {
    time_t seconds = (time_t)(realtime_ns / 1000000000u);
    struct tm parts;
    if (gmtime_r(&seconds, &parts) == NULL ||
        strftime(text, UNITS_TEXT_MAX, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
        snprintf(text, UNITS_TEXT_MAX, "unknown");
}

void units_bytes(uint64_t bytes, char text[UNITS_TEXT_MAX]) {
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1024) {
        snprintf(text, UNITS_TEXT_MAX, "%" PRIu64 " bytes", bytes);
        return;
    }
    double value = (double)bytes / 1024;
    unsigned unit = 0;
    for (; value >= 1024 && unit < 3; unit++)
        value /= 1024;
    three_digits(value, units[unit], text);
}
