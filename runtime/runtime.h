/* The recorder's inside: what its files share. Reading order: sites.c (what can record), rings.c, segments.c (where
 * records go), record.c (the cold path), drain.c (how they get into the file), trace_file.c, mend.c, quiet.c, lifetime.c.
 *
 * Three rules hold everywhere:
 *   - What a signal handler may reach (record.c, sites.c, rings.c) allocates only with mmap and takes only
 *     the one lock, with signals blocked while it is held.
 *   - Everything that a forked child must not continue with lies in struct perftrace_runtime, in memory that
 *     reads as zeros in a child: state NONE, lock free, nothing open.
 *   - Only the drainer thread frees segments and writes the trace file. */
#ifndef PERFTRACE_RUNTIME_H
#define PERFTRACE_RUNTIME_H

#ifndef PERF_TRACE
#define PERF_TRACE 1
#endif
#include "../include/perftrace.h"
#include "../core/record.h"
#include "../format/format.h"
#include "filter.h"
#include "own_files.h"
#include "quiet.h"
#include "sinks.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>

#define PERFTRACE_SEGMENTS_MAX 4096u
#define PERFTRACE_SEGMENTS_PER_EXTENT 16u
#define PERFTRACE_SEGMENTS_SPARE 16u /* the drainer makes more when fewer are free */
#define PERFTRACE_METADATA_BYTES (1u << 20)
#define PERFTRACE_RESERVE_BYTES 4096u /* of each segment, kept for the ends of open spans */
#define PERFTRACE_NO_EPOCH UINT32_MAX /* no tick has it */
/* A record's tick is read a moment before the record is there. Nothing comes later than this, but of a thread that is
 * put to sleep in the middle of a record, which is waited for besides. */
#define PERFTRACE_SETTLE_NS 40000u
#define PERFTRACE_THREAD_NAME_BYTES 64u
#define PERFTRACE_THREAD_BYTES 4096u
#define PERFTRACE_WRITERS 32u /* of a thread, used in turn */

enum perftrace_runtime_state {
    PERFTRACE_STATE_NONE = 0, /* never initialised; in a forked child: not yet continued */
    PERFTRACE_STATE_STARTING,
    PERFTRACE_STATE_RECORDING,
    PERFTRACE_STATE_STOPPING,
    PERFTRACE_STATE_STOPPED,
};

/* What a thread writes with; begins with what the inline path sees. writers.c says why a thread has several. */
struct perftrace_writer {
    struct perftrace_control control;
    struct perftrace_segment *segment; /* the one being filled */
    char *cleared;                     /* up to here it holds zeros ahead of the cursor */
    uint64_t segment_ticks;            /* when it was begun */
    /* The one that was left for this one in the middle of a record; NULL: none. */
    struct perftrace_writer *left;
    uint64_t left_ns; /* when */
    int64_t room;     /* what control.room was, FREE left aside, when the cold path claimed it */
    uint32_t epoch;   /* as in control, also where that says: always cold */
    uint8_t floor;    /* spans that began after `left` was left are at least so deep */
    bool resigned;    /* it is not waited for `left`, though it is not done */
    bool used;
};

/* A thread that records. A page of its own, wiped in a forked child. Never given back to the system: an ended thread's
 * is used by a later one. */
struct perftrace_thread {
    struct perftrace_writer writers[PERFTRACE_WRITERS];
    struct perftrace_writer *writer; /* the one in use: perftrace_control_ is its first member */
    struct perftrace_thread *next;   /* of all threads ever */
    uint64_t sequence;               /* of the next segment (atomic) */
    uint64_t looked_at;              /* what that was when the drainer began to look; the drainer's */
    uint64_t generation;             /* of the trace that this belongs to */
    uint64_t next_id;
    uint64_t lost[PERFTRACE_LOSS_CAUSES];    /* since it has a segment, which has a copy */
    uint64_t told[PERFTRACE_LOSS_CAUSES];    /* of these, what the trace knows; the drainer's */
    uint64_t settled[PERFTRACE_LOSS_CAUSES]; /* of these, what is counted for the whole process as well */
    uint32_t track;
    uint32_t gap_in;  /* the track of which a chunk could not be written, or 0; the drainer's */
    uint32_t waiting; /* segments filled and not yet drained (atomic) */
    int32_t os_id;
    bool used;
    char name[PERFTRACE_THREAD_NAME_BYTES];
};
static_assert(sizeof(struct perftrace_thread) <= PERFTRACE_THREAD_BYTES, "a thread is a page");

