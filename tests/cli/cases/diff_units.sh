# How often it is called varies from run to run: a call's time is compared, and the number is not certain.
run() { # CALLS US
    awk -v calls="$1" -v us="$2" 'BEGIN {
        for (i = 1; i <= calls; i++)
            printf "PERF_TRACE|%d|step|caller=main|elapsed_ms=0|elapsed_us=%d|parent_call=0|thread=1\n", i, us + i % 2
        if (calls % 2 == 0)
            printf "PERF_TRACE|%d|collect|caller=main|elapsed_ms=5|elapsed_us=5000|parent_call=0|thread=1\n", i
    }'
}
mkdir base head
for i in 1 2 3 4 5 6; do
    run $((100 + i)) 100 >base/$i.log
    run $((104 - i)) 110 >head/$i.log
done
perftrace diff base head
echo "exit $?"
perftrace diff --per run base head
echo "exit $?"
for i in 1 2 3 4 5 6; do
    run $((100 + i)) 100 >head/$i.log
    run $((90 + i)) 100 >base/$i.log
done
perftrace diff base head
echo "exit $?"
