# The times of day of syslog, glog, Go's logger and, behind the record, Docker; the last call was four seconds after the first. Where no
# time is understood, a warning says so, and which are.
for i in 1 2 3 4; do
    echo "PERF_TRACE|$i|call_$i|elapsed_ms=1"
done >plain
number() {
    awk '{ printf form "\n", NR + NR % 2, $0 }' form="$1" plain
}
number 'Jan 31 12:00:%02d host prog[1]: %s' >syslog
number 'I0131 12:00:%02d.000000  1234 store.cc:77] %s' >glog
number '2025/01/31 12:00:%02d %s' >go
number '<%s>%s' | sed 's/<\(.\)>\(.*\)/{"log":"\2\\n","stream":"stderr","time":"2025-01-31T12:00:0\1.5Z"}/' >docker
number 'since %ss: %s' >others
for log in syslog glog go docker others; do
    echo "== $log"
    tail -1 $log
    perftrace analyze --since=1s --format=json $log 2>messages | jq -c '[.top_functions.entries[].function]'
    cat messages
done
