# Wrong usage and inputs that can't be compared.
printf 'PERF_TRACE|1|load|caller=main|elapsed_ms=3|elapsed_us=3000|parent_call=0|thread=1\n' >a.log
printf 'PERF_TRACE|1|save|caller=main|elapsed_ms=3|elapsed_us=3000|parent_call=0|thread=1\n' >b.log
mkdir nothing
try() {
    perftrace diff "$@" 2>&1
    echo "exit $?"
}
try
try a.log
try a.log --
try -- b.log
try a.log b.log a.log
try a.log -- b.log -- a.log
try --threshhold 3 a.log b.log
try --threshold=x a.log b.log
try --threshold=-1 a.log b.log
try --confidence 100 a.log b.log
try --pairs=yes a.log a.log -- a.log
try --format jsn a.log a.log
try a.log not_there.log
try nothing a.log
try a.log b.log
try --per=frame a.log a.log
try --output nowhere/x a.log a.log
