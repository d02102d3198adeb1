perftrace analyze --top=2 "$DATA/finished.ptrace" "$DATA/quickstart.log"
