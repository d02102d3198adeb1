echo hello >text.log
perftrace analyze text.log
