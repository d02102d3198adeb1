# What is wrong is said, with what was probably meant.
for option in --since=5 --since=soon --since=5sce --since=3mss --until=50% --until=0 --min-ms=-1 --min-ms=fast --min-ms=0.5x \
    --since=99999999999h --sort=totl --function= --group-by=a,,b --ignore= --sinec=5s --until; do
    perftrace analyze "$DATA/quickstart.log" "$option"
    echo "$option: $?"
done
perftrace analyze --since=2s --until=1s "$DATA/quickstart.log"
