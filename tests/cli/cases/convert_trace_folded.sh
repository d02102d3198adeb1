perftrace convert "$DATA/killed.ptrace" -o -  -t folded
