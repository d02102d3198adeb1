perftrace run -o my.json --filter "nodestore=debug,off" --log --console -- sh -c "env | grep -E \"^(TRACE_FILE|PERF_TRACE_)\" | sort" 2>/dev/null
mkdir sub
perftrace run -o sub/x.ptrace sh -c "cd /; echo \$TRACE_FILE" 2>/dev/null
