# What is lost, damaged or cut off is never a pass; a limit that is certainly passed is a failure all the same.
function_of() { perftrace convert --to csv --output - "$1" 2>/dev/null | sed -n 2p | cut -d, -f2; }
for trace in killed damaged; do
    name=$(function_of "$DATA/$trace.ptrace")
    printf '"%s" max <= 1h\n"%s" max < 0\n' "$name" "$name" >budget
    perftrace check --budget budget "$DATA/$trace.ptrace" 2>&1
    echo "exit $?"
    head -1 budget >one
    perftrace check --budget one "$DATA/$trace.ptrace" >out 2>&1
    echo "exit $?"
done
printf 'x max <= 1s\n' >budget
perftrace check --budget budget "$DATA/empty.ptrace"
