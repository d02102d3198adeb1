perftrace analyze "$DATA/quickstart.log"
