perftrace info
perftrace info a b
perftrace info missing.ptrace
perftrace info .
echo "exit $?"
