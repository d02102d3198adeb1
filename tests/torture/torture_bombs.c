/* Bombs: small inputs that would make a careless reader take for ever or all memory, and large ones that ask for more than
 * there may be: lengths, depth, numbers of things, ids. Each is read within the bounds, and what is intact in it comes out. */
#include "bombs.h"
#include "torture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT = 3, BEGUN };

/* A header of a block that is not there. */
static void add_claim(struct made *made, uint32_t bytes) {
    const struct perftrace_block_header header = {.kind = PERFTRACE_BLOCK_CHUNK,
                                                  .bytes = bytes,
                                                  .checksum = (uint32_t)any(UINT32_MAX),
                                                  .marker = PERFTRACE_BLOCK_MARKER};
    made_add(made, &header, sizeof header);
}

/* ---- lengths ---- */

static void lengths_claimed(void) {
    static const uint32_t claims[] = {PERFTRACE_BLOCK_BYTES_MAX,
                                      PERFTRACE_BLOCK_BYTES_MAX + 8,
                                      PERFTRACE_BLOCK_BYTES_MAX - 8,
                                      UINT32_MAX,
                                      UINT32_MAX - 7,
                                      1u << 31,
                                      7,
                                      16,
                                      0};
    enum { COUNT = sizeof claims / sizeof claims[0] };
    struct made made = {0};
    bomb_begin(&made);
    for (uint32_t i = 0; i < COUNT; i++) {
        add_claim(&made, claims[i]);
        bomb_add_event(&made, i);
    }
    struct reading reading = explode(&made);
    torture_check(reading.items == 1 + COUNT, "%" PRIu64 " items", reading.items);
    torture_check(reading.complaints >= COUNT, "%" PRIu64 " complaints", reading.complaints);
    torture_check(reading.bytes_held < 8u << 20, "%zu bytes for a small file", reading.bytes_held);
}

/* One within the other, so that checking each to its end would take hours; and intact blocks among them. */
static void claims_within_claims(void) {
    struct made made = {0};
    uint64_t events = 0;
    bomb_begin(&made);
    for (size_t i = 0; i < torture_times(1, 8) * 65536; i++) {
        add_claim(&made, 8u << 20);
        if (i % 509 == 0)
            bomb_add_event(&made, events++);
    }
    bomb_add_zeros(&made, 9u << 20);
    struct reading reading = explode(&made);
    torture_check(reading.items == 1 + events, "%" PRIu64 " of %" PRIu64 " events", reading.items - 1,
                  events);
}

/* A claim of the greatest length after each intact block, all of which the file is long enough for. */
static void claims_between_blocks(void) {
    struct made made = {0};
    uint64_t events = 0;
    bomb_begin(&made);
    for (size_t i = 0; i < torture_times(2, 32) * 1024; i++) {
        add_claim(&made, PERFTRACE_BLOCK_BYTES_MAX);
        bomb_add_event(&made, events++);
    }
    bomb_add_zeros(&made, PERFTRACE_BLOCK_BYTES_MAX + 4096);
    struct reading reading = explode(&made);
    torture_check(reading.items == 1 + events, "%" PRIu64 " of %" PRIu64 " events", reading.items - 1,
                  events);
}

/* Blocks that are as long as they say. One of an unknown kind is stepped over; a chunk that is longer than a segment is none. */
static void longest_blocks(void) {
    struct made made = {0};
    const struct perftrace_block_chunk chunk = {
        .track = 1, .sequence = 1, .last_byte = PERFTRACE_BLOCK_BYTES_MAX - sizeof chunk};
    char *payload = calloc(1, PERFTRACE_BLOCK_BYTES_MAX);
    if (payload == NULL)
        abort();
    bomb_begin(&made);
    bomb_add_event(&made, 0);
    made_block(&made, 4711, payload, PERFTRACE_BLOCK_BYTES_MAX);
    bomb_add_event(&made, 1);
    memcpy(payload, &chunk, sizeof chunk);
    made_block(&made, PERFTRACE_BLOCK_CHUNK, payload, PERFTRACE_BLOCK_BYTES_MAX);
    bomb_add_event(&made, 2);
    free(payload);
    struct reading reading = explode(&made);
    torture_check(reading.items == 1 + 3, "%" PRIu64 " items", reading.items);
    torture_check(reading.complaints == 1 && strstr(reading.complaint, "chunk") != NULL, "%s",
                  reading.complaint);
}

/* ---- depth ---- */

static uint64_t deeper(size_t index) {
    return BEGIN(BOMB_SPAN, (unsigned)index, (uint32_t)index);
}

static size_t depth;

static uint64_t deeper_and_back(size_t index) {
    return index < depth ? BEGIN(BOMB_SPAN, (unsigned)index, (uint32_t)index)
                         : END(BOMB_SPAN, (unsigned)(2 * depth - index - 1), (uint32_t)index);
}

