perftrace analyze "$DATA/empty.ptrace"
