perftrace analyze --top=2 "$DATA/damaged.ptrace"
