perftrace analyze --top 0 "$DATA/many.log" >report
grep -c "^  … and" report
grep "^===" report
