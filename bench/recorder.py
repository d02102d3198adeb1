"""perftrace's own rows: R1 to R6 and R8 of the bars."""

import concurrent.futures
import json
import re
import shutil
import statistics

import tempfile

from machine import Machine, Meanwhile, Unmeasurable
from report import Row, middle_half, not_measured, row_of

BURST = 20000  # spans in a slice that must fit into the ring
STREAM = 10_000_000
LONG_STREAM = 100_000_000
TAIL_SLICE, TAIL_SLICES = 1_000_000, 10
INSTRUCTION_BYTES = 800, 3000  # of a segment: behind the first piece of it that is cleared, within the second
BYTES = {"span": 16, "integers": 32, "text": 40, "event": 8}  # of a pass
RECORDS = {"span": 2, "integers": 2, "text": 2, "event": 1}

# name of the bar, what, program, case, threads, bar for the ratio
BURSTS = [
    ("R1", "span", "bench_hot_path", "span", 1, 1.10),
    ("R1", "span, two threads", "bench_hot_path", "span", 2, 1.10),
    ("R1", "span, libperftrace.so", "bench_hot_path_shared", "span", 1, 1.10),
    ("R2", "span with two integers", "bench_hot_path", "integers", 1, 1.15),
    ("", "  on two threads", "bench_hot_path", "integers", 2, None),
    ("R2", "span with a 16-byte string", "bench_hot_path", "text", 1, 1.5),
    ("R3", "event", "bench_hot_path", "event", 1, 0.55),
    ("", "  on two threads", "bench_hot_path", "event", 2, None),
    ("R4", "span, switched off", "bench_hot_path", "off", 1, 0.06),
    ("", "  on two threads", "bench_hot_path", "off", 2, None),
]


def instructions(machine: Machine, program: str, case: str) -> float:
    """Instructions of one pass, the loop included: callgrind's count inside the function counted(), the difference of
    two lengths that stay within what is cleared of a segment at once."""
    lengths = [bytes // BYTES.get(case, 16) for bytes in INSTRUCTION_BYTES]
    trace = [] if program == "bench_compiled_out" else ["-o", machine.path(f"count-{program}-{case}.ptrace")]
    counts = []
    for length in lengths:
        printed = machine.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--log-fd=1",
                               "--toggle-collect=counted*", machine.program(program), "-m", "count", "-c", case,
                               "-n", str(length), *trace])
        counts.append(int(re.search(r"Collected\s*:\s*(\d+)", printed).group(1)))
    return (counts[1] - counts[0]) / (lengths[1] - lengths[0])


def all_instructions(machine: Machine) -> dict:
    """By (program, case). Counting is not disturbed by company, so it goes on all processors."""
    wanted = sorted({(program, case) for _, _, program, case, _, _ in BURSTS})
    wanted += [("bench_hot_path", "floor"), ("bench_compiled_out", "out"), ("bench_compiled_out", "empty")]

    def count(what):
        try:
            return instructions(machine, *what)
        except Unmeasurable:
            return None

    with concurrent.futures.ThreadPoolExecutor(machine.processors) as pool:
        return dict(zip(wanted, pool.map(count, wanted)))


def _account(measured: dict, case: str) -> str:
    """Why a row does not count; empty where every record is in the trace."""
    per_pass = RECORDS.get(case)
    if measured["lost"] > 0:
        made = measured["passes"] * (per_pass or 0)
        share = 100 * (1 - measured["recorded"] / made) if made else 100
        return f"lost {share:.2g} %"
    if per_pass is not None and measured["recorded"] != measured["passes"] * per_pass:
        return "records missing"
    return ""


def _slices(machine: Machine, program: str, case: str, *arguments) -> dict:
    return machine.measure([machine.program(program), "-c", case, "-o", machine.path("slices.ptrace"),
                            *(str(argument) for argument in arguments)])


def burst_rows(machine: Machine, counted: dict) -> list[Row]:
    rows = []
    for name, what, program, case, threads, bar in BURSTS:
        try:
            measured = _slices(machine, program, case, "-t", threads, "-n", BURST, "-r", 101)
            rows.append(row_of(measured, name=name, what=what, bar=bar, busy=measured["busy"], lost=measured["lost"],
                               instructions=counted.get((program, case)) if threads == 1 else None,
                               note=_account(measured, case)))
        except Unmeasurable as why:
            rows.append(not_measured(what, str(why), name))
    rows.append(_compiled_out(machine, counted))
    return rows


def _compiled_out(machine: Machine, counted: dict) -> Row:
    """Nothing at all: as many instructions as the empty loop."""
    what = "span and event, compiled out"
    try:
        measured = machine.measure([machine.program("bench_compiled_out"), "-r", "101"])
    except Unmeasurable as why:
        return not_measured(what, str(why), "R4")
    empty = counted.get(("bench_compiled_out", "empty"))
    return row_of(measured, name="R4", what=what, instructions=counted.get(("bench_compiled_out", "out")),
                  bar=empty, judged="instructions")


