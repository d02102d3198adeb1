# Programs run in turns: here scripts that copy a trace to where they are told to record.
cat >program <<'SCRIPT'
#!/bin/sh
echo "$2 $(basename "$TRACE_FILE") chrome=$PERF_TRACE_CHROME" >>order
echo "what it writes"
[ "$3" != wait ] || { echo now >waiting; exec sleep 60; }
[ "$1" = none ] || cp "$DATA/$1.ptrace" "${TRACE_FILE%.json}.ptrace"
exit "${3:-0}"
SCRIPT
chmod +x program
mkdir tmp
TMPDIR=$PWD/tmp
export TMPDIR
perftrace diff --runs 5 --base './program finished base' --head './program finished head'
echo "exit $?"
cat order
ls tmp
perftrace diff -r 1 -f sarif --base './program finished base' --head './program finished head' | grep uri | sort -u
perftrace diff -r 1 --keep kept --base './program finished base' --head './program finished head' | tail -1
find kept -type f | sort
perftrace diff -r 1 --keep kept --base './program finished base' --head './program finished head'
echo "exit $?"
for wrong in 'finished head 3' 'none head' 'finished head wrong'; do
    perftrace diff --runs 2 --base './program finished base' --head "./program $wrong"
    echo "exit $?"
done
perftrace diff --runs 2 --base './program finished base' --head 'kill -9 $$'
echo "exit $?"
perftrace diff --runs 2 --base 'nosuchprogram' --head true
ls tmp
# A signal ends the program, and leaves nothing.
perftrace diff --runs 2 --base './program finished base wait' --head true &
pid=$!
while [ ! -s waiting ]; do sleep 0.05; done
kill -TERM $pid
wait $pid 2>/dev/null # where the shell may say "Terminated", or not
echo "exit $?"
ls tmp
# Wrong usage.
try() {
    perftrace diff "$@"
    echo "exit $?"
}
try --base a --head b
try --runs 3 --base a
try --runs 3 --base a --head b x.log
try --runs 1000 --base a --head b
try --runs 0 --base a --head b
try --keep x a.log b.log
