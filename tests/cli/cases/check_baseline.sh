# A baseline is a small text in a stable order; limits may refer to it.
run() { awk -v n="$1" 'BEGIN { for (i = 1; i <= 400; i++) { u = int((2000 + i * 7 % 50) * n); printf "PERF_TRACE|%d|query|caller=main|id=%d|elapsed_ms=%d|elapsed_us=%d|parent_call=0|thread=1\n", i, i, u / 1000, u } }'; }
run 1 >base.log
run 1.02 >same.log
run 1.1 >slower.log
printf 'query p90 <= +5%%\nquery calls <= +0%%\nquery median <= 5ms\n' >budget
perftrace check --budget budget --baseline baseline base.log
echo "exit $?"
perftrace check --budget budget --baseline baseline --update-baseline base.log
echo "exit $?"
cat baseline
cp baseline first
perftrace check --budget budget --baseline baseline --update-baseline base.log >/dev/null
cmp first baseline && echo unchanged
perftrace check --budget budget --baseline baseline same.log
echo "exit $?"
perftrace check --budget budget --baseline baseline slower.log
echo "exit $?"
# The share is added to the bound, whatever the value was.
sed '/p90/s/= [0-9.e+]* from/= 1 from/' first >baseline
perftrace check --budget budget --baseline baseline same.log
echo "exit $?"
cp first baseline
printf 'query max <= +5%%\n' >>budget
perftrace check --budget budget --baseline baseline same.log
echo "exit $?"
echo nonsense >baseline
perftrace check --budget budget --baseline baseline same.log
