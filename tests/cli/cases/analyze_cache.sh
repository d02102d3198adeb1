# What caches would save: by size, within root calls, together, with writes, and in JSON.
awk 'BEGIN {
    for (i = 0; i < 60; i++) {
        part = i % 3 == 0 ? "hot" : "p" i % 12
        printf "PERF_TRACE|%d|query_entry|caller=load_node|part_id=%s|elapsed_ms=4|elapsed_us=%d|parent_call=%d|thread=1\n", 3 * i + 3, part, 4000 + i, 3 * i + 2
        printf "PERF_TRACE|%d|load_node|caller=request|part_id=%s|name=n%d|elapsed_ms=6|elapsed_us=6000|parent_call=1|thread=1\n", 3 * i + 2, part, i % 24
        if (i % 20 == 13)
            printf "PERF_TRACE|%d|ns::update|caller=request|part_id=hot|elapsed_ms=1|elapsed_us=1000|parent_call=1|thread=1\n", 3 * i + 4
        if (i % 10 == 9)
            printf "PERF_TRACE|%d|request|caller=unknown|elapsed_ms=70|elapsed_us=70000|parent_call=0|thread=1\n", 1000 + i
    }
}' >store.log
section() { perftrace analyze "$@" store.log | sed -n '/Cache Hit/,/What To Do/p'; }
section -n 3
section -n 1 --invalidates 'ns::update:part_id'
section -n 1 --invalidates 'ns::update->query_entry' --invalidates 'never:a,b' | sed -n '/^What a cache/,/What To Do/p'
perftrace analyze -n 1 -f json --invalidates ns::update:part_id store.log | jq -c '.cache_hits | del(.entries)'
# Nothing to save, and rules that are none.
perftrace analyze "$DATA/many.log" | sed -n '/Cache Hit/,+2p'
for rule in '' ':part' 'a:' 'a:b,,c' 'a->' '->b' 'a:1,2,3,4,5,6,7,8,9'; do
    perftrace analyze --invalidates "$rule" store.log
    echo "$?"
done
