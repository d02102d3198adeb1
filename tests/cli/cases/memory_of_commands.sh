# --memory of check and diff, and Chrome JSON in little of it: what it does not suffice for is said, and is never a pass.
for command in "check --budget budget" diff; do
    perftrace $command --memory=63M a b
    echo "exit code $?"
done
awk 'BEGIN {
    print "["
    for (i = 300000; i > 0; i--)
        print "{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"name\":\"query\",\"ts\":" i * 10 ",\"dur\":3,\"args\":{\"id\":" i % 7 "}},"
    print "{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"name\":\"last\",\"ts\":90000000,\"dur\":1}]"
}' >backwards.json
perftrace analyze --memory=64M --top=2 backwards.json 2>said | grep '^Total traces'
grep -o 'events stand too far.*allowed' said
# Of 600,000 seconds there is something in few.
awk 'BEGIN {
    print "["
    for (i = 1; i < 600000; i += 1000)
        print "{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"name\":\"query\",\"ts\":" i "000000,\"dur\":3},"
    print "]"
}' >sparse.json
echo 'query calls per second <= 1' >budget
for memory in 64M 1G; do
    perftrace check --memory=$memory --budget budget sparse.json >answer
    echo "exit code $?"
    head -1 answer
done
perftrace check --memory=64M --budget budget --baseline base --update-baseline sparse.json >answer
echo "exit code $?"
ls base 2>&1 | grep -o 'No such file.*'
perftrace diff --memory=64M "$DATA/quickstart.log" -- "$DATA/quickstart.log" | tail -1
