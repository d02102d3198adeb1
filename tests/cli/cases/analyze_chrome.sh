# Trace events by others: nested by their times in whatever order they stand, B with E, arguments, metrics.
cat >events.json <<'END'
{"otherData":{"version":"x"},"traceEvents":[
{"name":"load","cat":"c","ph":"X","ts":10,"dur":20,"pid":1,"tid":1,"args":{"key":"a"}},
{"name":"load","cat":"c","ph":"X","ts":40,"dur":25,"pid":1,"tid":1,"args":{"key":"a"}},
{"name":"main","ph":"X","ts":0,"dur":100,"pid":1,"tid":1,"args":{"argv":["x","\u001b[31m"]}},
{"name":"save","ph":"B","ts":70,"pid":1,"tid":1,"args":{"key":"a"}},
{"ph":"E","ts":80,"pid":1,"tid":1,"args":{"bytes":512}},
{"name":"sample","ph":"P","ts":80,"pid":1,"tid":1},
{"name":"thread_name","ph":"M","pid":1,"tid":1,"args":{"name":"worker"}}
],"displayTimeUnit":"ms"}
END
perftrace analyze events.json | sed -n '/^Total traces/p; /^Time span/p; /Top 10 Functions by Call Count/,/^$/p; /Redundant/,/Call numbers/p'
perftrace convert --to csv -o - events.json
perftrace info events.json
cat events.json | perftrace analyze - | head -4 | tail -1
