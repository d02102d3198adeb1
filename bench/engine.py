#!/usr/bin/env python3
"""What tracing costs a frame of examples/engine, and how fast its systems are: engine.py BUILD [ROUNDS].

In each round perf_100k runs three times, in changing order: traced with all defaults (the Chrome file, too), with everything switched
off, and with tracing compiled out. Of each run its median frame counts, of the rounds the median of the ratios. How long systems take is
read from traces."""

import csv
import io
import os
import re
import statistics
import subprocess
import sys

sys.dont_write_bytecode = True

from machine import Machine, Meanwhile, Unmeasurable  # noqa: E402
from report import Row, middle_half, not_measured  # noqa: E402

ROUNDS = 60
FRAMES = 200
LONG = 10000  # frames
WAYS = {"traced": ("perf_100k", {}), "off": ("perf_100k", {"PERF_TRACE_FILTER": "off"}), "compiled out": ("perf_100k_untraced", {})}
SPAWN_NS_MAX, SYNC_NS_MAX, GPU_NS_MAX = 3e6, 1.5e6, 0.25e6


def _run(machine: Machine, program: str, frames: int, *arguments: str, **variables: str) -> str:
    environment = {**machine.environment, "TRACE_FILE": machine.path("engine.json"), **variables}
    done = subprocess.run([machine.program(program), "--frames", str(frames), *arguments], env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise Unmeasurable((done.stderr.strip() or f"exit code {done.returncode}")[:60])
    return done.stdout


def _frame_ms(output: str) -> float:
    return float(re.search(r"p50 ([0-9.]+) ms", output).group(1))


def cost_rows(machine: Machine, rounds: int, threads: int) -> list[Row]:
    """Frames with tracing, and with it switched off, against frames without it."""
    what = f"frame of perf_100k, {threads} thread{'s' if threads > 1 else ''}"
    frame: dict[str, list[float]] = {way: [] for way in WAYS}
    try:
        with Meanwhile() as meanwhile:
            for round_number in range(rounds):
                order = list(WAYS)
                for way in order[round_number % 3:] + order[:round_number % 3]:
                    program, variables = WAYS[way]
                    frame[way].append(_frame_ms(_run(machine, program, FRAMES, "--cull", "cpu", "--threads", str(threads), **variables)))
    except Unmeasurable as why:
        return [not_measured(what, str(why))]
    found = []
    for way, bar in (("traced", 1.02), ("off", 1.0)):
        ratios = [ours / theirs for ours, theirs in zip(frame[way], frame["compiled out"])]
        found.append(Row(what=f"{what}, {way}", ns=statistics.median(frame[way]) * 1e6, ratio=statistics.median(ratios),
                         spread=middle_half(ratios), bar=bar, busy=meanwhile.others))
    return found


def _calls(machine: Machine) -> list[dict]:
    table = subprocess.run([machine.program("perftrace"), "convert", "--to", "csv", "--output", "-", machine.path("engine.ptrace")],
                           env=machine.environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    return list(csv.DictReader(io.StringIO(table)))


def _each_frame_ns(calls: list[dict], function: str) -> float:
    """From when the first part of a system begins until the last ends: the median of the frames. A part that belongs to the next frame
    begins after the end of the frame's mark, which is that of update_frame."""
    ends = [int(call["start_ns"]) + int(call["elapsed_ns"]) for call in calls if call["function"] == "update_frame"]
    ends.sort()
    spans = sorted((int(call["start_ns"]), int(call["start_ns"]) + int(call["elapsed_ns"])) for call in calls if call["function"] == function)
    took, at = [], 0
    for end in ends:
        first = at
        while at < len(spans) and spans[at][0] < end:
            at += 1
        if at > first:
            took.append(max(stop for _, stop in spans[first:at]) - spans[first][0])
    return statistics.median(took) if took else float("nan")


def system_rows(machine: Machine) -> list[Row]:
    try:
        spawned, frames = [], {}
        with Meanwhile() as meanwhile:
            for _ in range(5):
                output = _run(machine, "perf_100k", FRAMES, PERF_TRACE_CHROME="0")
                calls = _calls(machine)
                spawned += [int(call["elapsed_ns"]) for call in calls if call["function"] == "spawn_scene"]
                for function in ("sync_transforms", "cull_cpu", "cull_gpu", "gpu_cull"):
                    frames.setdefault(function, []).append(_each_frame_ns(calls, function))
    except Unmeasurable as why:
        return [not_measured("perf_100k", str(why))]
    each = {function: statistics.median(those) for function, those in frames.items()}
    device = re.search(r"gpu culling: ([^;\n]*)", output)
    found = [Row(what="spawn of 100,000 entities (of 3 ms)", ns=statistics.median(spawned), ratio=statistics.median(spawned) / SPAWN_NS_MAX,
                 bar=1.0, busy=meanwhile.others),
             Row(what="sync of transforms, a frame (of 1.5 ms)", ns=each["sync_transforms"], ratio=each["sync_transforms"] / SYNC_NS_MAX,
                 bar=1.0, busy=meanwhile.others),
             Row(what="culling on the CPU, a frame", ns=each["cull_cpu"])]
    if device is None:
        found.append(not_measured("culling on a GPU", "no OpenCL device"))
        return found
    gpu = not re.search("pthread|cpu|epyc|xeon|ryzen|core", device.group(1), re.I)
    found += [Row(what=f"culling by OpenCL's {device.group(1)}, a frame, the way there and back included (of 0.25 ms on a GPU)", ns=each["cull_gpu"],
                  ratio=each["cull_gpu"] / GPU_NS_MAX, bar=1.0 if gpu else None, busy=meanwhile.others),
              Row(what="the kernel alone", ns=each["gpu_cull"])]
    return found


def memory_rows(machine: Machine) -> list[Row]:
    """The engine's own, so without a recorder, and with it."""
    found = []
    for way, variables in (("compiled out", {}), ("traced", {"PERF_TRACE_CHROME": "0"})):
        program = WAYS[way][0]
        try:
            output = _run(machine, program, LONG, "--cull", "cpu", **variables)
            early, late = re.search(r"memory: ([0-9.]+) MiB after 100 frames, ([0-9.]+) MiB", output).groups()
        except Unmeasurable as why:
            return [not_measured("memory", str(why))]
        found.append(Row(what=f"memory after {LONG} frames against after 100, {way}: {late} of {early} MiB", ratio=float(late) / float(early),
                         bar=1.01 if way == "compiled out" else None))
    return found


def rows(machine: Machine, rounds: int = ROUNDS) -> list[Row]:
    threads = sorted({1, machine.processors})
    return [row for count in threads for row in cost_rows(machine, rounds, count)] + system_rows(machine) + memory_rows(machine)


def main() -> int:
    machine = Machine(sys.argv[1])
    try:
        found = rows(machine, int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS)
    finally:
        machine.close()
    for row in found:
        figures = [f"{row.ns / 1e6:.3f} ms" if row.ns is not None else "", f"{row.ratio:.3f}" if row.ratio is not None else "",
                   f"({row.spread[0]:.3f}..{row.spread[1]:.3f})" if row.spread else "", f"bar {row.bar:g}" if row.bar else "", row.verdict()]
        print(row.what + ":", *filter(None, figures))
    return 1 if any(row.verdict() == "OVER" for row in found) else 0


if __name__ == "__main__":
    sys.exit(main())
