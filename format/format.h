/* The on-disk records: what a .ptrace file and a ring file are made of. docs/trace_format.md is the
 * normative description; this header is the same thing for the compiler. All integers are little-endian.
 * Nothing here allocates, reads or writes: only constants, structures and their asserted sizes. */
#ifndef PERFTRACE_FORMAT_H
#define PERFTRACE_FORMAT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define PERFTRACE_FORMAT_VERSION 1u
#define PERFTRACE_TRACE_MAGIC "\x89PTRACE\n"
#define PERFTRACE_RING_MAGIC "\x89PTRING\n"

/* ---- the trace file: one header, then blocks until the end of the file --------------------------- */

struct perftrace_file_header {
    char magic[8];
    uint32_t version;      /* PERFTRACE_FORMAT_VERSION; a reader refuses a greater one */
    uint32_t header_bytes; /* where the first block starts */
    uint8_t uuid[16];      /* of this trace; the ring file carries the same */
    uint32_t flags;        /* reserved, zero */
    uint32_t pid;
    uint64_t start_realtime_ns;
    uint32_t checksum; /* CRC-32C over these 64 bytes with the checksum taken as zero; zero: there is none */
    char reserved[12];
};
static_assert(sizeof(struct perftrace_file_header) == 64, "file header");

enum perftrace_block_kind {
    PERFTRACE_BLOCK_PROCESS = 1, /* identity of the traced process */
    PERFTRACE_BLOCK_MODULE = 2,  /* an executable or library, with its build id */
    PERFTRACE_BLOCK_SITE = 3,    /* one place in the source that records */
    PERFTRACE_BLOCK_TRACK = 4,   /* a timeline: thread, GPU queue, fiber; again when renamed */
    PERFTRACE_BLOCK_CLOCK = 5,   /* what the tick counter and the clocks said at one moment */
    PERFTRACE_BLOCK_CHUNK = 6,   /* records of one track */
    PERFTRACE_BLOCK_SYNC = 7,    /* everything recorded before a tick has been written */
    PERFTRACE_BLOCK_LOSS = 8,    /* losses that no chunk carries: by cause, for the whole process */
    PERFTRACE_BLOCK_RING = 9,    /* where the ring file lies */
    PERFTRACE_BLOCK_END = 10,    /* the program ended its trace in good order */
};

/* Every block. The checksum is CRC-32C (Castagnoli; RFC 3720 appendix B.4) over this header with the
 * checksum taken as zero, followed by the payload. `bytes` counts the payload; the next block begins
 * right after it, on a multiple of 8 (the payload is padded with zeros, which `bytes` includes). */
struct perftrace_block_header {
    uint16_t kind;
    uint16_t flags; /* reserved, zero */
    uint32_t bytes;
    uint32_t checksum;
    uint32_t marker; /* PERFTRACE_BLOCK_MARKER: lets a reader find the next block after damage */
};
#define PERFTRACE_BLOCK_MARKER 0x4b4c4250u /* "PBLK" */
#define PERFTRACE_BLOCK_BYTES_MAX (64u << 20)
static_assert(sizeof(struct perftrace_block_header) == 16, "block header");

/* Strings in blocks: a fixed part names their lengths; the bytes follow it, one string after the other,
 * in the order of the length fields, without terminators; then zeros up to a multiple of 8. */

struct perftrace_block_process {
    uint8_t parent_uuid[16]; /* zero: none known */
    uint8_t boot_id[16];
    uint64_t start_monotonic_ns;
    uint64_t start_realtime_ns;
    uint64_t process_start_ticks; /* field 22 of /proc/self/stat: with boot_id and pid, who this is */
    uint32_t pid;
    uint32_t parent_pid;
    uint8_t clock;  /* enum perftrace_clock_id */
    uint8_t mode;   /* enum perftrace_trace_mode */
    uint16_t flags; /* PERFTRACE_PROCESS_… */
    uint16_t name_bytes;
    uint16_t executable_bytes;
};
static_assert(sizeof(struct perftrace_block_process) == 72, "process block");
enum {
    PERFTRACE_PROCESS_NOT_CRASH_SAFE = 1, /* the rings lie in plain memory: kill -9 loses what is in them */
};

