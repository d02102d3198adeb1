COLUMNS=40 perftrace info "$DATA/killed.ptrace"
