/* gzip (RFC 1952), by zlib. */
#include "unpack.h"

#ifdef PERFTRACE_ZLIB
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

struct gzip {
    z_stream stream;
    bool between;
};

static void *gzip_open(void) {
    struct gzip *gzip = calloc(1, sizeof *gzip);
    if (gzip == NULL ||
        inflateInit2(&gzip->stream, MAX_WBITS + 16) != Z_OK) { /* 16: a gzip header, no other */
        free(gzip);
        return NULL;
    }
    gzip->between = true;
    return gzip;
}

static const char *gzip_step(void *state, const unsigned char **in, size_t *in_length, unsigned char *out,
                             size_t *out_length) {
    struct gzip *gzip = state;
    z_stream *stream = &gzip->stream;
    unsigned given = *in_length < UINT_MAX ? (unsigned)*in_length : UINT_MAX;
    unsigned room = *out_length < UINT_MAX ? (unsigned)*out_length : UINT_MAX;
    stream->next_in = (z_const Bytef *)*in;
    stream->avail_in = given;
    stream->next_out = out;
    stream->avail_out = room;
    if (given > 0)
        gzip->between = false;
    int result = inflate(stream, Z_NO_FLUSH);
    *in += given - stream->avail_in;
    *in_length -= given - stream->avail_in;
    *out_length = room - stream->avail_out;
    if (result == Z_OK || result == Z_BUF_ERROR)
        return NULL;
    const char *why = result == Z_STREAM_END  ? NULL
                      : result == Z_MEM_ERROR ? "no memory to unpack it"
                      : stream->msg != NULL   ? stream->msg
                                              : "it makes no sense";
    inflateReset(stream);
    gzip->between = true;
    return why;
}

static bool gzip_between(const void *state) {
    return ((const struct gzip *)state)->between;
}

static bool gzip_begins(const unsigned char *bytes) {
    return bytes[0] == 0x1f && bytes[1] == 0x8b && bytes[2] == Z_DEFLATED && (bytes[3] & 0xe0) == 0;
}

static void gzip_close(void *state) {
    struct gzip *gzip = state;
    inflateEnd(&gzip->stream);
    free(gzip);
}

const struct unpacker unpacker_gzip = {"gzip", gzip_open, gzip_step, gzip_between, gzip_begins, gzip_close};
#else
const struct unpacker unpacker_gzip = {.name = "gzip"};
#endif
