/* Zstandard (RFC 8878), by libzstd. */
#include "unpack.h"

#ifdef PERFTRACE_ZSTD
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

struct zstd {
    ZSTD_DCtx *context;
    bool between;
};

static void *zstd_open(void) {
    struct zstd *zstd = calloc(1, sizeof *zstd);
    if (zstd == NULL || (zstd->context = ZSTD_createDCtx()) == NULL) {
        free(zstd);
        return NULL;
    }
    zstd->between = true;
    return zstd;
}

static const char *zstd_step(void *state, const unsigned char **in, size_t *in_length, unsigned char *out,
                             size_t *out_length) {
    struct zstd *zstd = state;
    ZSTD_inBuffer given = {*in, *in_length, 0};
    ZSTD_outBuffer made = {out, *out_length, 0};
    size_t result = ZSTD_decompressStream(zstd->context, &made, &given);
    *in += given.pos;
    *in_length -= given.pos;
    *out_length = made.pos;
    if (!ZSTD_isError(result)) {
        if (given.pos > 0 || made.pos > 0)
            zstd->between = result == 0;
        return NULL;
    }
    ZSTD_DCtx_reset(zstd->context, ZSTD_reset_session_only);
    zstd->between = true;
    if (ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge)
        return "it was packed with --long and needs too much memory: unpack it first (zstd -d --long=31)";
    return ZSTD_getErrorName(result);
}

static bool zstd_between(const void *state) {
    return ((const struct zstd *)state)->between;
}

static bool zstd_begins(const unsigned char *bytes) {
    bool skippable = (bytes[0] & 0xf0) == 0x50 && bytes[1] == 0x2a && bytes[2] == 0x4d && bytes[3] == 0x18;
    return skippable || (bytes[0] == 0x28 && bytes[1] == 0xb5 && bytes[2] == 0x2f && bytes[3] == 0xfd);
}

static void zstd_close(void *state) {
    struct zstd *zstd = state;
    ZSTD_freeDCtx(zstd->context);
    free(zstd);
}

const struct unpacker unpacker_zstd = {"zstd", zstd_open, zstd_step, zstd_between, zstd_begins, zstd_close};
#else
const struct unpacker unpacker_zstd = {.name = "zstd"};
#endif
