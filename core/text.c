/* Growing texts, and untrusted bytes made safe for JSON, for terminals and for log lines. */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *perftrace_buffer_grow_(struct perftrace_buffer *buffer, size_t more) {
    if (buffer->failed)
        return NULL;
    if (more > buffer->capacity - buffer->length || buffer->bytes == NULL) {
        size_t capacity = buffer->capacity < 256 ? 256 : buffer->capacity;
        while (capacity - buffer->length < more && capacity <= SIZE_MAX / 2)
            capacity *= 2;
        char *bytes = capacity - buffer->length < more ? NULL : realloc(buffer->bytes, capacity);
        if (bytes == NULL) {
            buffer->failed = true;
            return NULL;
        }
        buffer->bytes = bytes;
        buffer->capacity = capacity;
    }
    return buffer->bytes + buffer->length;
}

void perftrace_buffer_print(struct perftrace_buffer *buffer, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    perftrace_buffer_text(buffer, text);
}

static bool continues(const char *bytes, unsigned at) {
    return ((unsigned char)bytes[at] & 0xc0) == 0x80;
}

unsigned perftrace_utf8(const char *bytes, size_t length, uint32_t *code_point) {
    if (length == 0)
        return 0;
    uint32_t first = (unsigned char)bytes[0];
    *code_point = first;
    if (first < 0x80)
        return 1;
    unsigned size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || size > length)
        return 0;
    uint32_t value = first & (0x7fu >> size);
    for (unsigned i = 1; i < size; i++) {
        if (!continues(bytes, i))
            return 0;
        value = value << 6 | ((unsigned char)bytes[i] & 0x3f);
    }
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < least[size] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *code_point = value;
    return size;
}

#define EVERY_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Not zero if some byte of `word` is zero. */
static uint64_t zero_byte(uint64_t word) {
    return (word - EVERY_BYTE(1)) & ~word & EVERY_BYTE(0x80);
}

/* Not zero if some byte of `word` is not printable ASCII, or is `one` or `other`. */
static uint64_t odd_byte(uint64_t word, char one, char other) {
    uint64_t odd = ((word - EVERY_BYTE(0x20)) | word) & EVERY_BYTE(0x80); /* below a space, or not ASCII */
    odd |= zero_byte(word ^ EVERY_BYTE(0x7f)) | zero_byte(word ^ EVERY_BYTE((unsigned char)one));
    return odd | zero_byte(word ^ EVERY_BYTE((unsigned char)other));
}

/* All of at most 8 bytes, some of them twice. */
static uint64_t word_of(const char *bytes, size_t length) {
    uint64_t word = 0;
    uint32_t first, last;
    if (length == 8) {
        memcpy(&word, bytes, 8);
    } else if (length >= 4) {
        memcpy(&first, bytes, 4);
        memcpy(&last, bytes + length - 4, 4);
        word = (uint64_t)last << 32 | first;
    } else {
        const unsigned char *three = (const unsigned char *)bytes;
        word = EVERY_BYTE(three[0]) & EVERY_BYTE(0xff) >> 16;
        word |= (uint64_t)three[length / 2] << 48 | (uint64_t)three[length - 1] << 56;
    }
    return word;
}

/* How many bytes from the start are printable ASCII and neither `one` nor `other`: all that can be copied
 * as it is. Eight at a time, because nearly everything is. */
static size_t plain_run(const char *bytes, size_t length, char one, char other) {
    size_t at = 0;
    while (at < length) {
        size_t some = length - at < 8 ? length - at : 8;
        if (odd_byte(word_of(bytes + at, some), one, other) != 0)
            break;
        at += some;
    }
    while (at < length && bytes[at] >= ' ' && bytes[at] < 0x7f && bytes[at] != one && bytes[at] != other)
        at++;
    return at;
}

static const char hexadecimal[] = "0123456789abcdef";

