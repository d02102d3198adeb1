/* What the names of logs (log_names.h) and of Chrome JSON (chrome_json_names.h) are kept in: arrays with room for one more. */
#ifndef PERFTRACE_READER_NAMES_H
#define PERFTRACE_READER_NAMES_H

#include "../core/arena.h"

enum { PERFTRACE_NAMES_KEYS_MAX = 255 }; /* arguments of a site */

/* A list of pointers from malloc (NULL: none yet) with room for one more, perhaps moved; what it grows by is taken from the budget
 * (NULL: none). NULL where there is no room, and then it is as it was. */
void *perftrace_names_grow_list(struct perftrace_budget *budget, void *list, size_t count, size_t *capacity);

/* A site's arguments and what the reader keeps of each (`keys`, of key_bytes each) with room for more: both are copies in the arena, as those
 * that were handed out stay where they are. Returns the keys, and sets the rest; NULL without memory or with
 * PERFTRACE_NAMES_KEYS_MAX of them, and then all is as it was. */
void *perftrace_names_grow_keys(struct perftrace_arena *arena, struct perftrace_site_info *site,
                                const void *keys, size_t key_bytes,
                                struct perftrace_argument_info **arguments, uint8_t *capacity);

#endif
