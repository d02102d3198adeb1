# The same answer for everybody; names do nothing wherever they go.
printf "" >app.log
printf 'PERF_TRACE|2|ok|caller=x|elapsed_ms=5|elapsed_us=5000|parent_call=0|thread=1\nPERF_TRACE|3|`|caller=x|elapsed_ms=5|elapsed_us=5000|parent_call=0|thread=1\n' >>app.log
printf 'ok max <= 1ms\nok max <= 1s\n"` %%0A <b>" max <= 1ms\n"`" max <= 1ms\n' >budget
for format in json junit sarif markdown github; do
    echo "== $format"
    perftrace check --budget budget --format $format app.log | sed 's/ timestamp="20[0-9T:-]*"/ timestamp="WHEN"/'
done
perftrace check --budget budget --format junit --output out.xml app.log
tail -1 out.xml