struct perftrace_trace_file {
    struct perftrace_own_file own;
    int error;          /* why the last block that was not written was not: an errno */
    uint64_t bytes;     /* up to here it is whole */
    uint64_t bytes_max; /* 0: no limit */
    uint64_t reserved;  /* up to here there is space for it, whoever else fills the disk */
    uint64_t start_realtime_ns;
    bool cannot_reserve;
    bool untidy; /* a part of a block that was not written may stand behind it */
    uint8_t uuid[16];
    char path[PATH_MAX];
};

/* All that belongs to one process's recording. */
struct perftrace_runtime {
    int lock;
    int state;           /* enum perftrace_runtime_state (atomic) */
    unsigned flushing;   /* threads in perftrace_flush (atomic) */
    unsigned taking;     /* threads that are going on to another segment (atomic): the end waits for them */
    int forking;         /* lock: held while a fork would find other locks taken, and by who forks */
    bool prepared;       /* this is a child, and of fork(): it may allocate and start threads */
    uint64_t lost_early; /* records that came while it was starting (atomic) */
    uint32_t pid;
    bool use_clock_gettime; /* the kernel does not trust the tick counter: no inline path */
    uint64_t generation;

    struct perftrace_config config;
    char chrome_path[PATH_MAX];
    char process_name[256];
    uint64_t start_monotonic_ns, start_realtime_ns; /* of the recording */
    uint8_t parent_uuid[16]; /* of the trace of the process that forked this one, or zeros */
    uint64_t run_start_ns;   /* in a child: when the first of its ancestors began to record; else all ones */
    struct perftrace_trace_file trace;

    /* rings */
    bool ring_in_file; /* else it lies in plain memory */
    char ring_path[PATH_MAX];
    dev_t ring_device;
    ino_t ring_inode;
    struct perftrace_ring_file *ring;
    char *metadata;
    uint64_t metadata_drained;
    bool metadata_begun_anew; /* it no longer has everything that the trace was told */
    struct perftrace_segment *segments[PERFTRACE_SEGMENTS_MAX];
    int growing;      /* lock: one at a time makes more segments */
    bool cannot_grow; /* that failed: only the drainer tries again (atomic) */
    uint32_t segment_count, segments_max;
    struct perftrace_thread *owners[PERFTRACE_SEGMENTS_MAX];
    uint64_t bases[PERFTRACE_SEGMENTS_MAX];   /* base tick in force after what is drained; the drainer's */
    bool draining[PERFTRACE_SEGMENTS_MAX];    /* the drainer reads it: not to be overwritten */
    uint64_t held_ns[PERFTRACE_SEGMENTS_MAX]; /* since when what comes after it waits for it; the drainer's */
    uint64_t filled;
    /* The free ones are a stack (Treiber, 1986): its first, plus one, in the lower half; in the upper how often it has
     * changed, so that nobody takes an old state for the present one. */
    uint64_t free_segments;
    uint32_t next_free[PERFTRACE_SEGMENTS_MAX]; /* plus one */
    uint32_t free_count;                        /* about */
    uint64_t lost_by_ended_threads[PERFTRACE_LOSS_CAUSES];
    uint64_t lost_settled[PERFTRACE_LOSS_CAUSES]; /* of all threads that were, the sum of `settled` */
    uint32_t tracks;
    struct perftrace_thread *threads;

