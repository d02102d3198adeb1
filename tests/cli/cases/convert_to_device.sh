perftrace convert "$DATA/quickstart.log" -o /dev/null --to csv && test -c /dev/null && echo still there
perftrace convert "$DATA/quickstart.log" -o /dev/full --to csv
echo "exit $?"
ln -s target.csv link.csv && echo old >target.csv
perftrace convert "$DATA/quickstart.log" -o link.csv && test -L link.csv && wc -l <target.csv
