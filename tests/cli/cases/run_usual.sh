# A program that leaves a trace: here a script that copies one to where it was told to record.
cat >program <<'SCRIPT'
#!/bin/sh
cp "$DATA/$1.ptrace" "${TRACE_FILE%.json}.ptrace"
exit $2
SCRIPT
chmod +x program
perftrace run -- ./program finished 0
echo "exit $?"
perftrace run -o other.json -- ./program killed 9
echo "exit $?"
ls
