perftrace analyze missing.log "$DATA/quickstart.log" | sed -n 1,5p
perftrace analyze missing.log
