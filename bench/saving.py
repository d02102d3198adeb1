#!/usr/bin/env python3
"""Whether what the report says would be saved is what is saved: saving.py BUILD [RUNS].

examples/nodestore asks for each directory entry by itself, and for each node twice; nodestore_better does neither, and differs in nothing
else. Both list the same directory in turns, traced. What the report on the first says would be saved by mending the two is held
against what the second saves. Of each program the fastest run counts: what else the machine does only makes runs slower."""

import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True

from machine import Machine, Meanwhile, Unmeasurable  # noqa: E402
from report import Row, not_measured  # noqa: E402

ENTRIES = 1000
RUNS = 25
OFF_MAX = 0.15


def _undisturbed() -> None:
    """Before what else runs, where that is allowed: a run that had to wait says nothing."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        pass


def _nodestore(machine: Machine, program: str, *arguments: str) -> str:
    """Runs it, and returns its trace."""
    trace = machine.path(f"{program}.ptrace")
    environment = {**machine.environment, "TRACE_FILE": machine.path(f"{program}.json"), "PERF_TRACE_CHROME": "0"}
    done = subprocess.run([machine.program(program), *arguments], env=environment, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, preexec_fn=_undisturbed, check=False)
    if done.returncode != 0:
        raise Unmeasurable((done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}")[:60])
    return trace


def _report(machine: Machine, trace: str) -> dict:
    done = subprocess.run([machine.program("perftrace"), "analyze", "--format", "json", "--top", "0", trace],
                          env=machine.environment, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def _took_ns(report: dict) -> int:
    return next(entry["total_ns"] for entry in report["top_functions"]["entries"] if entry["function"] == "list")


def _said_ns(report: dict) -> int:
    """Of what nodestore_better does not do: the listing entry by entry, and the question of load_node that exists_node has asked."""
    one_by_one = [entry["saved_ns"] for entry in report["n_plus_one"]["entries"]
                  if entry["caller"] == "load_directory_entries"]
    twice = [entry["saved_ns"] for entry in report["asked_again"]["entries"]
             if (entry["first_caller"], entry["again_caller"]) == ("exists_node", "load_node")]
    if not one_by_one or not twice:
        raise Unmeasurable("the report does not have the two findings")
    return sum(one_by_one) + sum(twice)


def _prepare(machine: Machine) -> str:
    folder, store = machine.path("entries"), machine.path("store")
    os.mkdir(folder)
    for number in range(ENTRIES):
        with open(os.path.join(folder, f"entry{number}"), "wb") as file:
            file.write(b"%d\n" % number)
    _nodestore(machine, "nodestore", "make", store)
    _nodestore(machine, "nodestore", "import", store, folder)
    return store


def rows(machine: Machine, runs: int = RUNS) -> list[Row]:
    what = f"list of {ENTRIES} entries"
    try:
        with Meanwhile() as meanwhile:
            store = _prepare(machine)
            before, after = [], []
            for _ in range(runs):
                before.append(_report(machine, _nodestore(machine, "nodestore", "list", store)))
                after.append(_report(machine, _nodestore(machine, "nodestore_better", "list", store)))
        fastest = min(before, key=_took_ns)
        said = _said_ns(fastest)
    except Unmeasurable as why:
        return [not_measured(what, str(why))]
    took, takes = _took_ns(fastest), min(map(_took_ns, after))
    return [Row(what=f"{what}: {took / 1e6:.2f} ms, mended {takes / 1e6:.2f} ms; {said / 1e6:.2f} ms were said to be saved, "
                     f"{(took - takes) / 1e6:.2f} ms are; off by",
                ratio=abs((took - takes) / said - 1), bar=OFF_MAX, busy=meanwhile.others)]


def main() -> int:
    machine = Machine(sys.argv[1])
    try:
        found = rows(machine, int(sys.argv[2]) if len(sys.argv) > 2 else RUNS)
    finally:
        machine.close()
    for row in found:
        print(row.what, "" if row.ratio is None else f"{100 * row.ratio:.1f} % (bar: {100 * OFF_MAX:.0f} %)", row.verdict())
    return 0 if all(row.verdict().startswith("ok") for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
