perftrace analyze - </dev/null