    /* the drainer */
    pthread_t drainer;
    const struct perftrace_filter *first_filter; /* borrowed until it has begun */
    bool own_name;                               /* the files get .PID */
    bool watched;                                /* a thread waits for the program's to end (atomic) */
    bool threadless;                             /* there is no such thread: whoever records drains */
    int draining_here;                           /* lock: one of them at a time */
    uint32_t recorder_thread;                    /* kernel id of the drainer's thread */
    int begun;                                   /* futex: 1, or the negative errno of what was in the way */
    int chrome_error;                            /* why there is no Chrome file, or 0 */
    uint64_t sinks_missing;                      /* what they have not written out at the end */
    int sinks_error;
    unsigned lines_missing; /* for lack of memory (atomic) */
    int wake; /* futex: 0: the drainer sleeps until its time or until this is set; 1: it looks by itself soon */
    int urgent; /* futex: set by whoever can't wait for that */
    int pulse;  /* futex: counts the drainer's cycles */
    /* The drainer is in a function of libc that may wait for a lock of the program's (atomic). */
    bool elsewhere;
    bool hopeless; /* nobody waits for segments any more, until one becomes free (atomic) */
    bool stop;
    bool headless; /* the trace has lost its beginning */
    bool finished; /* it has its end */
    bool gone;     /* it has no name any more */
    bool drained;  /* there is nothing left to be written but by the sinks (atomic) */
    bool ended;    /* nor by them (atomic) */
    uint32_t flush_wanted, flush_done;
    struct perftrace_shapes shapes;
    uint64_t recorded;
    uint64_t losses_written;
    uint64_t looked_for_gone_ns;         /* when the drainer last looked which threads are gone */
    uint64_t modules_seen;               /* how many were ever loaded when they were looked for */
    uint32_t modules_told;               /* of those that are known */
    uint64_t clock_due;                  /* when to read the clocks again, CLOCK_MONOTONIC */
    uint64_t clock_left_due;             /* when to leave a reading in the ring file */
    uint64_t clock_first, clock_written; /* when the drainer wrote its first and its last */
    uint32_t clock_error_ns;             /* of the best reading so far */
    bool clock_is_missing;               /* the last reading could not be written */
    bool untold;           /* the last SYNC does not let all go that was drained, or no CLOCK came with it */
    uint64_t settle_ticks; /* a record comes no later than this after its tick */
    uint64_t settled;      /* before_tick of the last SYNC */
    uint64_t ticks_before; /* when `settled` was last told */
    unsigned unsettled;    /* cycles since then in which a thread was in the middle of a record */
    struct perftrace_sinks *sinks;
    struct perftrace_stderr_lines *lines; /* until the sinks have them */
};

/* The runtime of this process; its memory is made when first asked for. NULL without memory. */
struct perftrace_runtime *perftrace_here(void);
/* Makes memory read as zeros in a forked child. False: it can't be now. */
bool perftrace_wipe_on_fork(void *memory, size_t bytes);
/* Whether the calling thread belongs to the process that records, and not to a child that has its memory (vfork): that one may be killed
 * at any moment, so it must neither take a lock nor change what its parent goes on with. */
bool perftrace_is_own_process(const struct perftrace_runtime *runtime);
/* A record is not made since the recording is only just starting (in a child, or at the first record). */
void perftrace_count_early(void);
/* Brings that count to where losses are counted, as soon as it can. */
void perftrace_settle_early(struct perftrace_runtime *runtime);
/* The one in which recording goes on: starts it where AUTO or a fork asks for that; NULL: nobody records. */
struct perftrace_runtime *perftrace_active(void);