static void a_million_deep(void) {
    struct made made = {0};
    depth = torture_times(100000, 1000000);
    bomb_begin(&made);
    bomb_add_words(&made, 1, 2 * depth, deeper_and_back);
    struct reading reading = explode(&made);
    torture_check(reading.calls == depth && reading.deepest == depth - 1,
                  "%" PRIu64 " calls, %" PRIu64 " deep", reading.calls, reading.deepest);
    torture_check(reading.complaints == 0, "%s", reading.complaint);
}

/* Never ended, and more than can be kept. */
static void deeper_than_that(void) {
    struct made made = {0};
    size_t count = torture_times(1400000, 3000000);
    bomb_begin(&made);
    bomb_add_words(&made, 1, count, deeper);
    struct reading reading = explode(&made);
    torture_check(reading.calls >= 1000000 && reading.calls <= count, "%" PRIu64 " calls", reading.calls);
    torture_check(reading.complaints > 0 && reading.info.damaged, "nothing is told");
}

/* ---- many ---- */

static void add_short_site(struct made *made, uint32_t id, size_t name_bytes) {
    static char payload[sizeof(struct perftrace_block_site) + UINT16_MAX + 1];
    const struct perftrace_block_site site = {
        .id = id, .kind = PERFTRACE_RECORD_EVENT, .name_bytes = (uint16_t)name_bytes, .target_bytes = 0};
    memset(payload, 'x', sizeof payload);
    memcpy(payload, &site, sizeof site);
    snprintf(payload + sizeof site, 8, "%07" PRIx32, id);
    made_block(made, PERFTRACE_BLOCK_SITE, payload, sizeof site + name_bytes);
}

static void add_event_of(struct made *made, uint32_t site, uint64_t sequence) {
    const uint64_t word = made_word(PERFTRACE_RECORD_EVENT, site, 0, 1);
    made_chunk(made, 1, sequence, 0, sequence, &word, 1);
}

/* As many as ids can tell apart. */
static void every_site_there_can_be(void) {
    struct made made = {0};
    uint32_t most = (uint32_t)torture_times(1 << 16, 1 << PERFTRACE_SITE_BITS) - 1;
    bomb_begin(&made);
    for (uint32_t id = 10; id <= most; id++)
        add_short_site(&made, id, 8);
    add_event_of(&made, most, 0);
    add_event_of(&made, 10, 1);
    struct reading reading = explode(&made);
    torture_check(reading.items == 3 && reading.complaints == 0, "%" PRIu64 " items: %s", reading.items,
                  reading.complaint);
}

/* Names as long as can be: not all have room. What was told first does, and the rest of the trace is read. */
static void longest_names(void) {
    struct made made = {0};
    uint32_t count = (uint32_t)torture_times(1000, 8000);
    bomb_begin(&made);
    for (uint32_t i = 0; i < count; i++)
        add_short_site(&made, 10 + i, UINT16_MAX);
    add_event_of(&made, 10, 0);
    struct reading reading = explode(&made);
    torture_check(reading.items == 2, "%" PRIu64 " items", reading.items);
    torture_check((uint64_t)count * UINT16_MAX < PERFTRACE_READER_BYTES_MAX / 2 || reading.complaints > 0,
                  "nothing is told");
}

static void many_tracks(void) {
    struct made made = {0};
    uint32_t count = (uint32_t)torture_times(100000, 1000000);
    const uint64_t words[] = {BEGIN(BOMB_SPAN, 0, 10), END(BOMB_SPAN, 0, 20)};
    bomb_begin(&made);
    for (uint32_t track = 2; track < count; track++) {
        made_track(&made, track, PERFTRACE_TRACK_THREAD, "");
        made_chunk(&made, track, 0, 0, track, words, 1 + track % 2);
    }
    made_sync(&made, UINT64_MAX);
    struct reading reading = explode(&made);
    torture_check(reading.calls == count - 2, "%" PRIu64 " of %u calls: %s", reading.calls, count - 2,
                  reading.complaint);
    torture_check(reading.complaints == 0, "%s", reading.complaint);
}

/* A track renamed again and again. */
static void many_names_of_one_track(void) {
    struct made made = {0};
    char name[1024];
    bomb_begin(&made);
    memset(name, 'n', sizeof name);
    for (unsigned long i = 0; i < torture_times(20000, 400000); i++) {
        for (unsigned digit = 0; digit < 16; digit++)
            name[digit] = "0123456789abcdef"[i >> 4 * (15 - digit) & 15];
        name[sizeof name - 1] = 0;
        made_track(&made, 1, PERFTRACE_TRACK_THREAD, name);
    }
    bomb_add_event(&made, 0);
    struct reading reading = explode(&made);
    torture_check(reading.items > 2, "%" PRIu64 " items", reading.items);
}

/* ---- ids ---- */

static void add_async_sites(struct made *made, uint32_t id, const char *name) {
    made_site(made, id, PERFTRACE_RECORD_ASYNC_BEGIN, 0, name, NULL, 0);
}

