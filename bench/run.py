#!/usr/bin/env python3
"""Measures perftrace against its bars, beside other tracers, and prints a table: run.py BUILD [--json FILE] [--strict].

Each figure is a ratio to the floor (floor.h), measured in the same process, in turns with it. A row counts only when
nothing was lost while it was measured. What could not be measured says why."""

import argparse
import dataclasses
import json
import os
import platform
import statistics
import sys
import time

sys.dont_write_bytecode = True  # nothing is written into the source tree

import chrome_json  # noqa: E402
import engine  # noqa: E402
import logs  # noqa: E402
import machine as machines  # noqa: E402
import others  # noqa: E402
import reading  # noqa: E402
import recorder  # noqa: E402
import saving  # noqa: E402
from report import Row, table  # noqa: E402

COST = ["name", "what", "ns", "ratio", "spread", "bar", "instructions", "lost", "verdict"]


def processor_name() -> str:
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def noise(machine: machines.Machine, busy: float) -> str:
    floors = sorted(machine.floors)
    if not floors:
        return "The floor was not measured."
    low, high = floors[len(floors) // 20], floors[len(floors) - 1 - len(floors) // 20]
    runs = machine.floors_of_runs
    quiet = high / low < 1.15 and busy < machines.BUSY
    return (f"Noise of the floor: median {statistics.median(floors):.2f} ns, nine slices in ten within "
            f"{low:.2f}..{high:.2f}, medians of the {len(runs)} runs\nwithin {min(runs):.2f}..{max(runs):.2f}; other "
            f"programs used {busy:.2f} processors: {'quiet' if quiet else 'NOISY'}.")


def measure(machine: machines.Machine, sections: list, options: argparse.Namespace) -> None:
    """Prints each section as soon as it is there."""

    def section(title: str, columns: list[str], rows: list[Row]) -> list[Row]:
        print("\n" + table(title, columns, rows), flush=True)
        sections.append((title, rows))
        return rows

    counted = recorder.all_instructions(machine)
    floor = counted.get(("bench_hot_path", "floor"))
    section("Cost while the ring has room, bursts of 20,000 (floor: two timestamps, two 16-byte stores"
            + (f"; {floor:.0f} instr)" if floor else ")"),
            COST, recorder.burst_rows(machine, counted) + recorder.instruction_rows(counted))
    streamed = recorder.streaming_rows(machine)
    section("Streaming, default ring (10,000,000 spans back to back)",
            ["name", "what", "ns", "ratio", "spread", "bar", "bytes", "lost", "verdict"],
            streamed + recorder.bytes_rows(streamed) + recorder.long_stream_rows(machine))
    section("The tail: 10,000,000 spans a microsecond apart, all defaults, on the build's disk",
            ["name", "what", "alone", "traced", "more", "each", "bar", "verdict"], recorder.tail_rows(machine))
    section("Reading, per core", ["name", "what", "rate", "megabytes", "spread", "bar", "verdict"],
            reading.rows(machine) + chrome_json.rows(machine, options.chrome_megabytes))
    section("What the report says is saved, against what is saved", ["what", "ratio", "bar", "verdict"],
            saving.rows(machine))
    section("An engine: what tracing costs a frame (against the same program without it), and its systems",
            ["what", "ns", "ratio", "spread", "bar", "verdict"], engine.rows(machine))
    section(f"Logs of {options.log_bytes / 1e9:g} GB and less, on two processors (ns: of a line)",
            ["name", "what", "ns", "ratio", "spread", "peak", "off", "bar", "verdict"],
            logs.rows(machine, int(options.log_bytes)))
    section("Others, same loops and floor", ["what", "ns", "ratio", "spread", "bytes", "lost", "verdict"],
            others.rows(machine))


def as_json(row: Row) -> dict:
    return {**dataclasses.asdict(row), "verdict": row.verdict()}


def write_json(path: str, machine: machines.Machine, sections: list, last: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        json.dump({
            "processor": processor_name(), "processors": machine.processors, "noise": last,
            "floor_ns": statistics.median(machine.floors) if machine.floors else None,
            "sections": [{"title": title, "rows": [as_json(row) for row in rows]} for title, rows in sections],
        }, file, indent=1)
        file.write("\n")


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures perftrace against its bars.")
    parser.add_argument("build", help="the folder in which perftrace was built")
    parser.add_argument("--json", metavar="FILE", help="write the figures there, too")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a bar is not reached, 3 when unsure")
    parser.add_argument("--chrome-megabytes", metavar="N", type=int, default=256,
                        help="length of the file of Chrome's trace events by others (default 256; 1000 for row A3 as it is meant)")
    parser.add_argument("--log-bytes", type=float, default=1e9, metavar="N",
                        help="the largest log (default 1e9; of 1e10, time is measured up to there, too)")
    options = parser.parse_args()

    started = time.monotonic()
    machine = machines.Machine(options.build)
    print(f"{processor_name()}, {machine.processors} processors, load {os.getloadavg()[0]:.2f}; traces in "
          f"{os.path.dirname(machine.scratch)}{'' if machine.scratch_is_memory() else ', which is not in memory'}")
    sections: list = []
    try:
        with machines.Meanwhile() as meanwhile:
            measure(machine, sections, options)
    finally:
        machine.close()
    all_rows = [row for _, rows in sections for row in rows]
    verdicts = [row.verdict() for row in all_rows if row.bar is not None]
    missing = sum(row.name != "" and row.bar is None and row.note != "" for row in all_rows)
    reached = verdicts.count("ok")
    over = sum(verdict == "OVER" or verdict.startswith("OVER:") for verdict in verdicts)
    unsure = len(verdicts) - reached - over
    print("\nRatio: median, to the floor's slices before and after. Middle half: of the ratios, or of the times.\n"
          "instr: instructions of one pass of the loop (callgrind), without changes and clearing of the ring's segment.\n"
          f"?: other programs used more than {machines.BUSY:g} processors meanwhile. lost: such a row does not count."
          + (f"\nTwo threads and the one that writes the trace shared {machine.processors} processors."
             if machine.processors < 3 else ""))
    last = noise(machine, meanwhile.others)
    print(f"{reached} bars reached, {over} not, {unsure} unsure, {missing} not measured, in "
          f"{time.monotonic() - started:.0f} s.\n{last}")
    if options.json:
        write_json(options.json, machine, sections, last)
    return (1 if over else 3 if unsure or missing else 0) if options.strict else 0


if __name__ == "__main__":
    sys.exit(main())
