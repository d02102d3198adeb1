"""How fast traces are read: R7 (to Chrome JSON) and A2 (the report). Per core: by processor time, not by the clock."""

import os
import statistics
import subprocess

from machine import Machine, Meanwhile, Unmeasurable
from report import Row, middle_half, not_measured

RUNS = 9
SPANS = 1_000_000


def cpu_s(machine: Machine, arguments: list[str]) -> float:
    """Processor seconds of one run, those of its helpers included."""
    with subprocess.Popen(arguments, env=machine.environment, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE) as child:
        complaint = child.stderr.read().decode(errors="replace").strip().splitlines()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise Unmeasurable((complaint or [f"exit code {child.returncode}"])[-1][:60])
    return usage.ru_utime + usage.ru_stime


def _rows_of_trace(machine: Machine, what: str, plain: bool) -> list[Row]:
    trace, json = machine.path("read.ptrace"), machine.path("read.json")
    perftrace = machine.program("perftrace")
    spans = int(machine.run([machine.program("bench_make_trace"), "-c", "plain" if plain else "store", "-n", str(SPANS),
                             "-o", trace]))
    jobs = [
        ("R7", f"to Chrome JSON, {what}", 5 if plain else None,
         [perftrace, "convert", "--to", "chrome", "-o", json, trace]),
        ("A2", f"report, {what}", 20, [perftrace, "analyze", trace]),
    ]
    rows = []
    for name, title, bar, command in jobs:
        try:
            with Meanwhile() as meanwhile:
                each = [cpu_s(machine, command) for _ in range(RUNS)]
        except Unmeasurable as why:
            rows.append(not_measured(title, str(why), name))
            continue
        seconds = statistics.median(each)
        written = os.path.getsize(json if name == "R7" else trace)
        rows.append(Row(name=name, what=title, rate=spans / seconds / 1e6, megabytes=written / seconds / 1e6, bar=bar,
                        at_least=True, judged="rate", digits=1, busy=meanwhile.others,
                        spread=tuple(value / seconds for value in middle_half(each))))
        if name == "R7":
            rows.append(Row(name=name, what="  in megabytes written", megabytes=written / seconds / 1e6, bar=500,
                            at_least=True, judged="megabytes", digits=0, busy=meanwhile.others))
    return rows


def rows(machine: Machine) -> list[Row]:
    found = []
    for what, plain in (("plain spans", True), ("spans with arguments", False)):
        try:
            found += _rows_of_trace(machine, what, plain)
        except Unmeasurable as why:
            found.append(not_measured(f"reading {what}", str(why), "R7"))
    return found
