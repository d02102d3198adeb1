cp "$SOURCE/analyze_perf_traces.sh" .
./analyze_perf_traces.sh "$DATA/quickstart.log" >by_script
perftrace analyze "$DATA/quickstart.log" >by_command
cmp by_script by_command && echo same
