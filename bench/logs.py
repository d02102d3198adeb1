"""How fast logs are read, and with how much memory: A1 (beside grep), A4 (peak memory), A5 (time against size)."""

import os
import statistics
import subprocess
import sys
import tempfile
import time

from machine import Machine, Meanwhile, Unmeasurable
from report import Row, middle_half, not_measured

RUNS = 9
SEED = 1
SIZES = [10_000_000, 100_000_000]  # and options.log_bytes: of A5
RUNS_OF_SMALL = 25
NODES_OF_SIZES = 200  # so few that all of their parameters are in the smallest log, too: only its length differs


def _make(machine: Machine, name: str, size: int, *options: str) -> tuple[str, int]:
    """A log of so many bytes, and how many calls are in it."""
    if size > machine.room_for():
        raise Unmeasurable(f"no room for {size / 1e9:.0f} GB")
    path = machine.path(name)
    calls = machine.run([machine.program("bench_make_log"), "-n", str(size), "-s", str(SEED), "-o", path, *options])
    return path, int(calls)


# A process that is started counts the memory of the one that started it as its own peak, until it has become another program:
# this one is small.
_PEAK = """import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
sys.exit(done.returncode)"""


def _used(machine: Machine, arguments: list[str]) -> tuple[float, float]:
    """Seconds by the clock, and processor seconds."""
    started = time.monotonic()
    with (tempfile.TemporaryFile() as said,  # grep stops early where its output goes to /dev/null
          subprocess.Popen(arguments, env={**machine.environment, "LC_ALL": "C"}, stdout=said,
                           stderr=subprocess.PIPE) as child):
        complaint = child.stderr.read().decode(errors="replace").strip().splitlines()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    elapsed = time.monotonic() - started
    if child.returncode != 0:
        raise Unmeasurable((complaint or [f"exit code {child.returncode}"])[-1][:60])
    return elapsed, usage.ru_utime + usage.ru_stime


def _beside_grep(machine: Machine, log: str, calls: int) -> list[Row]:
    """In turns, so that what slows one down slows the other."""
    analyze = [machine.program("perftrace"), "analyze", log]
    grep = ["grep", "-c", "^PERF_TRACE", log]
    read = [machine.program("bench_read_log"), "-o", log]
    _used(machine, grep)
    with Meanwhile() as meanwhile:
        turns = [(_used(machine, grep), _used(machine, analyze), _used(machine, read)) for _ in range(RUNS)]
    ratios = [report[0] / reference[0] for reference, report, _ in turns]
    ns = [statistics.median(turn[which][1] for turn in turns) / calls * 1e9 for which in range(3)]
    clock_ns = statistics.median(report[0] for _, report, _ in turns) / calls * 1e9
    return [
        Row(name="A1", what=f"report of a log of {os.path.getsize(log) / 1e9:.1f} GB, {calls / 1e6:.1f} M calls, to grep -c",
            ns=clock_ns, ratio=statistics.median(ratios), spread=middle_half(ratios), bar=1.5, busy=meanwhile.others),
        Row(what="  processor time of a line, grep's", ns=ns[0]),
        Row(what="  processor time of a line, the report's", ns=ns[1]),
        Row(what="    of it reading and indexing", ns=ns[2]),
    ]


def _memory(machine: Machine, log: str, different: str) -> list[Row]:
    perftrace = machine.program("perftrace")
    jobs = [("of the same log", 200, [perftrace, "analyze", log]),
            ("no two calls alike, --memory=256M", 256 * 1.048576, [perftrace, "analyze", "--memory=256M", different])]
    rows = []
    for what, bar, command in jobs:
        peak = int(machine.run([sys.executable, "-c", _PEAK, *command]))
        rows.append(Row(name="A4", what=f"peak memory, {what}", peak=peak / 1e6, bar=round(bar, 1), judged="peak", digits=1))
    return rows


def _sizes(machine: Machine, largest: int) -> list[Row]:
    """Processor seconds, less those of a log of one line: what is left is to be in proportion to the size."""
    perftrace, seconds, rows = machine.program("perftrace"), {}, []
    sizes = [size for size in SIZES if size < largest] + [largest]
    for size in [1, *sizes]:
        log, _ = _make(machine, "size.log", size, "-u", str(NODES_OF_SIZES))
        runs = RUNS_OF_SMALL if size < 50_000_000 else RUNS if size < 5_000_000_000 else 3
        seconds[size] = statistics.median(_used(machine, [perftrace, "analyze", log])[1] for _ in range(runs))
        seconds[size] -= seconds[1] if size > 1 else 0
        os.remove(log)
    for size in sizes[:-1]:
        ratio = (seconds[largest] / largest) / (seconds[size] / size)
        rows.append(Row(name="A5", what=f"time a byte, {largest / 1e6:.0f} MB to {size / 1e6:.0f} MB", ratio=ratio,
                        off=abs(ratio - 1), bar=0.1, judged="off"))
    return rows


def rows(machine: Machine, log_bytes: int) -> list[Row]:
    found = []
    try:
        log, calls = _make(machine, "store.log", log_bytes)
        found += _beside_grep(machine, log, calls)
        different, _ = _make(machine, "different.log", log_bytes, "-c", "distinct")
        found += _memory(machine, log, different)
        os.remove(log)
        os.remove(different)
    except Unmeasurable as why:
        found.append(not_measured("report of a log", str(why), "A1"))
    try:
        found += _sizes(machine, log_bytes)
    except Unmeasurable as why:
        found.append(not_measured("time against size", str(why), "A5"))
    return found
