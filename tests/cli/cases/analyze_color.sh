perftrace analyze --color=always --top=1 "$DATA/quickstart.log" | head -11
