# Promises about a log, with parents by number: passed, failed, and nobody knows.
awk 'BEGIN {
    for (i = 1; i <= 400; i++) {
        for (q = 1; q <= (i == 7 ? 3 : 1); q++)
            printf "PERF_TRACE|%d|query|caller=load|id=%d|elapsed_ms=1|elapsed_us=%d|parent_call=%d|thread=1\n", i * 10 + q, i == 7 ? 1 : i, 1000 + i % 7, i * 10
        printf "PERF_TRACE|%d|load|caller=main|elapsed_ms=3|rows=%d|elapsed_us=%d|parent_call=1|thread=1\n", i * 10, i, 3000 + (i % 50 == 0 ? 5000 : 0)
    }
}' >app.log
cat >budget <<'END'
query calls per load <= 1          # one question an item
query p99           <= 2ms
load p99            <= 4ms
load p95            <= 4ms
load metric rows max <= 400
load mean           <= 3500us
query self sum      <= 1s
query calls         <= 1000
qeury max           <= 1s
query calls per laod <= 1
redundant calls     <= 0
redundant calls     <= 2
END
perftrace check --budget budget app.log
