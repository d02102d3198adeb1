/* The sections of a report, in their order. A new one: a file with `const struct report_section
 * section_NAME` and a line here. */
SECTION(totals)
SECTION(top_functions)
SECTION(functions_by_total)
SECTION(functions_by_self)
SECTION(slowest_calls)
SECTION(call_patterns)
SECTION(call_tree)
SECTION(redundant_calls)
SECTION(same_question)
SECTION(asked_again)
SECTION(sequential_calls)
SECTION(n_plus_one)