static uint64_t same_id(size_t index) {
    return index % 2 == 0 ? made_word(PERFTRACE_RECORD_ASYNC_BEGIN, BEGUN, 0, (uint32_t)index) : 7;
}

/* One id begun again and again: each begin ends the one before. */
static void ids_used_again(void) {
    struct made made = {0};
    size_t count = torture_times(100000, 2000000);
    bomb_begin(&made);
    add_async_sites(&made, BEGUN, "a");
    bomb_add_words(&made, 1, 2 * count, same_id);
    struct reading reading = explode(&made);
    torture_check(reading.calls == count, "%" PRIu64 " calls", reading.calls);
}

static uint64_t other_ids(size_t index) {
    return index % 2 == 0 ? made_word(PERFTRACE_RECORD_ASYNC_BEGIN, BEGUN, 0, (uint32_t)index)
                          : any(UINT64_MAX);
}

/* Each its own, and none ever ended. */
static void ids_never_ended(void) {
    struct made made = {0};
    size_t count = torture_times(200000, 3000000);
    bomb_begin(&made);
    add_async_sites(&made, BEGUN, "a");
    bomb_add_words(&made, 1, 2 * count, other_ids);
    struct reading reading = explode(&made);
    torture_check(reading.calls == count || (reading.calls > 1000000 && reading.complaints > 0),
                  "%" PRIu64 " of %zu calls", reading.calls, count);
}

/* Ids that were chosen so that name and id together look the same to a hash that merely mixes them. */
static void ids_that_collide(void) {
    struct made made = {0};
    uint32_t count = (uint32_t)torture_times(250000, 500000);
    char name[16];
    bomb_begin(&made);
    for (uint32_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%x", i);
        add_async_sites(&made, 10 + i, name);
    }
    for (uint32_t at = 0, sequence = 0; at < count; at += 4000, sequence++) {
        uint64_t words[8000];
        size_t some = count - at < 4000 ? count - at : 4000;
        for (size_t i = 0; i < some; i++) {
            uint32_t site = 10 + at + (uint32_t)i;
            words[2 * i] = made_word(PERFTRACE_RECORD_ASYNC_BEGIN, site, 0, site);
            words[2 * i + 1] = UINT64_C(0x1234567812345678) ^ (uint64_t)site << 32;
        }
        made_chunk(&made, 1, sequence, 0, 0, words, 2 * some);
    }
    struct reading reading = explode(&made);
    torture_check(reading.calls == count, "%" PRIu64 " of %u calls: %s", reading.calls, count,
                  reading.complaint);
}

/* Names that all have the same FNV-1a hash: its state is zero after these bytes, and stays so over zeros. */
static void names_that_collide(void) {
    static const unsigned char to_zero[] = {0xd5, 0x6b, 0xb9, 0x53, 0x42, 0x87, 0x08, 0x36};
    struct made made = {0};
    uint32_t count = (uint32_t)torture_times(2000, 20000);
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < sizeof to_zero; i++)
        hash = (hash ^ to_zero[i]) * UINT64_C(0x100000001b3);
    torture_check(hash == 0, "%" PRIx64, hash);
    bomb_begin(&made);
    for (uint32_t i = 0; i < count; i++) {
        struct made payload = {0};
        const struct perftrace_block_site site = {.id = 10 + i,
                                                  .kind = PERFTRACE_RECORD_ASYNC_BEGIN,
                                                  .name_bytes = (uint16_t)(sizeof to_zero + i % 4000),
                                                  .target_bytes = (uint16_t)(i / 4000 * 4)};
        made_add(&payload, &site, sizeof site);
        made_add(&payload, to_zero, sizeof to_zero);
        bomb_add_zeros(&payload, i % 4000 + i / 4000 * 4u);
        made_block(&made, PERFTRACE_BLOCK_SITE, payload.bytes, payload.length);
        made_free(&payload);
    }
    for (uint32_t i = 0; i < count; i++) { /* one id, which only the names tell apart */
        const uint64_t words[] = {made_word(PERFTRACE_RECORD_ASYNC_BEGIN, 10 + i, 0, i), 7};
        made_chunk(&made, 1, i, 0, 0, WORDS(words));
    }
    struct reading reading = explode(&made);
    torture_check(reading.calls == count && reading.items == 1 + 2 * count, "%" PRIu64 " of %u calls",
                  reading.calls, count);
}

int main(int argc, char **argv) {
    static const struct torture_case cases[] = {
        {"lengths claimed", lengths_claimed},
        {"claims within claims", claims_within_claims},
        {"claims between blocks", claims_between_blocks},
        {"longest blocks", longest_blocks},
        {"a million deep", a_million_deep},
        {"deeper than that", deeper_than_that},
        {"every site there can be", every_site_there_can_be},
        {"longest names", longest_names},
        {"many tracks", many_tracks},
        {"many names of one track", many_names_of_one_track},
        {"ids used again", ids_used_again},
        {"ids never ended", ids_never_ended},
        {"ids that collide", ids_that_collide},
        {"names that collide", names_that_collide},
    };
    return torture_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
