perftrace info "$DATA/empty.ptrace"