/* The lock of everything but the segments' contents; and any such lock. Signals are blocked while one is held. */
void perftrace_lock(struct perftrace_runtime *runtime, sigset_t *saved);
void perftrace_unlock(struct perftrace_runtime *runtime, const sigset_t *saved);
void perftrace_lock_word(int *lock, sigset_t *saved);
void perftrace_unlock_word(int *lock, const sigset_t *saved);
/* There is something to do; and: at once. A wake-up costs the caller a system call and, on a virtual machine, some
 * microseconds: a drainer that has been busy looks again by itself, so that this is rare. */
void perftrace_wake_drainer(struct perftrace_runtime *runtime);
void perftrace_urge_drainer(struct perftrace_runtime *runtime);
/* Sleeps until *word is no longer `value`, a wake-up, or the time is over (negative: for ever). */
void perftrace_futex_wait(int *word, int value, int64_t timeout_ns);
void perftrace_futex_wake(int *word);

/* Ticks of the clock in use. */
uint64_t perftrace_ticks_now(const struct perftrace_runtime *runtime);

/* ---- sites.c ---- */
/* Puts the site on the list (once) and sets its state by the filter. True: it is on. *refused: there was no room or memory
 * for it. */
bool perftrace_site_register(struct perftrace_runtime *runtime, struct perftrace_site *site, bool *refused);
/* With the lock held: writes all sites' metadata into a new ring, and switches them on or off. */
void perftrace_sites_start(struct perftrace_runtime *runtime);
void perftrace_sites_switch(const struct perftrace_filter *filter); /* NULL: all off */
/* The filter in force, also in a forked child whose parent was just changing it. */
const struct perftrace_filter *perftrace_sites_filter(void);
void perftrace_sites_free_shapes(struct perftrace_runtime *runtime);
/* Where the main program lies: its sites are never unloaded. */
void perftrace_sites_note_main_program(void);

/* Memory of zeros, from the system; NULL: none is left. */
void *perftrace_map_memory(size_t bytes);

/* ---- numbers.c ---- */
struct perftrace_number {
    uint64_t hash, told; /* told: which of all the times that sites were told of */
    uint32_t checksum, id;
};
/* With the lock held: the entry for a site that is told of so, new (id 0) or as it was left. NULL: no memory. */
struct perftrace_number *perftrace_number_find(const char *block, size_t bytes);

/* ---- names.c ---- */
/* With the lock held: gives up the sites of a module's dynamic names. */
void perftrace_names_forget(const void *module);

/* ---- rings.c ---- */
/* Makes the ring file (or plain memory) with its first segments, and tells the trace of it. 0 or a negative errno. */
int perftrace_rings_make(struct perftrace_runtime *runtime);
/* Gives the pages back and removes the file; the addresses stay valid, for threads that come late. Where the trace could
 * not be ended, the file stays, with nothing but its header in it: it tells what was lost. */
void perftrace_rings_drop(struct perftrace_runtime *runtime, bool keep_header);
/* The same when nobody has recorded yet: nothing is left. */
void perftrace_rings_undo(struct perftrace_runtime *runtime);
/* Sees to it that at least so many segments are free, by making more, their pages present. False: there may be no
 * more of them. Without the lock. The drainer (own_thread) does this ahead of need; a thread that finds none does it itself. */
bool perftrace_rings_grow(struct perftrace_runtime *runtime, uint32_t wanted, bool own_thread);
/* With the lock held: appends a metadata block. False: no room now. */
bool perftrace_metadata_add(struct perftrace_runtime *runtime, uint16_t kind, const void *payload,
                            size_t bytes);

/* ---- segments.c ---- */
/* Whether as many of the thread's segments wait for the drainer as may: until one is freed it gets none. */
bool perftrace_segments_are_full(const struct perftrace_runtime *runtime,
                                 const struct perftrace_thread *thread);
/* A free segment for the thread; NULL: there is none for it. For a caller that counts in runtime->taking. No lock: a
 * thread comes here every few thousand records. It becomes the thread's own with
 * perftrace_segment_start, before which its beginning must have been filled with zeros, and which returns when that is. */
