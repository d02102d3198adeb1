# A broken budget explains itself: the worst, against the one in the middle, part by part.
awk 'function x(name, tid, at, long) { printf "%s{\"ph\":\"X\",\"pid\":1,\"tid\":%d,\"ts\":%.3f,\"dur\":%.3f,\"name\":\"%s\"}", sep, tid, at, long, name; sep = ",\n" }
BEGIN {
    printf "["
    for (i = 0; i < 400; i++) {
        at = 1000 + i * 20000
        slow = i == 311 ? 7000.25 : 0
        x("frame", 1, at, 10000 + i % 5 + slow + (i == 122 ? 2000 : 0))
        x("physics", 1, at + 100, 2000)
        x("render", 1, at + 3000, 4000 + slow + (i == 122 ? 2000 : 0))
        x("wait_for_assets", 1, at + 3500, 500.5 + slow)
        if (i == 122) for (q = 0; q < 50; q++) x("query", 1, at + 5000 + q * 40, 30)
        if (slow) x("load_asset", 2, at + 3600, 6900)
    }
    print "]"
}' >run.json
cat >budget <<'END'
frame_time max <= 11ms
"frame" max <= 11ms
render p99 per frame <= 5ms
"frame" p99 <= 11ms
query calls per "frame" <= 10
END
perftrace check --budget budget run.json
echo "exit $?"
perftrace check --budget budget --format json run.json |
    jq -c '.findings[] | select(.explanation) | [.name, .explanation[0].span,
        (.worst_ns - .usual_ns) - ([.explanation[] | select(.where != "on other threads") | .difference_ns] | add)]'
