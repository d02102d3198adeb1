# Packed inputs say what the unpacked ones do: by what is in them, from files, pipes and FIFOs, in several members and frames.
say() { # NAME OF WHAT IT IS LIKE, INPUTS...
    like=$1
    shift
    perftrace analyze "$@" >report 2>messages
    echo "exit $?: $(sed -n 4p report)"
    grep -v '^Input' report >now
    [ -e "$like" ] || cp now "$like"
    cmp now "$like"
    cat messages
}
cp "$DATA/quickstart.log" plain
gzip -c plain >one.gz
zstd -qc plain >one.zst
say report_of_log plain
say report_of_log one.gz
say report_of_log one.zst
mv one.gz misnamed.zst
say report_of_log misnamed.zst
say report_of_log - <misnamed.zst
cat one.zst | say report_of_log -
mkfifo fifo
cat one.zst >fifo &
say report_of_log fifo
say report_of_trace "$DATA/finished.ptrace"
gzip -c "$DATA/finished.ptrace" >trace.gz
say report_of_trace trace.gz
zstd -qc "$DATA/finished.ptrace" | say report_of_trace -
cat "$DATA/finished.ptrace" | say report_of_trace -
echo "== several members, frames, and nothing but zeros behind them"
cat plain plain >twice
say report_of_two twice
{ cat misnamed.zst; gzip -c </dev/null; cat misnamed.zst; dd if=/dev/zero bs=1000 count=300 2>dd; } | say report_of_two -
{ cat one.zst one.zst; zstd -qc </dev/null; } | say report_of_two -
echo "== two packings, and packed twice"
say report_of_both one.zst misnamed.zst
gzip -c misnamed.zst | say report_of_none -
perftrace info one.zst | head -3
perftrace convert --to csv one.zst && ls one.*
