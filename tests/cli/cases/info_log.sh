perftrace info "$DATA/quickstart.log"
