# What a write has made invalid is not redundant to ask again: no section says so, and nothing to do comes of it.
awk 'BEGIN {
    for (i = 0; i < 8; i++) {
        printf "PERF_TRACE|%d|read_node|caller=work|id=7|elapsed_ms=10|elapsed_us=10000|parent_call=1|thread=1\n", 4 * i + 2
        printf "PERF_TRACE|%d|update_node|caller=work|id=7|elapsed_ms=1|elapsed_us=1000|parent_call=1|thread=1\n", 4 * i + 3
        printf "PERF_TRACE|%d|read_name|caller=work|id=7|elapsed_ms=2|elapsed_us=2000|parent_call=1|thread=1\n", 4 * i + 4
        printf "PERF_TRACE|%d|read_name|caller=%s|id=7|elapsed_ms=2|elapsed_us=2000|parent_call=1|thread=1\n", 4 * i + 5, i % 2 ? "work" : "show"
    }
    print "PERF_TRACE|1|work|caller=main|elapsed_ms=120|elapsed_us=120000|parent_call=0|thread=1"
}' >written.log
report() { perftrace analyze "$@" written.log | sed -n '/^=== Potential/,/^=== N+1/p; /^=== Cache/,/^What a cache/p; /^=== What To Do/,$p'; }
report | sed -n '/^=== Asked/,/^$/p; /^=== What To Do/,$p'
echo '--- with rules'
report --invalidates update_node:id
echo '--- where only one is written'
report --invalidates 'update_node:id->read_node' | sed -n '/^=== Potential/,/^=== Asked/p'
perftrace analyze -f json --invalidates update_node:id written.log | jq -c '.redundant_calls.entries[], .what_to_do.entries[]'
