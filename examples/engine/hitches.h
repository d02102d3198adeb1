/* Hitches on purpose: frames that are slow for a reason that is known, to see whether a trace tells it (--hitch). */
#ifndef ENGINE_HITCHES_H
#define ENGINE_HITCHES_H

struct engine;
struct hitches;

/* KIND@FRAME:SYSTEM:MS, some of them separated by commas. KIND is what makes the system take so many milliseconds more in that frame (the
 * frames are counted from 0, as in update_frame):
 *   slow    it computes
 *   lock    it needs a lock that another thread holds meanwhile: who loads, in the span `load_assets`
 *   fault   it touches memory that it never had
 *   burst   it asks the same again and again: calls of `find_near`
 * NULL: it can't be read, or there is no memory or thread; then *why says so. */
struct hitches *hitches_start(const char *text, const char **why);
/* Prints what has been done, a line for each. */
void hitches_stop(struct hitches *hitches);

/* Within a system's own span: has its hitch of this frame, if there is one. In its first part to come here, where it has many. */
void hitches_at(struct engine *engine, const char *system);

#endif
