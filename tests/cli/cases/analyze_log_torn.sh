# A line that is cut short by another, where what it is a call of has come before: the other one counts as what it is.
printf 'PERF_TRACE|1|f|elapsed_ms=5\nPERF_TRACE|2|f|elapsed_ms=5|aPERF_TRACE|3|g|elapsed_ms=7\n' >torn.log
perftrace analyze torn.log --format json 2>/dev/null | jq -c '.top_functions.entries[] | [.function, .calls, .total_ns]'