static void add_json_escape(struct perftrace_buffer *buffer, unsigned char byte) {
    static const char letters[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (const char *pair = letters; *pair != '\0'; pair += 2)
        if ((unsigned char)*pair == byte) {
            perftrace_buffer_add(buffer, (const char[]){'\\', pair[1]}, 2);
            return;
        }
    perftrace_buffer_add(
        buffer, (const char[]){'\\', 'u', '0', '0', hexadecimal[byte >> 4], hexadecimal[byte & 15]}, 6);
}

void perftrace_buffer_json(struct perftrace_buffer *buffer, struct perftrace_text text, size_t max) {
    size_t limit = max != 0 && max < text.length ? max : text.length;
    perftrace_buffer_add(buffer, "\"", 1);
    size_t at = 0;
    while (at < limit) {
        size_t plain = plain_run(text.bytes + at, limit - at, '"', '\\');
        perftrace_buffer_add(buffer, text.bytes + at, plain);
        at += plain;
        if (at == limit)
            break;
        uint32_t code_point;
        unsigned size = perftrace_utf8(text.bytes + at, text.length - at, &code_point);
        if (size > limit - at)
            break;
        if (size == 1)
            add_json_escape(buffer, (unsigned char)code_point);
        else if (size != 0)
            perftrace_buffer_add(buffer, text.bytes + at, size);
        else
            perftrace_buffer_text(buffer, "\xef\xbf\xbd"); /* U+FFFD */
        at += size == 0 ? 1 : size;
    }
    perftrace_buffer_text(buffer, at < text.length ? "…\"" : "\"");
}

/* Characters that change how their neighbours look, or can't be seen: a name could use them to pass for
 * another, or to turn a line around. */
static bool is_invisible(uint32_t code_point) {
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x80, 0x9f},     {0xad, 0xad},       {0x34f, 0x34f},     {0x61c, 0x61c},   {0x115f, 0x1160},
        {0x17b4, 0x17b5}, {0x180b, 0x180f},   {0x200b, 0x200f},   {0x2028, 0x202e}, {0x2060, 0x206f},
        {0x3164, 0x3164}, {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0}, {0xfff0, 0xfffb},
        {0xfffe, 0xffff}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0] && code_point >= ranges[i].first; i++)
        if (code_point <= ranges[i].last)
            return true;
    return false;
}

static void add_hex_escape(struct perftrace_buffer *buffer, unsigned char byte) {
    perftrace_buffer_add(buffer, (const char[]){'\\', 'x', hexadecimal[byte >> 4], hexadecimal[byte & 15]},
                         4);
}

static void add_code_point_escape(struct perftrace_buffer *buffer, uint32_t code_point) {
    char text[12];
    size_t at = sizeof text;
    text[--at] = '}';
    for (unsigned digits = 0; digits < 4 || code_point != 0; digits++, code_point >>= 4)
        text[--at] = hexadecimal[code_point & 15];
    text[--at] = '{';
    text[--at] = 'u';
    text[--at] = '\\';
    perftrace_buffer_add(buffer, text + at, sizeof text - at);
}

/* `one` and `other` are escaped too; DEL where there is nothing to add, as it is escaped anyway. */
static void add_escaped(struct perftrace_buffer *buffer, struct perftrace_text text, char one, char other) {
    for (size_t at = 0; at < text.length;) {
        size_t plain = plain_run(text.bytes + at, text.length - at, one, other);
        perftrace_buffer_add(buffer, text.bytes + at, plain);
        at += plain;
        if (at == text.length)
            break;
        uint32_t code_point;
        unsigned size = perftrace_utf8(text.bytes + at, text.length - at, &code_point);
        if (size <= 1) {
            add_hex_escape(buffer, (unsigned char)text.bytes[at]);
            size = 1;
        } else if (is_invisible(code_point))
            add_code_point_escape(buffer, code_point);
        else
            perftrace_buffer_add(buffer, text.bytes + at, size);
        at += size;
    }
}

