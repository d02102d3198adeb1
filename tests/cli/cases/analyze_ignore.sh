# Calls that differ in what is ignored only are one signature, and one question.
for i in 1 2 3; do
    echo "PERF_TRACE|$i|get|caller=page|request_id=$i|part=7|at=$((100 + i))|elapsed_ms=3"
done >app.log
perftrace analyze app.log | sed -n '/Redundant/,/^$/p'
perftrace analyze --ignore request_id,at app.log | sed -n '/Redundant/,/^$/p'
perftrace analyze --ignore 'request*' --ignore 'a?' app.log | sed -n '/Redundant/,/^$/p'
perftrace analyze --ignore part app.log | sed -n '/Redundant/,/^$/p'
