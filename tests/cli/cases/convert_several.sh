perftrace convert -o both.json "$DATA/finished.ptrace" "$DATA/killed.ptrace"
echo "exit $?"
jq -c '[.traceEvents[].pid] | unique' both.json
perftrace convert --to chrome -o one.json "$DATA/finished.ptrace"
jq -c '[.traceEvents[] | select(.pid == 4711)] == $one[0].traceEvents' --slurpfile one one.json both.json
perftrace convert "$DATA/finished.ptrace" "$DATA/killed.ptrace"
perftrace convert -o both.csv "$DATA/finished.ptrace" "$DATA/killed.ptrace"
perftrace convert -o both.json "$DATA/finished.ptrace" "$DATA/quickstart.log"
perftrace convert -o both.json "$DATA/finished.ptrace" missing.ptrace
cp "$DATA/finished.ptrace" own.ptrace
perftrace convert --to chrome -o own.ptrace "$DATA/killed.ptrace" own.ptrace
