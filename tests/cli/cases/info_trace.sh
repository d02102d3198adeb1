perftrace info "$DATA/finished.ptrace"
