# The first list of functions, by each order.
for order in calls total self max name; do
    perftrace analyze --sort=$order "$DATA/quickstart.log" | sed -n '/Functions by/,/^$/p'
done
