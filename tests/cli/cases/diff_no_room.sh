# More paths than there is memory for: what is not kept apart is told, in all formats, and all of the time still counts.
awk 'BEGIN {
    for (a = 0; a < 125; a++)
        for (b = 0; b < 125; b++) {
            n += 2
            printf "PERF_TRACE|%d|f%d|caller=f%d|elapsed_ms=1|parent_call=%d|thread=1\n", n + 1, b, a, n
            printf "PERF_TRACE|%d|f%d|caller=unknown|elapsed_ms=2|parent_call=0|thread=1\n", n, a
        }
}' >run.log
base="run.log run.log run.log run.log run.log"
perftrace diff --memory 64M $base -- $base | sed 's/^[1-9][0-9]* calls/N calls/'
for format in json markdown junit; do
    echo "$format: $(perftrace diff --memory 64M --format $format $base -- $base | grep -c 'calls are of paths beyond')"
done
echo "with memory for all: $(perftrace diff $base -- $base | grep -c 'calls are of')"
