cp "$DATA/quickstart.log" my.log
perftrace convert my.log
ls
jq -c ".displayTimeUnit, (.traceEvents | length), .traceEvents[-1]" my.json
