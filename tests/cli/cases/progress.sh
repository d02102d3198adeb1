# The bar on a terminal: after half a second, gone at the end; of a pipe, as of what is packed. And none elsewhere.
lines() {
    seq -f 'PERF_TRACE|%.0f|f|elapsed_ms=1' 30000
}
packed() {
    lines | gzip -c
}
slowly() { # COMMAND that gives some lines
    for pause in 0.3 0.3 0.3; do
        "$@"
        sleep $pause
    done
    "$@"
}
on_terminal() { # NAME COMMAND...
    python3 "$SOURCE/tests/cli/terminal.py" "$@"
}
# What was shown, one bar a line; then whether the last that was written erased it.
shown() { # NAME
    echo "== $1: $(sed -n 4p "$1.report")"
    tr '\r' '\n' <"$1" | sed 's/[0-9][0-9.]* [kM]*B/N B/g; s/[0-9][0-9.]* [kM]* *calls/N calls/g; s/\x1b\[K/<erase>/' | grep -v '^$' | uniq
    echo
}
lines >file
mkfifo fifo
slowly lines | on_terminal pipe sh -c 'perftrace analyze - >pipe.report' &
slowly packed >fifo &
on_terminal packed sh -c 'perftrace analyze fifo >packed.report' &
slowly lines | perftrace analyze - 2>elsewhere >elsewhere.report &
on_terminal quick sh -c 'perftrace analyze file >quick.report'
wait
for name in pipe packed elsewhere quick; do
    shown $name
done
