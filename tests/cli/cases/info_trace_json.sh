perftrace info --format json --sites "$DATA/killed.ptrace" | jq .
