perftrace convert "$DATA/killed.ptrace" -o out.json
jq -c ".traceEvents[] | [.ph, .name, .ts, .dur, .tid, .args.unfinished]" out.json