enum perftrace_clock_id {
    PERFTRACE_CLOCK_TSC = 1,       /* x86 time stamp counter, or aarch64 cntvct_el0 */
    PERFTRACE_CLOCK_MONOTONIC = 2, /* clock_gettime(CLOCK_MONOTONIC) in nanoseconds */
};

enum perftrace_trace_mode { PERFTRACE_MODE_STREAM = 1, PERFTRACE_MODE_FLIGHT = 2 };

struct perftrace_block_module {
    uint64_t base_address;
    uint8_t build_id_bytes; /* of build_id that count */
    uint8_t build_id[21];
    uint16_t path_bytes;
};
static_assert(sizeof(struct perftrace_block_module) == 32, "module block");

struct perftrace_block_site {
    uint32_t id; /* 1 to 2^20 - 1, unique in the trace */
    uint32_t line;
    uint8_t kind;  /* enum perftrace_record_kind: which records name this site */
    uint8_t level; /* 1 error … 5 trace */
    uint8_t phase; /* enum perftrace_site_phase */
    uint8_t argument_count;
    uint16_t name_bytes;
    uint16_t target_bytes;
    uint16_t file_bytes;
    uint16_t function_bytes;
    uint32_t reserved;
    /* then argument_count × struct perftrace_format_argument, then name, target, file, function and the
     * argument names */
};
static_assert(sizeof(struct perftrace_block_site) == 24, "site block");

/* Tells apart sites whose records are of one kind. */
enum perftrace_site_phase {
    PERFTRACE_PHASE_NONE = 0,
    PERFTRACE_PHASE_BEGIN = 1, /* FLOW: starts; MEMORY: allocates */
    PERFTRACE_PHASE_STEP = 2,  /* FLOW: goes on */
    PERFTRACE_PHASE_END = 3,   /* FLOW: arrives; MEMORY: frees */
};

struct perftrace_format_argument {
    uint8_t type; /* enum perftrace_value_type */
    uint8_t role; /* enum perftrace_argument_role */
    uint8_t unit; /* reserved, zero */
    uint8_t flags;
    uint16_t name_bytes;
    uint16_t reserved;
};
static_assert(sizeof(struct perftrace_format_argument) == 8, "argument");

enum perftrace_value_type {
    PERFTRACE_TYPE_I64 = 1,
    PERFTRACE_TYPE_U64 = 2,
    PERFTRACE_TYPE_F64 = 3,
    PERFTRACE_TYPE_BOOL = 4,
    PERFTRACE_TYPE_TEXT = 5, /* a text word, then the bytes padded with zeros to a multiple of 8 */
    PERFTRACE_TYPE_POINTER = 6,
};

/* The word before a text's bytes: its length in the low 32 bits, and: */
#define PERFTRACE_TEXT_CUT (UINT64_C(1) << 32)  /* the text was longer */
#define PERFTRACE_TEXT_NULL (UINT64_C(1) << 33) /* it was a null pointer; the length is 0 */
#define PERFTRACE_TEXT_BYTES_MAX 512u

enum perftrace_argument_role {
    PERFTRACE_ROLE_PARAMETER = 1, /* known at the start: part of the signature */
    PERFTRACE_ROLE_METRIC = 2,    /* known at the end */
};
#define PERFTRACE_ARGUMENTS_MAX 12u

struct perftrace_block_track {
    uint32_t id;    /* 1…; unique in the trace */
    uint32_t kind;  /* enum perftrace_track_kind */
    uint64_t os_id; /* kernel thread id, or 0 */
    uint16_t name_bytes;
    uint16_t reserved[3];
};
static_assert(sizeof(struct perftrace_block_track) == 24, "track block");

enum perftrace_track_kind {
    PERFTRACE_TRACK_THREAD = 1,
    PERFTRACE_TRACK_GPU = 2,
    PERFTRACE_TRACK_FIBER = 3,
    PERFTRACE_TRACK_ASYNC = 4,
};

