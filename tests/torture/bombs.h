/* What the programs of bombs share: making them, and reading them within bounds. */
#ifndef PERFTRACE_TESTS_BOMBS_H
#define PERFTRACE_TESTS_BOMBS_H

#include "reading.h"

/* Sites of every bomb. */
enum { BOMB_EVENT = 1, BOMB_SPAN };

/* Numbers that are the same in each run. */
uint64_t any(uint64_t below);

/* The beginning of a trace, with track 1 and the sites above; seeds any(). */
void bomb_begin(struct made *made);
/* An event in a chunk of its own: what has to come out whatever stands around it. */
void bomb_add_event(struct made *made, uint64_t sequence);
/* Chunks of about a segment's length from many words of `make`, with SYNCs between them. */
void bomb_add_words(struct made *made, uint32_t track, size_t count, uint64_t (*make)(size_t index));
void bomb_add_zeros(struct made *made, size_t bytes);

/* Reads it in a child, so that one that hangs or crashes does not take the others with it, and checks the bounds. */
struct reading read_watched(const char *path);
/* The same of what `write_all` writes, which is given the end of a pipe in a process of its own and returns whether it could. */
struct reading read_written(bool (*write_all)(int fd));
/* False: it can't be written. */
bool write_whole(int fd, const void *bytes, size_t length);
/* Writes the bomb into a fresh folder, frees it, and has it read: by the reader, and by the command, which reads it in its
 * own ways (two of them in short, all in full). */
struct reading explode(struct made *made);
struct reading explode_log(struct made *log);
struct reading explode_json(struct made *json);
/* Only the command. */
void command_reads(const char *path);

#endif
