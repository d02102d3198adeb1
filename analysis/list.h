/* The parts of the analysis, in the order in which each call is given to them. A new one: a file with `const struct
 * analysis_part part_NAME` and a line here. */
PART(durations)
PART(call_tree)
PART(slowest)
PART(breakdown)
PART(neighbourhood)
PART(cache)
PART(siblings)
PART(groups)
