/* The checksum of any part of the input at hand.
 *
 * Without its inversions at both ends CRC is linear: crc(s, D) = shift(s, |D|) ^ crc(0, D), where shift lets a register
 * run over zeros. With the registers P after each step from the beginning, that of a part between two steps A and B,
 * begun with s, is P[B] ^ shift(P[A] ^ s, B - A). What the part has before A and behind B is less than a step each. */
#include "sums.h"

#include "../core/crc32c.h"
#include "../format/format.h"

#include <stdlib.h>

#define STEP 256u
#define SHIFTS 20u                                      /* by 2^0 to 2^19 steps: more than a block has */
#define REACH ((uint64_t)2 * PERFTRACE_BLOCK_BYTES_MAX) /* then the beginning is forgotten */
static_assert(((uint64_t)STEP << (SHIFTS - 1)) > PERFTRACE_BLOCK_BYTES_MAX, "shifts as long as any block");

/* by[k][i][b]: a register with byte i = b, after 2^k steps of zeros. */
struct perftrace_shift_tables {
    uint32_t by[SHIFTS][4][256];
};

/* The register itself, without inversions. */
static uint32_t run(uint32_t state, const void *bytes, size_t count) {
    return ~perftrace_crc32c(~state, bytes, count);
}

static uint32_t shift_once(const struct perftrace_shift_tables *tables, unsigned k, uint32_t state) {
    return tables->by[k][0][state & 0xff] ^ tables->by[k][1][state >> 8 & 0xff] ^
           tables->by[k][2][state >> 16 & 0xff] ^ tables->by[k][3][state >> 24];
}

static uint32_t shift(const struct perftrace_shift_tables *tables, uint32_t state, size_t steps) {
    for (unsigned k = 0; k < SHIFTS && steps >> k != 0; k++)
        if ((steps >> k & 1) != 0)
            state = shift_once(tables, k, state);
    return state;
}

static struct perftrace_shift_tables *make_tables(void) {
    static const unsigned char zeros[STEP];
    struct perftrace_shift_tables *tables = malloc(sizeof *tables);
    if (tables == NULL)
        return NULL;
    for (unsigned k = 0; k < SHIFTS; k++)
        for (unsigned i = 0; i < 4; i++)
            for (uint32_t byte = 0; byte < 256; byte++) {
                uint32_t state = byte << 8 * i;
                tables->by[k][i][byte] = k == 0 ? run(state, zeros, STEP)
                                                : shift_once(tables, k - 1, shift_once(tables, k - 1, state));
            }
    return tables;
}

static bool make_room(struct perftrace_sums *sums, size_t count) {
    if (sums->tables == NULL && (sums->tables = make_tables()) == NULL)
        return false;
    if (count <= sums->capacity)
        return true;
    size_t capacity = count * 2;
    uint32_t *bigger = realloc(sums->at, capacity * sizeof *bigger);
    if (bigger == NULL)
        return false;
    sums->at = bigger;
    sums->capacity = capacity;
    return true;
}

/* Makes the sums reach up to `end`, and begin at the offset or before. */
static bool extend(struct perftrace_sums *sums, const unsigned char *bytes, uint64_t offset, uint64_t end) {
    if (sums->count == 0 || offset - sums->first > REACH || sums->first + (sums->count - 1) * STEP < offset) {
        sums->first = offset;
        sums->count = 0;
    }
    size_t wanted = (size_t)((end - sums->first) / STEP) + 1;
    if (!make_room(sums, wanted))
        return false;
    if (sums->count == 0)
        sums->at[sums->count++] = 0;
    for (; sums->count < wanted; sums->count++)
        sums->at[sums->count] =
            run(sums->at[sums->count - 1], bytes + (sums->first + (sums->count - 1) * STEP - offset), STEP);
    return true;
}

bool perftrace_sums_crc32c(struct perftrace_sums *sums, const unsigned char *bytes, size_t have,
                           uint64_t offset, size_t from, size_t count, uint32_t *crc) {
    if (count <= 4 * STEP) {
        *crc = perftrace_crc32c(*crc, bytes + from, count);
        return true;
    }
    if (from + count > have || !extend(sums, bytes, offset, offset + from + count))
        return false;
    uint64_t begin = offset + from - sums->first, end = begin + count;
    size_t first = (size_t)((begin + STEP - 1) / STEP), last = (size_t)(end / STEP);
    size_t before = (size_t)(first * STEP - begin), behind = (size_t)(end - last * STEP);
    uint32_t state = run(~*crc, bytes + from, before);
    state = sums->at[last] ^ shift(sums->tables, sums->at[first] ^ state, last - first);
    *crc = ~run(state, bytes + from + count - behind, behind);
    return true;
}

void perftrace_sums_free(struct perftrace_sums *sums) {
    free(sums->at);
    free(sums->tables);
    *sums = (struct perftrace_sums){0};
}