struct perftrace_segment *perftrace_segment_take(struct perftrace_runtime *runtime,
                                                 struct perftrace_thread *thread);
uint64_t perftrace_segment_start(struct perftrace_runtime *runtime, struct perftrace_segment *segment);
/* Brings the losses in the segment of a claimed writer up to date, though signal handlers may be counting. */
void perftrace_losses_copy(struct perftrace_thread *thread, const struct perftrace_writer *writer);
/* With the lock held: the thread's track tells of no more losses; what the trace does not know yet is counted for the
 * whole process. */
void perftrace_losses_settle(struct perftrace_runtime *runtime, struct perftrace_thread *thread);
/* Hands a segment of the thread's to the drainer; its records end at `end`, or (NULL: a record was begun and left) at the
 * first zero word. */
void perftrace_segment_hand_over(struct perftrace_runtime *runtime, struct perftrace_thread *thread,
                                 struct perftrace_segment *segment, const uint64_t *end);
/* With the lock held: frees a FULL segment of which nothing is needed any more. */
void perftrace_segment_free(struct perftrace_runtime *runtime, uint32_t index);
/* Puts a segment among the free ones. */
void perftrace_segment_push(struct perftrace_runtime *runtime, uint32_t index);

/* ---- threads.c ---- */
extern struct perftrace_control perftrace_no_control; /* of threads that have no ring: everything is cold */
/* The calling thread's state, made at its first record; NULL when that can't be (then counted as lost). */
struct perftrace_thread *perftrace_thread_here(struct perftrace_runtime *runtime);
/* The same as far as it is there, whether or not it belongs to this trace. */
struct perftrace_thread *perftrace_thread_known(void);
/* With the lock held: writes a track's metadata, for the first time or with a new name. False: no room. */
bool perftrace_track_write(struct perftrace_runtime *runtime, uint32_t track, uint32_t kind, int32_t os_id,
                           const char *name);
/* With the lock held: a track with a number of its own. 0: no room. */
uint32_t perftrace_track_add(struct perftrace_runtime *runtime, uint32_t kind, int32_t os_id,
                             const char *name);
/* Counts a record that was not made, where a kill does not take it: in the thread's segment, or for the whole process when
 * there is no thread or it has none. */
void perftrace_count_lost(struct perftrace_runtime *runtime, struct perftrace_thread *thread, unsigned cause);

/* ---- writers.c ---- */
/* With signals blocked: the thread begins with a writer that has no segment; and: all segments go to the drainer. */
void perftrace_writers_start(struct perftrace_thread *thread);
void perftrace_writers_end(struct perftrace_runtime *runtime, struct perftrace_thread *thread);
/* The thread's writer, claimed: nobody else writes with it until it is given back. Where the one in use is in the middle of a
 * record, it is left for another. NULL: there is none, and *cause says why. */
struct perftrace_writer *perftrace_writer_claim(struct perftrace_runtime *runtime,
                                                struct perftrace_thread *thread, unsigned *cause);
void perftrace_writer_give_back(struct perftrace_writer *writer);
/* The writer that is in use, claimed. False: it was already, or it is not in use any more. */
bool perftrace_writer_try_claim(struct perftrace_writer *writer);
/* Of a writer that is claimed: a signal handler has come since, and the thread goes on with another. Nothing more is to be
 * begun with it. */
bool perftrace_writer_is_left(const struct perftrace_writer *writer);
/* Of a writer that is claimed: the thread is back in spans that are no deeper than `depth`, so longjmp has left what had
 * been left in the middle of a record within deeper ones. Returns the writer to go on with, claimed. */
struct perftrace_writer *perftrace_writer_come_back(struct perftrace_runtime *runtime,
                                                    struct perftrace_thread *thread,
                                                    struct perftrace_writer *writer, uint8_t depth);
/* Sees to it that a record of so many words fits at the cursor of a writer that is claimed, with a zero behind it. False: it
 * does not, or the writer has been left meanwhile. `end_of_span`: there is room kept for those. */
