# What perftrace wrote as Chrome JSON gives the same report as the trace: parameters, metrics, callers, call numbers. Losses,
# the places in the source, and which tracks are no threads, are not in JSON.
perftrace convert -o finished.json "$DATA/finished.ptrace"
perftrace analyze --top 0 "$DATA/finished.ptrace" >native.txt
perftrace analyze --top 0 finished.json >json.txt
cmp native.txt json.txt && grep '^Total' json.txt
calls() { # INPUT: without the target's times of day and the thread's number
    perftrace convert --to csv -o - "$1" | cut -d, -f1-5,9- | grep ",$2,"
}
calls "$DATA/finished.ptrace" 0 >native.csv
calls finished.json 0 >json.csv
cmp native.csv json.csv && wc -l <json.csv
perftrace convert -o killed.json "$DATA/killed.ptrace"
perftrace analyze "$DATA/killed.ptrace" | grep -vE '^(Input|Lost records|Threads)' >native.txt
perftrace analyze killed.json | grep -vE '^(Input|Threads)' >json.txt
diff native.txt json.txt && grep '^Total' json.txt
