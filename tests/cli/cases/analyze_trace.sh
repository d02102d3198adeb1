perftrace analyze "$DATA/finished.ptrace"