bool perftrace_writer_make_room(struct perftrace_runtime *runtime, struct perftrace_thread *thread,
                                struct perftrace_writer *writer, size_t words, bool end_of_span);
/* The ticks' upper half in which the writer's records are from now on. */
void perftrace_writer_set_epoch(struct perftrace_runtime *runtime, struct perftrace_writer *writer,
                                uint32_t epoch);
/* Sends all writers of the thread the cold way, from another thread. */
void perftrace_writers_stop(struct perftrace_thread *thread);
/* Whether a record of the thread is being written, as far as another thread can tell. */
bool perftrace_writers_are_writing(const struct perftrace_thread *thread);

/* ---- patience.c ---- */
/* Waits for segments to become free when none was. False: we don't wait, or there is nothing to be expected: all
 * segments belong to threads that go on filling them, or the drainer needs a lock that a thread holds which waits for it. */
struct perftrace_patience {
    int pulse;
    bool drained_here;
    uint64_t without_hope_since;
};
struct perftrace_patience perftrace_patience(const struct perftrace_runtime *runtime);
bool perftrace_wait_for_room(struct perftrace_runtime *runtime, struct perftrace_patience *patience);

/* Ends the threads that are gone without having said so: they recorded in the last destructor, or ended by a system call of their own. Their
 * segments would be missing for ever. */
void perftrace_threads_end_gone(struct perftrace_runtime *runtime);
/* perftrace_main_may_end is called when the calling thread ends, even if it has not recorded. */
void perftrace_hear_of_end(void);

/* ---- main_thread.c ---- */
/* A process whose main thread has called pthread_exit ends when its other threads have; the recorder's must not keep it
 * alive. The first prepares for that, in the thread that begins the recording; the second is called where a thread ends. */
void perftrace_expect_main_end(struct perftrace_runtime *runtime);
void perftrace_main_may_end(struct perftrace_runtime *runtime);

/* ---- trace_file.c ---- */
/* Opens and locks the trace at trace.path; where that is held by another process, or was written by another program that
 * this process executed before, or `own_name`, with .PID inserted in it and in chrome_path. Writes the header. 0 or a negative errno. */
int perftrace_trace_open(struct perftrace_runtime *runtime, bool own_name);
/* Empties the file and writes the header. */
int perftrace_trace_begin(struct perftrace_runtime *runtime);
/* What others have done to the file meanwhile. CUT: it is shorter than what was written; what was there makes no sense
 * any more, as sites and tracks may be among what is missing. GONE: no name leads to it. */
enum perftrace_trace_fate { PERFTRACE_TRACE_WHOLE, PERFTRACE_TRACE_CUT, PERFTRACE_TRACE_GONE };
enum perftrace_trace_fate perftrace_trace_look(struct perftrace_trace_file *file);
/* Appends a block whose payload is in two parts. All or nothing: 0 or a negative errno. */
int perftrace_trace_block(struct perftrace_trace_file *file, uint16_t kind, const void *head,
                          size_t head_bytes, const void *body, size_t body_bytes);
/* Appends whole blocks as they are. */
int perftrace_trace_append(struct perftrace_trace_file *file, const void *blocks, size_t bytes);
/* The same with what ends the trace, for which there is space kept. */
int perftrace_trace_finish(struct perftrace_trace_file *file, const void *blocks, size_t bytes);
/* Appends each of these blocks twice: of those on which others depend, damage may hit one. 0 or a negative errno, and then
 * some may have been appended. */
int perftrace_trace_append_twice(struct perftrace_trace_file *file, const char *blocks, size_t bytes);
void perftrace_trace_close(struct perftrace_trace_file *file);
/* Closes and removes it: there is nothing to be read in it. */
void perftrace_trace_remove(struct perftrace_trace_file *file);
/* Fills in a block's header for a payload in two parts. */
void perftrace_block_seal(struct perftrace_block_header *header, uint16_t kind, const void *head,
                          size_t head_bytes, const void *body, size_t body_bytes);

