# Calls by the values of parameters and metrics; with a filter and another order; and for programs.
log=$DATA/quickstart.log
say() {
    perftrace analyze "$@" "$log" | sed -n '/Groups by/,/^$/p'
}
say --group-by part_id
say --group-by=part_id,entry_name --top=1
say --group-by part_id --group-by found --function 'query_*' --sort calls
say --group-by node_id --ignore node_id
say
perftrace analyze --format json --group-by part_id --sort name "$log" | jq -c .groups
