# What is cut off or damaged: all that can be unpacked counts, and where it goes wrong is told.
i=0
while [ $i -lt 40000 ]; do
    i=$((i + 1))
    echo "PERF_TRACE|$i|function_$((i % 7))|caller=all|key=$((i * 7919 % 10007))|elapsed_ms=$((i % 5))"
done >plain.log
gzip -c plain.log >all.gz
zstd -qc plain.log >all.zst
for file in all.gz all.zst; do
    perftrace analyze --format=json $file | jq -c '.totals | .calls, .inputs[0].damaged'
    half=$(($(stat -c %s $file) / 2))
    head -c $half $file >half.$file
    perftrace analyze --format=json half.$file >report 2>messages
    echo "exit $?"
    grep -v ': line ' messages | sed "s/byte $half/byte HALF/"
    jq -c '.totals | (.calls > 15000 and .calls < 25000), .inputs[0].damaged' report
    { head -c $half $file; head -c 100 /dev/zero | tr '\0' 'x'; cat $file; } >damaged.$file
    perftrace analyze --format=json damaged.$file 2>messages | jq -c '.totals | (.calls > 50000), .inputs[0].damaged'
    grep 'the ..* data' messages | sed 's/byte [0-9]*/byte N/; s/damaged: .*/damaged: WHY/'
    { cat $file; echo behind; } >behind.$file
    perftrace analyze --format=json behind.$file 2>messages | jq -c '.totals | .calls, .inputs[0].damaged'
    sed "s/byte $((half * 2)):/byte END:/; s/byte $((half * 2 + 1)):/byte END:/" messages
done
head -c 3 all.gz >three
head -c 10 all.gz >ten
perftrace analyze three
perftrace analyze ten
