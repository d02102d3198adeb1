# What was asked for and what it left out, for programs; times of the calls that are left are what they are without filters.
log=$DATA/quickstart.log
perftrace analyze --format=json --function=load_node --since=1ms --until=1h --min-ms=1 --thread=1 --caller='?*' "$log" | jq -c '.totals | .calls, .left_out, .filter'
perftrace analyze --format=json "$log" | jq -c '.totals | .calls, .left_out, .filter'
for filter in --min-ms=0 --function=load_node; do
    perftrace analyze --format=json $filter "$log" | jq -c '.top_functions.entries[] | select(.function == "load_node")'
done
