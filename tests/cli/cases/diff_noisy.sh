# Runs that differ much from each other: what could matter is inconclusive, with how many runs would tell; what could not is passed.
run() { # HEAVY_US LIGHT_US
    printf 'PERF_TRACE|1|heavy|caller=main|elapsed_ms=%d|elapsed_us=%d|parent_call=0|thread=1\n' $(($1 / 1000)) $1
    printf 'PERF_TRACE|2|light|caller=main|elapsed_ms=%d|elapsed_us=%d|parent_call=0|thread=1\n' $(($2 / 1000)) $2
}
mkdir base head
i=0
for noise in 0 31 -22 14 -35 25 -9 38 -17 6; do
    i=$((i + 1))
    run $((100000 + 100 * noise)) $((100 + noise / 4)) >base/$i.log
    run $((101500 - 100 * noise)) $((103 - noise / 4)) >head/$i.log
done
perftrace diff base head
echo "exit $?"
perftrace diff --threshold 8 base head
echo "exit $?"
# So much that no number of runs would do.
i=0
for noise in 0 810 -520 340 -650 750 -90 880 -170 60; do
    i=$((i + 1))
    run $((100000 + 100 * noise)) 100 >base/$i.log
    run $((101900 + 100 * noise)) 100 >head/$i.log
done
perftrace diff --pairs no base head | sed -n 3,7p
