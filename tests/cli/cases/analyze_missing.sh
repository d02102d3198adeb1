perftrace analyze missing.log "$DATA/quickstart.log" | head -5
perftrace analyze missing.log
