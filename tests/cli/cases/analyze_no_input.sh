perftrace analyze
