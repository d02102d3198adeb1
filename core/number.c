/* Numbers as text: decimal integers, and doubles in the shortest form that reads back the same. No locale
 * has a say in what is written. */
#include "text.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char digit_pairs[201] =
    "00010203040506070809101112131415161718192021222324"
    "25262728293031323334353637383940414243444546474849"
    "50515253545556575859606162636465666768697071727374"
    "75767778798081828384858687888990919293949596979899";

static unsigned count_digits(uint64_t value) {
    unsigned digits = 1;
    for (; value >= 10000; value /= 10000)
        digits += 4;
    return digits + (value >= 10) + (value >= 100) + (value >= 1000);
}

unsigned perftrace_format_unsigned(char *out, uint64_t value) {
    unsigned digits = count_digits(value), at = digits;
    for (; value >= 100; value /= 100) {
        at -= 2;
        memcpy(out + at, digit_pairs + value % 100 * 2, 2);
    }
    if (value >= 10)
        memcpy(out, digit_pairs + value * 2, 2);
    else
        *out = (char)('0' + value);
    return digits;
}

void perftrace_format_nine_digits(char *out, uint32_t value) {
    out[0] = (char)('0' + value / 100000000);
    value %= 100000000;
    uint32_t high = value / 10000, low = value % 10000;
    memcpy(out + 1, digit_pairs + high / 100 * 2, 2);
    memcpy(out + 3, digit_pairs + high % 100 * 2, 2);
    memcpy(out + 5, digit_pairs + low / 100 * 2, 2);
    memcpy(out + 7, digit_pairs + low % 100 * 2, 2);
}

void perftrace_buffer_unsigned(struct perftrace_buffer *buffer, uint64_t value) {
    char *out = perftrace_buffer_reserve(buffer, PERFTRACE_DIGITS_MAX);
    if (out != NULL)
        buffer->length += perftrace_format_unsigned(out, value);
}

void perftrace_buffer_signed(struct perftrace_buffer *buffer, int64_t value) {
    if (value < 0)
        perftrace_buffer_add(buffer, "-", 1);
    perftrace_buffer_unsigned(buffer, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void perftrace_buffer_address(struct perftrace_buffer *buffer, uint64_t value) {
    char text[18];
    unsigned at = sizeof text;
    do
        text[--at] = "0123456789abcdef"[value & 15];
    while ((value >>= 4) != 0);
    text[--at] = 'x';
    text[--at] = '0';
    perftrace_buffer_add(buffer, text + at, sizeof text - at);
}

/* `count` significant digits, the first of which stands for 10^exponent: positionally between 1e-5 and
 * 1e17, else as 1.5e+20. */
static void add_decimal(struct perftrace_buffer *buffer, const char *digits, int count, int exponent) {
    if (exponent < -5 || exponent >= 17) {
        perftrace_buffer_add(buffer, digits, 1);
        if (count > 1) {
            perftrace_buffer_add(buffer, ".", 1);
            perftrace_buffer_add(buffer, digits + 1, (size_t)count - 1);
        }
        perftrace_buffer_text(buffer, exponent < 0 ? "e" : "e+");
        perftrace_buffer_signed(buffer, exponent);
    } else if (exponent < 0) {
        perftrace_buffer_text(buffer, "0.");
        for (int i = exponent; i < -1; i++)
            perftrace_buffer_add(buffer, "0", 1);
        perftrace_buffer_add(buffer, digits, (size_t)count);
    } else {
        int whole = exponent + 1;
        perftrace_buffer_add(buffer, digits, (size_t)(count < whole ? count : whole));
        for (int i = count; i < whole; i++)
            perftrace_buffer_add(buffer, "0", 1);
        if (count > whole) {
            perftrace_buffer_add(buffer, ".", 1);
            perftrace_buffer_add(buffer, digits + whole, (size_t)(count - whole));
        }
    }
}

/* Numbers of at most 15 digits that lie within the positional range, which nearly all measured values do.
 * n and 10^k are exact doubles, so n / 10^k is the double nearest to that decimal; and no two decimals of
 * 15 digits share a double, so the first k that fits gives the shortest. */
static bool add_short(struct perftrace_buffer *buffer, double value) {
    if (!(value >= 1e-5 && value < 1e15))
        return false;
    double power = 1;
    for (int k = 0; k <= 19 && value * power < 1e15; k++, power *= 10) {
        uint64_t n = (uint64_t)(value * power + 0.5);
        if ((double)n / power != value)
            continue;
        char digits[PERFTRACE_DIGITS_MAX];
        int count = (int)perftrace_format_unsigned(digits, n);
        add_decimal(buffer, digits, count, count - 1 - k);
        return true;
    }
    return false;
}

void perftrace_buffer_double(struct perftrace_buffer *buffer, double value) {
    if (isnan(value)) {
        perftrace_buffer_text(buffer, "nan");
        return;
    }
    if (signbit(value)) {
        perftrace_buffer_add(buffer, "-", 1);
        value = -value;
    }
    if (isinf(value)) {
        perftrace_buffer_text(buffer, "inf");
        return;
    }
    if (value == 0) {
        perftrace_buffer_add(buffer, "0", 1);
        return;
    }
    if (add_short(buffer, value))
        return;

    char printed[40];
    /* Of the digits beyond the point, 14 always fit one double only; the smallest doubles have fewer. */
    for (int precision = value < DBL_MIN ? 0 : 14; precision <= 16; precision++) {
        snprintf(printed, sizeof printed, "%.*e", precision, value);
        if (strtod(printed, NULL) == value)
            break;
    }
    /* The point is whatever the locale makes of it: only the digits and the exponent count. */
    char digits[20];
    int count = 0;
    const char *at = printed;
    for (; *at != 'e' && *at != '\0'; at++)
        if (*at >= '0' && *at <= '9' && count < (int)sizeof digits)
            digits[count++] = *at;
    while (count > 1 && digits[count - 1] == '0')
        count--;
    add_decimal(buffer, digits, count, *at == 'e' ? atoi(at + 1) : 0);
}
