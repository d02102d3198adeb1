# Cut off, damaged, empty, and no trace events at all.
event() { printf '{"name":"%s","ph":"X","ts":%d,"dur":5,"pid":1,"tid":1}' "$1" "$2"; }
{ printf '['; event a 1; printf ',\n'; event b 10; printf ',\n'; event c 20; } >array.json
perftrace info array.json | grep -E 'State|span'
head -c 130 array.json >cut.json
perftrace info cut.json | grep -E 'State|span'
{ printf '{"traceEvents":[\n'; event a 1; printf ',\n{"name":"b","ph":"X""ts":1},\n'; event c 20; printf ']}'; } >damaged.json
perftrace info damaged.json | grep -E 'State|Damaged|span'
printf '{"traceEvents":[]}' >empty.json
perftrace info empty.json
printf '{"name":"a package","version":"1.0"}' >package.json
perftrace analyze package.json
