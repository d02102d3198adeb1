perftrace analyze --top=2 "$DATA/killed.ptrace"
