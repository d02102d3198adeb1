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
