perftrace analyze "$DATA/hostile.log"
