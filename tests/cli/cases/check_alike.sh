# Where the worst sample took as long as the one in the middle (there is but one, say), nothing is said of a difference.
printf '[%s,\n%s]\n' '{"ph":"X","pid":1,"tid":1,"ts":0,"dur":2000,"name":"load"}' \
    '{"ph":"X","pid":1,"tid":1,"ts":500,"dur":1000,"name":"read"}' >one.json
echo 'load <= 1ms' >budget
perftrace check --budget budget one.json
