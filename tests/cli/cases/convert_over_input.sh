cp "$DATA/quickstart.log" my.log
perftrace convert my.log -o ./my.log
echo "exit $?"
cmp my.log "$DATA/quickstart.log" && echo unchanged
