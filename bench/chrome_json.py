"""How fast trace events by others are read: A3, the full report of a file such as browsers write. Per core: by processor time."""

import os
import statistics

from machine import Machine, Meanwhile, Unmeasurable
from reading import cpu_s
from report import Row, middle_half, not_measured

RUNS = 9
BAR = 400  # megabytes a second


def rows(machine: Machine, megabytes: int) -> list[Row]:
    title = f"report, Chrome JSON by others ({megabytes} MB)"
    json = machine.path("others.json")
    try:
        calls = int(machine.run([machine.program("bench_make_chrome_json"), "-n", str(megabytes), "-o", json]))
        with Meanwhile() as meanwhile:
            each = [cpu_s(machine, [machine.program("perftrace"), "analyze", json]) for _ in range(RUNS)]
    except Unmeasurable as why:
        return [not_measured(title, str(why), "A3")]
    seconds, size = statistics.median(each), os.path.getsize(json)
    os.remove(json)
    return [Row(name="A3", what=title, rate=calls / seconds / 1e6, megabytes=size / seconds / 1e6, bar=BAR, at_least=True,
                judged="megabytes", digits=0, busy=meanwhile.others,
                spread=tuple(value / seconds for value in middle_half(each)))]
