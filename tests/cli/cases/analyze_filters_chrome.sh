# Times count from the first event of a Chrome file, whose time stamps begin anywhere, and whose threads come into being with it.
printf '[%s,\n%s]\n' '{"ph":"X","pid":1,"tid":1,"ts":5000000,"dur":2000,"name":"first"}' \
    '{"ph":"X","pid":1,"tid":2,"ts":5010000,"dur":2000,"name":"second"}' >late.json
for filter in --until=5ms --since=5ms --since=11ms; do
    perftrace analyze --top=1 $filter late.json | sed -n '/^Total/,/^Only/p; /by Call Count/,/^$/p'
done
