mkdir empty
perftrace analyze empty
