perftrace info --sites "$DATA/killed.ptrace"
