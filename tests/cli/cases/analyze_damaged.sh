perftrace analyze "$DATA/damaged.log"
