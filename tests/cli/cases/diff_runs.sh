# Five runs of each: query takes 6 % longer and is called four times instead of three, parse is replaced, log is called by save, write is faster.
run() { # NAME QUERY_US QUERIES PARSER LOGGER WRITE_US NOISE
    awk -v us="$2" -v queries="$3" -v parser="$4" -v logger="$5" -v write_us="$6" -v noise="$7" '
    function call(n, name, caller, parent, us, more) {
        printf "PERF_TRACE|%d|%s|caller=%s%s|elapsed_ms=%d|elapsed_us=%d|parent_call=%d|thread=1\n", n, name, caller, more, us / 1000, us, parent
        return us
    }
    BEGIN {
        for (i = 0; i < 20; i++) {
            load = i * 20 + 1; save = load + 10; t = 0
            for (q = 1; q <= queries; q++) t += call(load + q, "query", "load", load, us + noise * (q % 3), "|id=" (i < 5 ? 7 : i * 10 + q))
            t += call(load + 6, parser, "load", load, 200 + noise, "")
            if (logger == "load") t += call(load + 7, "log", "load", load, 50, "")
            call(load, "load", "unknown", 0, t + 1000 + noise, "")
            t = call(save + 1, "write", "save", save, write_us + noise, "")
            if (logger == "save") t += call(save + 7, "log", "save", save, 50, "")
            call(save, "save", "unknown", 0, t + 500 + noise, "")
        }
    }' >"$1"
}
mkdir base head
for i in 1 2 3 4 5; do
    run base/$i.log 500 3 parse load 300 $i
    run head/$i.log 530 4 parse_fast save 240 $((6 - i))
done
perftrace diff base head
echo "exit $?"
perftrace diff base head -n 1 --pairs=no --confidence 90 --threshold=20% | sed -n '3,4p; /^Compared/p; $p'
perftrace diff base/*.log -- --format json head/*.log | sed -n '/"findings"/,/details/p'
# Nothing but noise.
for i in 1 2 3 4 5; do
    run head/$i.log 500 3 parse load 300 $((6 - i))
done
perftrace diff base head
echo "exit $?"
