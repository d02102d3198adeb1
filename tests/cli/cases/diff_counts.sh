# One run of each: times can't be certain, numbers of calls are exact. Names do nothing wherever they go.
cat >base.log <<'LOG'
PERF_TRACE|2|query|caller=load|id=1|elapsed_ms=1|elapsed_us=1000|parent_call=1|thread=1
PERF_TRACE|3|log|caller=load|elapsed_ms=1|elapsed_us=1000|parent_call=1|thread=1
PERF_TRACE|1|load|caller=main|elapsed_ms=3|elapsed_us=3000|parent_call=0|thread=1
PERF_TRACE|4|save|caller=main|elapsed_ms=3|elapsed_us=3000|parent_call=0|thread=1
PERF_TRACE|5|<b>|caller=main|elapsed_ms=1|elapsed_us=1000|parent_call=0|thread=1
LOG
cat >head.log <<'LOG'
PERF_TRACE|2|query|caller=load|id=1|elapsed_ms=1|elapsed_us=1000|parent_call=1|thread=1
PERF_TRACE|3|query|caller=load|id=1|elapsed_ms=1|elapsed_us=1000|parent_call=1|thread=1
PERF_TRACE|1|load|caller=main|elapsed_ms=3|elapsed_us=3000|parent_call=0|thread=1
PERF_TRACE|5|log|caller=save|elapsed_ms=1|elapsed_us=1000|parent_call=4|thread=1
PERF_TRACE|4|save|caller=main|elapsed_ms=3|elapsed_us=3000|parent_call=0|thread=1
PERF_TRACE|6|`s`|caller=main|elapsed_ms=3|elapsed_us=3000|parent_call=0|thread=1
LOG
perftrace diff base.log head.log
echo "exit $?"
perftrace diff --counts=fail base.log head.log | tail -1
echo "== all formats"
for format in junit sarif markdown github; do
    perftrace diff --counts fail -f $format base.log head.log >out
    echo "exit $?"
    sed 's/ timestamp="[^"]*"//' out
done
perftrace diff --counts fail --format markdown --output out.md base.log head.log | tail -1
head -1 out.md
