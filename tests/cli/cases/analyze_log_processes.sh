# Three processes with the same call numbers in one log: what all of a function took by itself is right, and that they can't be told
# apart is said, whichever way the log is read. One after the other they can.
for process in a b c; do
    for i in 1 4 7; do
        echo "PERF_TRACE|$((i + 1))|exists|caller=open|node=$process$i|elapsed_ms=2|elapsed_us=2000|parent_call=$i|thread=1"
        echo "PERF_TRACE|$((i + 2))|load|caller=open|node=$process$i|elapsed_ms=3|elapsed_us=3000|parent_call=$i|thread=1"
        echo "PERF_TRACE|$i|open|caller=unknown|node=$process$i|elapsed_ms=6|elapsed_us=6000|parent_call=0|thread=1"
    done >$process
done
paste -d '\n' a b c >together
cat a b c >after_each_other
for log in together after_each_other; do
    for option in --top=10 --group-by=node; do
        perftrace analyze --format=json $option $log | jq -c '[.top_functions.entries[] | [.function, .self_ns]], (.. | objects | .approximations // empty)'
    done
done
