# A track that there is none of: the names of those that there are.
cat >trace.json <<'END'
[{"ph":"M","pid":1,"tid":7,"name":"thread_name","args":{"name":"worker"}},
{"ph":"M","pid":1,"tid":8,"name":"thread_name","args":{"name":"main \u001b[31m"}},
{"ph":"X","pid":1,"tid":7,"ts":1,"dur":5,"name":"job"},
{"ph":"X","pid":1,"tid":8,"ts":2,"dur":5,"name":"wait"}]
END
printf 'job max <= 1ms track=worke\njob max <= 1ms track=work*\njob max <= 1ms track=nothing_like_it\njob max <= 1ms track=main\n' >budget
perftrace check --budget budget trace.json
echo "exit $?"
