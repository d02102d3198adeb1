# Where a span has become slower, if several call it; names and paths that are no names, and one that is long.
run() { # LOCK_US
    awk -v us="$1" 'function call(n, name, caller, us, parent) {
        printf "PERF_TRACE|%d|%s|caller=%s|elapsed_ms=%d|elapsed_us=%d|parent_call=%d|thread=1\n", n, name, caller, us / 1000, us, parent
    }
    BEGIN {
        call(3, "lock", "draw", 1000, 2); call(2, "draw", "frame", 5000, 1)
        call(5, "lock", "\033[31mupdate", us, 4); call(4, "\033[31mupdate", "frame", 4000 + us, 1)
        call(6, "a_name_that_is_longer_than_a_column_is_wide", "frame", 3 * us, 1)
        call(1, "frame", "unknown", 10000 + 4 * us, 0)
    }'
}
mkdir base head
for i in 1 2 3 4 5; do
    run 1000 >base/$i.log
    run $((1500 + i)) >head/$i.log
done
perftrace diff base head
echo "exit $?"
perftrace diff head base | sed -n 3,8p
perftrace diff --format json base head | grep -A3 details | head -4