struct perftrace_block_clock {
    uint64_t ticks;
    uint64_t monotonic_ns;
    uint64_t realtime_ns;
    uint32_t error_ns;    /* half of the bracket in which the clocks were read */
    uint32_t flags;       /* reserved, zero */
    uint64_t boottime_ns; /* 0: unknown; older traces end before it */
};
static_assert(sizeof(struct perftrace_block_clock) == 40, "clock block");
#define PERFTRACE_CLOCK_BLOCK_BYTES_MIN 32u

/* Why records are missing. Counted where and when it happens. */
enum perftrace_loss_cause {
    PERFTRACE_LOSS_FULL = 0,    /* no free segment: the drainer did not keep up */
    PERFTRACE_LOSS_DISK = 1,    /* the trace could not be written */
    PERFTRACE_LOSS_REENTRY = 2, /* a signal handler left the record in the middle, or took too long there */
    PERFTRACE_LOSS_TOO_BIG = 3, /* a record longer than a segment can hold */
    PERFTRACE_LOSS_NO_RING = 4, /* no memory, no space or no thread state */
    PERFTRACE_LOSS_NO_SITE = 5, /* the site could not be registered: too many, or no room */
    PERFTRACE_LOSS_CAUSES = 8,
};

struct perftrace_block_chunk {
    uint32_t track;
    uint32_t first_byte;                  /* position of the records in their segment … */
    uint32_t last_byte;                   /* … up to here */
    uint32_t flags;                       /* PERFTRACE_CHUNK_… */
    uint64_t sequence;                    /* of the segment, on this track, from 0 */
    uint64_t base_tick;                   /* what the first record's ticks are added to */
    uint64_t lost[PERFTRACE_LOSS_CAUSES]; /* by this track, since its beginning */
    /* then last_byte - first_byte bytes of records */
};
static_assert(sizeof(struct perftrace_block_chunk) == 96, "chunk block");
enum {
    PERFTRACE_CHUNK_AFTER_GAP = 1, /* records before these may be missing */
};

struct perftrace_block_sync {
    uint64_t before_tick; /* records with earlier ticks precede this block */
    uint64_t flags;       /* of enum perftrace_sync_flags */
};

enum perftrace_sync_flags {
    PERFTRACE_SYNC_NO_CLOCK_FOLLOWS = 1, /* times have to be told from the readings that there are */
};

struct perftrace_block_loss {
    uint64_t lost[PERFTRACE_LOSS_CAUSES]; /* outside any track, since the start */
};

struct perftrace_block_ring {
    uint16_t path_bytes;
    uint16_t reserved;
    uint32_t recorder_thread; /* kernel thread id of the one that empties the rings; 0: not told */
};

struct perftrace_block_end {
    uint64_t recorded; /* records in this trace */
    uint64_t before_tick;
};

/* ---- records: 8-byte words ------------------------------------------------------------------------ */

/* The first word of a record:
 *
 *    63                             32 31                12 11   8 7       0
 *   +---------------------------------+--------------------+------+---------+
 *   |  ticks since the base           |        site        | kind |  depth  |
 *   +---------------------------------+--------------------+------+---------+
 *
 * The base is the chunk's (or segment's) base_tick, replaced by each REBASE. The depth is the number of
 * spans open on the track before this one, modulo 256; for an END it is the depth of its BEGIN. A word
 * of zero is no record: it ends the written part of a segment. */
#define PERFTRACE_DEPTH_MASK 0xffu
#define PERFTRACE_KIND_SHIFT 8
#define PERFTRACE_KIND_MASK 0xfu
#define PERFTRACE_SITE_SHIFT 12
#define PERFTRACE_SITE_BITS 20
#define PERFTRACE_SITE_MASK 0xfffffu
#define PERFTRACE_TICKS_SHIFT 32

