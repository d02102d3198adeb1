perftrace info --sites "$DATA/quickstart.log"
