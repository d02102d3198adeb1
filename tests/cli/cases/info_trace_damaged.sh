perftrace info "$DATA/damaged.ptrace"