void perftrace_buffer_visible(struct perftrace_buffer *buffer, struct perftrace_text text) {
    add_escaped(buffer, text, 0x7f, 0x7f);
}

void perftrace_buffer_field(struct perftrace_buffer *buffer, struct perftrace_text text) {
    add_escaped(buffer, text, '|', '\\');
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The UTF-8 form of a code point (at most 0x10ffff): never longer than its escape. */
static unsigned encode_utf8(char *out, uint32_t code_point) {
    if (code_point < 0x80) {
        out[0] = (char)code_point;
        return 1;
    }
    unsigned size = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    for (unsigned i = size - 1; i > 0; i--, code_point >>= 6)
        out[i] = (char)(0x80 | (code_point & 0x3f));
    out[0] = (char)((0xf00u >> size & 0xf0u) | code_point);
    return size;
}

/* The length of the escape at bytes[0] == '\\', or 0 if it is none; what it stands for goes to out[0 .. *size). */
static size_t read_escape(const char *bytes, size_t length, char *out, unsigned *size) {
    if (length >= 4 && bytes[1] == 'x' && hex_digit(bytes[2]) >= 0 && hex_digit(bytes[3]) >= 0) {
        out[0] = (char)(hex_digit(bytes[2]) << 4 | hex_digit(bytes[3]));
        *size = 1;
        return 4;
    }
    if (length < 8 || bytes[1] != 'u' || bytes[2] != '{')
        return 0;
    uint32_t code_point = 0;
    size_t at = 3;
    for (; at < length && at < 9 && hex_digit(bytes[at]) >= 0; at++)
        code_point = code_point << 4 | (uint32_t)hex_digit(bytes[at]);
    if (at < 7 || at == length || bytes[at] != '}' || code_point > 0x10ffff)
        return 0;
    *size = encode_utf8(out, code_point);
    return at + 1;
}

size_t perftrace_unescape(char *bytes, size_t length) {
    char *from = memchr(bytes, '\\', length);
    if (from == NULL)
        return length;
    char *to = from, *end = bytes + length;
    while (from < end) {
        char plain[4];
        unsigned size;
        size_t escape = *from == '\\' ? read_escape(from, (size_t)(end - from), plain, &size) : 0;
        if (escape == 0) {
            *to++ = *from++;
            continue;
        }
        memcpy(to, plain, size);
        to += size;
        from += escape;
    }
    return (size_t)(to - bytes);
}

void perftrace_buffer_value(struct perftrace_buffer *buffer, const struct perftrace_value *value) {
    switch (value->type) {
    case PERFTRACE_TYPE_SIGNED:
        perftrace_buffer_signed(buffer, value->i);
        break;
    case PERFTRACE_TYPE_UNSIGNED:
        perftrace_buffer_unsigned(buffer, value->u);
        break;
    case PERFTRACE_TYPE_DOUBLE:
        perftrace_buffer_double(buffer, value->d);
        break;
    case PERFTRACE_TYPE_BOOLEAN:
        perftrace_buffer_text(buffer, value->u != 0 ? "true" : "false");
        break;
    case PERFTRACE_TYPE_ADDRESS:
        perftrace_buffer_address(buffer, value->u);
        break;
    case PERFTRACE_TYPE_STRING:
        if (value->null)
            perftrace_buffer_text(buffer, "(null)");
        else
            perftrace_buffer_visible(buffer, value->text);
        if (value->cut)
            perftrace_buffer_text(buffer, "…");
        break;
    default:
        perftrace_buffer_text(buffer, "?");
    }
}

struct perftrace_text perftrace_name_shown(struct perftrace_text name) {
    if (name.length <= PERFTRACE_NAME_SHOWN_MAX)
        return name;
    size_t length = PERFTRACE_NAME_SHOWN_MAX;
    while (length > PERFTRACE_NAME_SHOWN_MAX - 4 && continues(name.bytes, (unsigned)length))
        length--;
    return (struct perftrace_text){name.bytes, length};
}
