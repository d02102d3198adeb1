# What is lost or cut off is told, and never a pass; what is complete is compared.
try() {
    perftrace diff "$@" 2>/dev/null
    echo "exit $?"
}
try "$DATA/killed.ptrace" "$DATA/killed.ptrace"
f=$DATA/finished.ptrace
try $f $f $f $f $f "$DATA/killed.ptrace" -- $f $f $f $f $f $f
try $f $f $f $f $f "$DATA/empty.ptrace" -- $f $f $f $f $f
perftrace diff "$DATA/empty.ptrace" $f
echo "exit $?"
# Where no run is complete, nothing is certain, however slow it is.
for i in 1 2 3 4 5; do
    for side in base head; do
        [ $side = base ] && ms=10 || ms=2$i
        printf 'PERF_TRACE|1|step|caller=main|elapsed_ms=%d|parent_call=0|thread=1\nPERF_TRACE|cut off\n' $ms >$side.$i.log
    done
done
try base.*.log -- head.*.log | sed -n '2,6p; /^Slower/,$p'
