# A function that only counts what it finds, without parts of its time: text and programs are told of the same calls.
for found in 3 4 12; do
    echo "PERF_TRACE|$found|look_up|caller=main|id=$found|elapsed_ms=2|records=$found"
done >counts.log
perftrace analyze counts.log | sed -n '/^=== Performance Breakdown/,/^$/p'
perftrace analyze --format=json counts.log | jq -c '.query_breakdown.entries[] | .function, .calls, .elapsed_ns'
