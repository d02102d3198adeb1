# More different parameters than there is memory for: what is repeated is found all the same, and the report says what is missing.
for size in 63M 0 x 1Z 99999999999G; do
    perftrace analyze --memory=$size "$DATA/quickstart.log"
    echo "exit code $?"
done
awk 'BEGIN {
    for (i = 1; i <= 90000; i++) {
        print "PERF_TRACE|" 2 * i - 1 "|load|caller=main|id=" i "|elapsed_ms=1"
        print "PERF_TRACE|" 2 * i "|load|caller=main|id=late" int(i / 80000) "|elapsed_ms=" int(i / 90000)
    }
}' >many.log
perftrace analyze --memory=64M --top=2 many.log | sed -E 's/^Not exact: [0-9]+/Not exact: some/; /caches would/s/[0-9][0-9.]*/some/g' >report
grep -E '^(Total|Not exact)' report
sed -n '/Call Count/,/^$/p; /Call Patterns/,/^$/p' report
grep -A1 -m1 -E '^[0-9]+ calls: load.*late' report | grep -o 'calls: .*'
perftrace analyze --memory=64M --format=json many.log | jq -c '.totals | .calls, (.approximations | length)'
perftrace analyze --format=json many.log | jq -c '.totals | .calls, .signatures, .approximations'
# What caches would save is of all calls, kept or not.
for memory in 64M 1536M; do
    perftrace analyze --memory=$memory --format=json many.log
done | jq -sc 'map(.cache_hits.caches.entries[0]) | .[].calls, .[].total_ns, (.[0].all.hits / .[1].all.hits * 50 + 0.5 | floor)'
