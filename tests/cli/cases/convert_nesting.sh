perftrace convert "$DATA/quickstart.log" -o - | jq -c ".traceEvents[] | select(.tid == 1) | [.name, .ph, .ts, .dur]"
