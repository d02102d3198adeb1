echo old >out.csv
perftrace convert missing.log -o out.csv
echo "exit $?"
cat out.csv
perftrace convert "$DATA/quickstart.log" -o out.csv && wc -l <out.csv
ls
