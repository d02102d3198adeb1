# What loggers put around a record, also behind it, is not part of it: the report is that of the bare lines.
for i in 1 2 3 4; do
    echo "PERF_TRACE|$((i + 1))|query|caller=load|id=$((i % 2))|name=a\\x7cb|elapsed_ms=15|found=1|elapsed_us=15000|parent_call=1|thread=1"
done >plain.log
echo 'PERF_TRACE|1|load|caller=main|elapsed_ms=95|elapsed_us=95000|parent_call=0|thread=1' >>plain.log
escape=$(printf '\033')
sed 's/\\/\\\\/g; s/.*/{"log":"&\\n","stream":"stderr","time":"2025-01-31T12:00:00.1Z"}/' plain.log >docker.log
sed 's/\\/\\\\\\\\/g; s/.*/{"log":"{\\"level\\":\\"info\\",\\"message\\":\\"&\\"}\\n","stream":"stderr"}/' plain.log >nested.log
sed 's/\\/\\\\/g; s/.*/time=5 level=debug msg="&" status=200/' plain.log >logfmt.log
sed "s/.*/${escape}[32mDEBUG &${escape}[0m/" plain.log >colours.log
sed 's/.*/DEBUG & 	/' plain.log >blanks.log
perftrace analyze plain.log >plain
perftrace analyze plain.log | sed -n '/Slowest/,/^$/p'
for form in docker nested logfmt colours blanks; do
    head -1 $form.log | cat -v
    perftrace analyze $form.log | cmp - plain && perftrace convert --to csv --output - $form.log >$form.csv
    perftrace convert --to csv --output - plain.log | cmp - $form.csv
done
echo '--- elapsed_ms last, and no line that can be read'
printf 'msg="PERF_TRACE|1|f|elapsed_ms=15"\nPERF_TRACE|2|f|elapsed_ms=15 \n' >short.log
perftrace analyze short.log | sed -n 4p
echo 'PERF_TRACE|1|f|elapsed_ms=fifteen' >wrong.log
perftrace analyze wrong.log