/* The words that follow are fixed by the kind, then the site's arguments in order. */
enum perftrace_record_kind {
    PERFTRACE_RECORD_NONE = 0,
    PERFTRACE_RECORD_BEGIN = 1,          /* arguments (parameters) */
    PERFTRACE_RECORD_END = 2,            /* nothing; the site is that of the BEGIN */
    PERFTRACE_RECORD_EVENT = 3,          /* arguments */
    PERFTRACE_RECORD_COUNTER = 4,        /* arguments: the one value */
    PERFTRACE_RECORD_FRAME = 5,          /* nothing */
    PERFTRACE_RECORD_METRIC = 6,         /* arguments (metrics) of the open span whose depth this names */
    PERFTRACE_RECORD_ASYNC_BEGIN = 7,    /* id; arguments (parameters) */
    PERFTRACE_RECORD_ASYNC_END = 8,      /* id; arguments (metrics) */
    PERFTRACE_RECORD_FLOW = 9,           /* id; the site's phase tells which end */
    PERFTRACE_RECORD_MEMORY = 10,        /* address, bytes; the site's phase: allocated or freed (0 bytes) */
    PERFTRACE_RECORD_TRACK_SPAN = 11,    /* track, begin, end (CLOCK_MONOTONIC ns); arguments */
    PERFTRACE_RECORD_TRACK_EVENT = 12,   /* track, time; arguments */
    PERFTRACE_RECORD_TRACK_COUNTER = 13, /* track, time; arguments: the one value */
    PERFTRACE_RECORD_REBASE = 14,        /* the new base tick; site, depth and ticks are zero */
    PERFTRACE_RECORD_EXTENDED = 15,      /* as many words as the site field says; reserved: skip it */
};

/* ---- the ring file: rings of a living or killed process ------------------------------------------- */

/* Page 0 is the header; then `metadata_bytes` of metadata blocks (sites, tracks …, as in a trace) of
 * which the first metadata_used are complete; then segments. A thread owns one segment at a time and
 * fills it with records; a full one waits for the drainer, which appends it to the trace and frees it. Whoever
 * takes it next fills it with zeros, always some way ahead of its records. */
#define PERFTRACE_SEGMENT_BYTES 65536u
struct perftrace_ring_file {
    char magic[8];
    uint32_t version;
    uint32_t pid;
    uint8_t uuid[16];
    uint64_t metadata_offset;
    uint64_t metadata_bytes;
    uint64_t metadata_used;
    uint64_t segments_offset;
    uint64_t segment_count;               /* grows */
    uint64_t lost[PERFTRACE_LOSS_CAUSES]; /* outside any track */
    /* CRC-32C over what never changes: all before metadata_used, then segments_offset; zero: none. */
    uint32_t checksum;
    uint32_t newest_reading;                  /* 1 or 2: which of the two; 0: none */
    struct perftrace_block_clock readings[2]; /* of the clocks, while nothing is written to the trace */
};
static_assert(sizeof(struct perftrace_ring_file) == 224, "ring file header");

enum perftrace_segment_state {
    PERFTRACE_SEGMENT_FREE = 0,
    PERFTRACE_SEGMENT_ACTIVE = 1,   /* a thread writes here; the records end at a zero word */
    PERFTRACE_SEGMENT_FULL = 2,     /* waits for the drainer */
    PERFTRACE_SEGMENT_CLEARING = 3, /* a thread has taken it and fills it with zeros */
};

struct perftrace_segment {
    uint32_t state; /* enum perftrace_segment_state */
    uint32_t track;
    uint64_t sequence;
    uint64_t base_tick; /* in force at the first record */
    uint32_t drained;   /* bytes of records that the trace has, from the first record */
    uint32_t end;       /* when FULL: bytes of records; all ones: up to the first zero word */
    uint64_t lost[PERFTRACE_LOSS_CAUSES]; /* by this track, since its beginning */
    uint64_t filled; /* when FULL: how many segments of all threads were filled before it, plus one */
    uint64_t reserved[3];
    /* then the records */
};
#define PERFTRACE_SEGMENT_HEADER_BYTES 128u
#define PERFTRACE_SEGMENT_RECORD_BYTES (PERFTRACE_SEGMENT_BYTES - PERFTRACE_SEGMENT_HEADER_BYTES)
static_assert(sizeof(struct perftrace_segment) == PERFTRACE_SEGMENT_HEADER_BYTES, "segment header");

#endif
