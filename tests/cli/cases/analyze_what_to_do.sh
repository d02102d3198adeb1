# What to do: the findings that would save most, in text and in JSON.
cat >shop.log <<'END'
PERF_TRACE|3|query_order|caller=order_exists|order=17|elapsed_ms=4|query_us=3900|rows=1|elapsed_us=4100|parent_call=2|thread=1
PERF_TRACE|2|order_exists|caller=show_order|order=17|elapsed_ms=4|elapsed_us=4200|parent_call=1|thread=1
PERF_TRACE|5|query_order|caller=load_order|order=17|elapsed_ms=4|query_us=4700|rows=1|elapsed_us=4000|parent_call=4|thread=1
PERF_TRACE|7|query_item|caller=load_items|item=101|elapsed_ms=2|query_us=1900|rows=12|elapsed_us=2100|parent_call=6|thread=1
PERF_TRACE|8|query_item|caller=load_items|item=102|elapsed_ms=2|query_us=1800|rows=7|elapsed_us=2000|parent_call=6|thread=1
PERF_TRACE|9|query_item|caller=load_items|item=103|elapsed_ms=2|query_us=1950|rows=0|elapsed_us=2200|parent_call=6|thread=1
PERF_TRACE|10|query_item|caller=load_items|item=104|elapsed_ms=2|query_us=1850|rows=-1|elapsed_us=2050|parent_call=6|thread=1
PERF_TRACE|6|load_items|caller=load_order|order=17|elapsed_ms=8|elapsed_us=8500|parent_call=4|thread=1
PERF_TRACE|4|load_order|caller=show_order|order=17|elapsed_ms=12|elapsed_us=12700|parent_call=1|thread=1
PERF_TRACE|1|show_order|caller=unknown|order=17|elapsed_ms=17|elapsed_us=17400|parent_call=0|thread=1
END
perftrace analyze shop.log | sed -n '/=== Performance Breakdown/,/^$/p; /=== What To Do/,$p'
perftrace analyze --format json shop.log | jq -c '.what_to_do.entries[], .query_breakdown.entries[0].parts, .call_tree.entries[2]'
echo '--- by names alone'
sed 's/|parent_call=[0-9]*|thread=1//' shop.log >names.log
perftrace analyze names.log | sed -n '/=== Call Tree/,/^$/p; /=== What To Do/,$p'
echo '--- nothing to mend'
for i in 1 2 3 4 5 6 7 8; do
    echo "PERF_TRACE|$i|f$i|caller=unknown|n=$i|elapsed_ms=1|elapsed_us=1000|parent_call=0|thread=1"
done | perftrace analyze - | sed -n '/=== What To Do/,$p'
