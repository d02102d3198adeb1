perftrace run -- ./no-such-program
echo "exit $?"
perftrace run -o no/such/folder/x.json -- true
echo "exit $?"
touch not-executable
perftrace run -- ./not-executable
echo "exit $?"
perftrace run
echo "exit $?"
