perftrace convert "$DATA/hostile.log" -o out.csv
cat -A out.csv
