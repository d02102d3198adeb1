perftrace analyze "$DATA/many.log"
