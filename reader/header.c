/* The beginning of an input: what it is, and the header of a trace. One flipped bit in the header is put right; with more
 * damage the blocks behind it still tell that this is a trace, and are read. */
#include "header.h"

#include "../core/crc32c.h"

#include <stdio.h>
#include <string.h>

#define HEADER_BYTES sizeof(struct perftrace_file_header)
#define HEADER_BYTES_MAX 4096u
#define MAGIC_BYTES sizeof(((struct perftrace_file_header *)NULL)->magic)
#define SEARCH_BYTES ((size_t)1 << 20) /* so much of a beginning may be destroyed */

static const unsigned char *beginning(const struct perftrace_source *source) {
    return source->length == 0 ? (const unsigned char *)"" : source->buffer + source->start;
}

/* Whether no text begins so, or most of a trace's magic stands there. */
static bool may_be_damaged_trace(const unsigned char *first, size_t length) {
    size_t same = 0;
    for (size_t i = 0; i < length; i++) {
        bool control = first[i] < ' ' && strchr("\a\b\t\n\v\f\r\033", first[i]) == NULL;
        if (control || first[i] == 0)
            return true;
        same += first[i] == (unsigned char)PERFTRACE_TRACE_MAGIC[i];
    }
    return same > length / 2;
}

/* The header's flipped bit put right: its number, or -1. A header without a checksum, and one that is right, have none. */
static int repair(struct perftrace_file_header *header) {
    struct perftrace_file_header whole = *header;
    uint32_t checksum = header->checksum;
    whole.checksum = 0;
    if (checksum == 0 || perftrace_crc32c(0, &whole, sizeof whole) == checksum ||
        !perftrace_crc32c_repair(&whole, sizeof whole, &checksum) || whole.checksum != 0 ||
        memcmp(whole.magic, PERFTRACE_TRACE_MAGIC, sizeof whole.magic) != 0)
        return -1;
    whole.checksum = checksum;
    const unsigned char *was = (const unsigned char *)header, *is = (const unsigned char *)&whole;
    size_t at = 0;
    while (was[at] == is[at])
        at++;
    int bit = (int)(at * 8) + __builtin_ctz((unsigned)(was[at] ^ is[at]));
    *header = whole;
    return bit;
}

/* A gzip member with deflate in it, and without the flags that nobody may use yet; or a Zstandard frame, or one of those to be skipped. */
static bool is_gzip(const unsigned char *first) {
    return first[0] == 0x1f && first[1] == 0x8b && first[2] == 8 && (first[3] & 0xe0) == 0;
}
static bool is_zstd(const unsigned char *first) {
    return memcmp(first, "\x28\xb5\x2f\xfd", 4) == 0 ||
           ((first[0] & 0xf0) == 0x50 && memcmp(first + 1, "\x2a\x4d\x18", 3) == 0);
}

enum perftrace_input perftrace_source_recognise(struct perftrace_source *source) {
    struct perftrace_file_header header;
    bool whole = perftrace_source_fill(source, MAGIC_BYTES);
    const unsigned char *first = beginning(source);
    if (source->length >= 4 && is_gzip(first))
        return PERFTRACE_INPUT_GZIP;
    if (source->length >= 4 && is_zstd(first))
        return PERFTRACE_INPUT_ZSTD;
    if (!whole) /* two bytes of the magic are enough: no text starts so */
        return source->length >= 2 && memcmp(first, PERFTRACE_TRACE_MAGIC, source->length) == 0
                   ? PERFTRACE_INPUT_CUT_TRACE
                   : PERFTRACE_INPUT_LOG;
    if (memcmp(first, PERFTRACE_TRACE_MAGIC, MAGIC_BYTES) == 0)
        return PERFTRACE_INPUT_TRACE;
    if (memcmp(first, PERFTRACE_RING_MAGIC, MAGIC_BYTES) == 0)
        return PERFTRACE_INPUT_RING;
    if (!may_be_damaged_trace(first, MAGIC_BYTES) || !perftrace_source_fill(source, HEADER_BYTES))
        return PERFTRACE_INPUT_LOG;
    memcpy(&header, beginning(source), sizeof header);
    if (repair(&header) >= 0)
        return PERFTRACE_INPUT_TRACE;
    perftrace_source_fill(source, SEARCH_BYTES);
    return perftrace_source_has_block(source, SEARCH_BYTES) ? PERFTRACE_INPUT_TRACE : PERFTRACE_INPUT_LOG;
}

static int refuse(struct perftrace_error_info *error, enum perftrace_error code, const char *what) {
    *error = (struct perftrace_error_info){.code = code};
    snprintf(error->message, sizeof error->message, "%s", what);
    return -(int)code;
}

static void tell(const struct perftrace_source *source, struct perftrace_error_info *what) {
    what->code = PERFTRACE_ERROR_FORMAT;
    if (source->options != NULL && source->options->on_damage != NULL)
        source->options->on_damage(source->options->context, what);
}

static void tell_bit(const struct perftrace_source *source, int bit) {
    struct perftrace_error_info what = {.byte_offset = (uint64_t)bit / 8};
    snprintf(what.message, sizeof what.message,
             "bit %d of byte %d, in the header, was flipped, and is put right", bit % 8, bit / 8);
    tell(source, &what);
}

/* Where the first block begins. What the header says of that is not believed against what stands there. */
static size_t first_block(struct perftrace_source *source, uint32_t told) {
    bool possible = told >= HEADER_BYTES && told <= HEADER_BYTES_MAX && perftrace_source_fill(source, told);
    if (possible && (told == HEADER_BYTES || !perftrace_source_block_at(source, HEADER_BYTES)))
        return told;
    struct perftrace_error_info what = {.byte_offset = offsetof(struct perftrace_file_header, header_bytes)};
    snprintf(what.message, sizeof what.message,
             "the header of the trace says (byte 12) that the first block begins at byte %u", told);
    tell(source, &what);
    return HEADER_BYTES;
}

int perftrace_source_take_header(struct perftrace_source *source, struct perftrace_file_header *header,
                                 struct perftrace_error_info *error) {
    if (!perftrace_source_fill(source, HEADER_BYTES)) {
        if (source->error.code == PERFTRACE_OK)
            return refuse(error, PERFTRACE_ERROR_FORMAT, "the trace is cut within its header");
        *error = source->error;
        return -(int)error->code;
    }
    memcpy(header, beginning(source), sizeof *header);
    int bit = repair(header);
    if (bit >= 0)
        tell_bit(source, bit);
    if (memcmp(header->magic, PERFTRACE_TRACE_MAGIC, sizeof header->magic) != 0) {
        /* What is known of it are the blocks that follow: what stands before them is stepped over as damage. */
        *header = (struct perftrace_file_header){.version = PERFTRACE_FORMAT_VERSION};
        return 0;
    }
    if (header->version > PERFTRACE_FORMAT_VERSION || header->version == 0) {
        char what[128];
        snprintf(what, sizeof what, "the trace has format version %u; this reader knows up to %u",
                 header->version, PERFTRACE_FORMAT_VERSION);
        return refuse(error, PERFTRACE_ERROR_VERSION, what);
    }
    struct perftrace_file_header zeroed = *header;
    zeroed.checksum = 0;
    if (header->checksum != 0 && perftrace_crc32c(0, &zeroed, sizeof zeroed) != header->checksum) {
        struct perftrace_error_info what = {.message = "the header of the trace is damaged (bytes 0 to 63)"};
        source->damaged_bytes += HEADER_BYTES;
        tell(source, &what);
    }
    perftrace_source_skip(source, first_block(source, header->header_bytes));
    return 0;
}
