perftrace analyze --top=3 "$DATA/folder"
