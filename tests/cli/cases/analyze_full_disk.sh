perftrace analyze "$DATA/quickstart.log" >/dev/full
