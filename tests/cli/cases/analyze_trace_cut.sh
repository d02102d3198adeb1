for bytes in 0 7 64 100 900 1100; do
    head -c $bytes "$DATA/finished.ptrace" >cut.ptrace
    echo "$bytes bytes:"
    perftrace analyze cut.ptrace 2>&1 | sed -n "/^perftrace/p; /^Total/p; /^Input/p"
done