/* ---- previous.c ---- */
/* Whether what the file holds, a trace perhaps, may be replaced; if so, a ring file that belongs to it is removed. Traces of others
 * that began since `keep_since_ns` (CLOCK_MONOTONIC) may not. */
bool perftrace_previous_replace(const struct perftrace_runtime *runtime, int fd, uint64_t keep_since_ns);
/* When the trace in the file began, in nanoseconds of CLOCK_MONOTONIC; all ones: in another boot, or there is none. */
uint64_t perftrace_previous_start_ns(int fd);

/* ---- identity.c ---- */
/* With the lock held: tells the trace of the process's new name. */
void perftrace_identity_rename(struct perftrace_runtime *runtime);
/* Writes PROCESS; and RING, which names the file before it is there. */
int perftrace_identity_write(struct perftrace_runtime *runtime);
int perftrace_identity_write_ring(struct perftrace_runtime *runtime);
void perftrace_random(uint8_t *bytes, size_t count);
/* Whether the kernel counts on the tick counter. */
bool perftrace_ticks_are_trusted(void);

/* ---- modules.c ---- */
/* Writes a MODULE block for each module that is loaded and has not been told of yet. */
void perftrace_modules_write(struct perftrace_runtime *runtime);
/* Before fork(): waits until no thread is where a fork would do harm, and keeps them out of it; false: not in a tenth of a second. */
bool perftrace_fork_hold(struct perftrace_runtime *runtime);
void perftrace_fork_release(struct perftrace_runtime *runtime);

/* ---- mend.c ---- */
/* The drainer's: where somebody has cut the trace off, counts what was in it as lost, and begins it anew. False: that could not
 * be done; nothing may be written to it now. */
bool perftrace_trace_mend(struct perftrace_runtime *runtime);

/* ---- drain.c ---- */
/* Drains in cycles until it is told to stop, and writes the trace's end. */
void perftrace_drain(struct perftrace_runtime *runtime);
/* Where there is no drainer: a cycle by the calling thread, `all` as for a flush. False: another thread is at it. */
bool perftrace_drain_here(struct perftrace_runtime *runtime, bool all);
/* The same at the end, and with the trace's end. False: another thread has been at it for too long. */
bool perftrace_drain_last_here(struct perftrace_runtime *runtime, uint64_t deadline_ns);
/* Reads the tick counter and the clocks at one moment: the best of 64 tries, or more where none is good. */
void perftrace_clocks_read(struct perftrace_runtime *runtime, struct perftrace_block_clock *reading);

/* ---- recorder.c ---- */
/* The drainer's thread: opens everything, drains, closes everything. */
void *perftrace_recorder_main(void *runtime);
/* Begins a recording without a drainer; 0 or a negative errno. And ends it; false: that could not be done. */
int perftrace_begin_here(struct perftrace_runtime *runtime);
bool perftrace_end_here(struct perftrace_runtime *runtime);

/* ---- lifetime.c ---- */
/* A moment of CLOCK_MONOTONIC after this process has begun to execute this program, and before it recorded. */
uint64_t perftrace_image_start_ns(void);
/* What a child that is forked from now on goes on with; and that it does not. */
void perftrace_remember(const struct perftrace_runtime *runtime);
void perftrace_forget(void);
/* Notes what perftrace_error_text says; returns the negated result. */
int perftrace_fail(int result, const char *what, const char *path, int error);

/* ---- configure.c ---- */
/* The configuration in force: what was given, then the environment. False, with a text in *why: nonsense. */
bool perftrace_configure(struct perftrace_runtime *runtime, const struct perftrace_config *given,
                         struct perftrace_filter *filter, const char **why);
void perftrace_complain(const char *directive, size_t length, const char *reason);

#endif
