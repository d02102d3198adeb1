# Times of day before a log's lines: what began when, with a pause in between; a line without one has that of the line before. CRLF, other
# output, and packed.
cat >plain <<'END'
2025-01-31T12:00:01.000Z INFO PERF_TRACE|1|first|elapsed_ms=500
something else, at 2025-01-31T12:59:59Z
[2025-01-31T12:00:02Z DEBUG db] PERF_TRACE|2|second|elapsed_ms=100
PERF_TRACE|3|third|elapsed_ms=200
2025-01-31 12:30:00,500 PERF_TRACE|4|after_a_pause|elapsed_ms=1
2025-01-31T13:31:00+01:00 PERF_TRACE|5|with_a_zone|elapsed_ms=1
END
sed 's/$/\r/' plain | gzip -c >packed
for log in plain packed; do
    for times in --since=0.001s "--since=1s --until=2s" --until=1.3s --until=1.31s "--since 29m" "--since 30m" --since=31m; do
        # shellcheck disable=SC2086  # two options
        echo "$times: $(perftrace analyze --sort=name --format=json $times $log 2>messages | jq -c '[.top_functions.entries[].function]')"
        cat messages
    done
done
