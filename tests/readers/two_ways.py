#!/usr/bin/env python3
"""An input is analysed in two ways: fast, its calls many at a time and known by their keys; or, where calls are selected, item by
item, each of them whole. With a filter that leaves nothing out the second gives the same report as the first, of traces, logs
and Chrome's events alike.

    two_ways.py PROGRAM     calls_by_chance; $PERFTRACE is the command
"""
import json
import os
import subprocess
import sys

RUNS = [(seed, 1 + seed % 3, 40 if seed % 4 else 400) for seed in range(12)]  # seed, threads, rounds


def report(path, *filters):
    output = subprocess.run([os.environ["PERFTRACE"], "analyze", "--format=json", "--top=0", *filters, path], check=True, capture_output=True)
    found = json.loads(output.stdout)
    found["totals"].pop("filter", None)
    return found


def difference(one, other, path=""):
    """Where they differ first, with what is there; None: nowhere."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        pairs = [(f"{path}.{key}", one[key], other[key]) for key in one]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = [(f"{path}[{i}]", a, b) for i, (a, b) in enumerate(zip(one, other))]
    else:
        return None if one == other else f"{path}: {str(one)[:200]} and {str(other)[:200]}"
    return next((found for at, a, b in pairs if (found := difference(a, b, at))), None)


def main():
    failed, calls = 0, 0
    for seed, threads, rounds in RUNS:
        environment = dict(os.environ, PERF_TRACE_FULL="wait", PERF_TRACE_LOG="1", PERF_TRACE_CHROME="1")
        with open("trace.log", "wb") as log:
            subprocess.run([sys.argv[1], str(seed), str(threads), str(rounds)], env=environment, stderr=log, check=True)
        for path in ("trace.ptrace", "trace.log", "trace.json"):
            fast = report(path)
            calls += fast["totals"]["calls"]
            differs = difference(fast, report(path, "--function=*"))
            if differs:
                failed += 1
                print(f"FAILED: seed {seed}, {path}: {differs}")
            os.remove(path)
    print(f"{calls} calls read in two ways")
    if calls < 10000:
        sys.exit("these are too few to tell")
    sys.exit(failed > 0)


main()
