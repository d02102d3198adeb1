# Each filter by itself, and what the head says of it; then all of them, and none that holds for any call.
sed 's/^\[[^]]*\] *//' "$DATA/quickstart.log" >log # without times of day, which would be gone by
head() {
    perftrace analyze "$@" log >report
    sed -n '4,/^$/p; /by Call/,/^$/p' report
}
for filter in "--function=query_records" "--function=*node" "--function=load_node --function=?xists_*" "--caller=unknown" \
    "--caller load_* --function query_records" "--thread=1" "--since=15ms" "--until=0.015s" "--since 15ms --until 20000us" \
    "--min-ms=14.5" "--min-ms 0.5" "--function=*e*s*"; do
    echo "== $filter"
    # shellcheck disable=SC2086  # two options
    head $filter
done