def instruction_rows(counted: dict) -> list[Row]:
    figure = counted.get(("bench_hot_path", "span"))
    if figure is None:
        why = "callgrind failed" if shutil.which("valgrind") else "not installed (valgrind)"
        return [not_measured("instructions, loop included", why, "R1")]
    return [Row(name="R1", what="instructions, loop included", instructions=figure, bar=40,
                judged="instructions", digits=1)]


def streaming_rows(machine: Machine) -> list[Row]:
    rows = []
    for threads in (1, 2):
        for mode in ("wait", "drop"):
            what = f"{'span' if threads == 1 else '  two threads'}, full ring {mode}s"
            try:
                if machine.room_for() < STREAM * threads * 17:
                    raise Unmeasurable("no room for the trace")
                measured = _slices(machine, "bench_hot_path", "span", "-m", mode, "-t", threads, "-n", STREAM, "-r", 9)
                rows.append(row_of(measured, name="R1", what=what, bar=1.20, busy=measured["busy"],
                                   lost=measured["lost"], bytes=measured["bytes"] / measured["passes"],
                                   note=_account(measured, "span")))
            except Unmeasurable as why:
                rows.append(not_measured(what, str(why), "R1"))
    return rows


def bytes_rows(streamed: list[Row]) -> list[Row]:
    whole = [row for row in streamed if row.bytes is not None and row.lost == 0]
    if not whole:
        return [not_measured("bytes of a span in the file", "no stream without loss", "R5")]
    return [Row(name="R5", what="bytes of a span in the file", bytes=whole[0].bytes, bar=16, judged="bytes", digits=0)]


def long_stream_rows(machine: Machine) -> list[Row]:
    """R6. Processor time of the whole process, from before its trace began until it was closed."""
    spans = min(LONG_STREAM, int(machine.room_for() / 17))
    rows = []
    for mode, runs in (("wait", 3), ("drop", 1)):
        what = f"{spans:.0e} spans, full ring {mode}s: CPU".replace("e+0", "e")
        try:
            if spans < STREAM:
                raise Unmeasurable("no room for the trace")
            with Meanwhile() as meanwhile:
                printed = machine.run([machine.program("bench_stream"), "-m", mode, "-n", str(spans),
                                       "-r", str(runs), "-o", machine.path("stream.ptrace")])
            rows.append(_long_stream_row(json.loads(printed), what, mode, meanwhile.others))
        except Unmeasurable as why:
            rows.append(not_measured(what, str(why), "R6"))
    return rows


def _long_stream_row(runs: list[dict], what: str, mode: str, busy: float) -> Row:
    each = sorted(run["cpu_s"] / run["floor_cpu_s"] for run in runs)
    lost = max(run["lost"] for run in runs)
    note = ""
    # A begin that was dropped takes its end with it; room for the ends of open spans is kept, so none is missing alone.
    if any(run["recorded"] / 2 + run["lost"] != run["spans"] for run in runs):
        note = "OVER: miscounted"
    elif mode == "wait" and lost > 0:
        note = "OVER: lost"
    return Row(name="R6", what=what, ns=statistics.median(1e9 * run["wall_s"] / run["spans"] for run in runs),
               ratio=statistics.median(each), spread=(each[0], each[-1]), bar=2.0, lost=lost, busy=busy, note=note,
               bytes=runs[0]["bytes"] / (runs[0]["recorded"] / 2))


def tail_rows(machine: Machine) -> list[Row]:
    """R8. Two loops that differ in nothing but the span, in turns. The trace lies where the build does, on a disk."""
    wanted = [("p9999_ns", "99.99th percentile", 2000), ("max_ns", "maximum", 50000)]
    try:
        with tempfile.TemporaryDirectory(dir=machine.build) as folder, Meanwhile() as meanwhile:
            arguments = ["-n", str(TAIL_SLICE), "-r", str(TAIL_SLICES), "-o", "tail.ptrace"]
            measured = json.loads(machine.run([machine.program("bench_tail"), *arguments], cwd=folder))
    except Unmeasurable as why:
        return [not_measured(what, str(why), "R8") for _, what, _ in wanted]
    rows = []
    for key, what, bar in wanted:
        alone, traced = (measured["all"][loop][key] for loop in ("empty", "span"))
        each = [traced[key] - alone[key] for alone, traced in zip(measured["empty"], measured["span"])]
        rows.append(Row(name="R8", what=what, alone_ns=alone, ns=traced, more_ns=traced - alone, judged="more_ns", bar=bar,
                        spread=middle_half(each), digits=0, busy=meanwhile.others))
    return rows
