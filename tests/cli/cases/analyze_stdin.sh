perftrace analyze --top=2 - <"$DATA/quickstart.log"
