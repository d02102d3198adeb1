# What is wrong in a budget, and where; a budget that is not there; none at all.
printf 'frame p99 <= 16.6\nfast maxx <= 3ms # or so\nbig p100 <= 1ms\nall calls <= 3ms\n' >budget
perftrace check --budget budget "$DATA/finished.ptrace"
echo "exit $?"
perftrace check --budget nothing "$DATA/finished.ptrace"
echo "exit $?"
printf '# only words\n' >budget
perftrace check --budget budget "$DATA/finished.ptrace"
echo "exit $?"
printf '\033[2J max <= 3ms\n\000\n' >budget
perftrace check --budget budget "$DATA/finished.ptrace"
echo "exit $?"
printf 'a max <= +5%%\n' >budget
perftrace check --budget budget "$DATA/finished.ptrace"
echo "exit $?"
perftrace check "$DATA/finished.ptrace"
echo "exit $?"
printf 'a max <= 1s\n' >budget
perftrace check --budget budget
echo "exit $?"
perftrace check --budget budget missing.ptrace
echo "exit $?"
perftrace check --budget budget --confidence 100 "$DATA/finished.ptrace"
