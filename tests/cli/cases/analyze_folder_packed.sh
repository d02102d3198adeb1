# Which files of a folder are taken: logs and traces, put aside and packed, and no others.
mkdir logs
n=0
for name in app.log app.log.1 app.log.2.gz app.log.10.zst app.log-20250131 app.log-20250131.gz run.ptrace.gz run.ptrace.zst run.ptrace \
    run.json other.gz app.log.old app.log.gz.bak app.txt .hidden.log log .log 20250131 app.log. app.logx.1; do
    case $name in
    run.ptrace*) cp "$DATA/finished.ptrace" "logs/$name" ;;
    *) n=$((n + 1)) && echo "PERF_TRACE|$n|f|elapsed_ms=1" >"logs/$name" ;;
    esac
done
perftrace analyze logs | grep '^Input'
