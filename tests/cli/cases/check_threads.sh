# More threads than are looked at: a broken budget is explained by the first, and what the others did is counted.
awk 'function x(name, tid, at, long) { printf "%s{\"ph\":\"X\",\"pid\":1,\"tid\":%d,\"ts\":%.3f,\"dur\":%.3f,\"name\":\"%s\"}", sep, tid, at, long, name; sep = ",\n" }
BEGIN {
    printf "["
    for (i = 0; i < 40; i++) {
        at = 1000 + i * 20000
        for (thread = 2; i == 31 && thread < 33002; thread++) x("load_asset", thread, at + 10, 7000)
        x("frame", 1, at, 10000 + (i == 31 ? 7000 : 0))
    }
    print "]"
}' >run.json
echo '"frame" max <= 11ms' >budget
perftrace check --budget budget run.json
echo "exit $?"
perftrace check --budget budget --format json run.json | jq -c '.findings[] | [.spans_not_looked_at, (.details | last)]'
