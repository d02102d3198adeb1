#!/bin/sh
# The demonstration (`make demo`): traces a program, examples/nodestore, while it stores, exports and checks this source
# tree, and shows what perftrace makes of it; then an engine's, examples/engine. demo.sh BUILD; everything is left in BUILD/demo.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
bin=$(cd "$1/bin" && pwd)
demo=$(cd "$1" && pwd)/demo
if [ ! -x "$bin/nodestore" ]; then
    echo "demo.sh: there is no $bin/nodestore; it is built where SQLite is installed (Debian: libsqlite3-dev)" >&2
    exit 2
fi
rm -rf "$demo"
mkdir -p "$demo/tree" "$demo/traces"

# The sources alone: neither what git keeps nor build folders, which CMake's cache tells.
cd "$root"
{
    echo ./.git
    find . -mindepth 2 -name CMakeCache.txt -not -path './.git/*' -exec dirname {} \;
} >"$demo/left_out"
tar -cf - --anchored --no-wildcards --exclude-from="$demo/left_out" . | tar -xf - -C "$demo/tree"
cd "$demo"
PATH=$bin:$PATH

# Each command of nodestore is a process with a trace of its own; all of them add their lines to one log.
traced() {
    printf '$ nodestore %s\n' "$*"
    TRACE_FILE=traces/$1.json PERF_TRACE_LOG=1 nodestore "$@" 2>>perf_trace.log
}
traced make store
traced import store tree
traced list store
traced export store copy
traced check store

printf '\nWhere did the time of the export go, and what was asked for again and again?\n$ perftrace analyze traces/export.ptrace\n'
perftrace analyze traces/export.ptrace
perftrace analyze --html=report.html traces/export.ptrace

printf '\n\nAn engine with 100,000 entities\n$ perf_100k --frames 300\n'
TRACE_FILE=traces/perf_100k.json perf_100k --frames 300
printf '\nWhich of its systems take longest?\n$ perftrace analyze --caller=execute_job traces/perf_100k.ptrace\n'
perftrace analyze --caller=execute_job --top 12 traces/perf_100k.ptrace | sed -n '/by Total Time/,/^$/p'

# OpenCL on the processor is no GPU: its times are not what the budget is about, so only real devices are asked for them.
cull=both
case $(TRACE_FILE=traces/gpu.json PERF_TRACE_FILTER=off perf_100k --frames 1 2>&1) in
*"gpu culling: pthread"* | *"gpu culling: cpu"*) cull=cpu ;;
esac
printf '\nDoes it keep what was promised?\n$ perf_100k --frames 3000 --cull %s\n' "$cull"
PERF_TRACE_CHROME=0 TRACE_FILE=traces/budget.json perf_100k --frames 3000 --cull "$cull" >/dev/null
printf '$ perftrace check --budget examples/engine/budget.txt traces/budget.ptrace\n'
kept=0
perftrace check --budget "$root/examples/engine/budget.txt" traces/budget.ptrace || kept=$?
if [ "$kept" -eq 2 ]; then
    exit 2
fi
echo "exit code $kept (0: all passed, 1: something failed, 3: nothing failed, but something is inconclusive)"

cat <<END

It is all in $demo
  report.html      the report as a page          perftrace analyze --html=report.html traces/export.ptrace
  traces/*.ptrace  the traces                    perftrace analyze traces/import.ptrace, or traces/ for all of them
  perf_trace.log   the same as lines of text     perftrace analyze perf_trace.log
  traces/*.json    for a browser: in Chrome's DevTools (F12) the Performance panel, "Load profile…";
                   or https://ui.perfetto.dev, "Open trace file"
END
