cp "$DATA/quickstart.log" my.log
perftrace convert
perftrace convert my.log my.log
perftrace convert --to=xml my.log
perftrace convert my.log -o no/such/folder/out.json
perftrace convert my.log -o .
perftrace convert missing.ptrace
echo "exit $?"
ls
