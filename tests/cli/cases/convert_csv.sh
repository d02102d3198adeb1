perftrace convert "$DATA/quickstart.log" --to csv -o -
