#!/usr/bin/env python3
"""comparison_logs.py FOLDER: six runs before and after a change, as logs in FOLDER/base and FOLDER/head: `parse` has become slower and `draw`
faster, `steady` has not changed, `old` is gone and a name that tries to be more than a name is new."""
import pathlib
import sys

RUNS = 6
EVIL = "</script><img src=x onerror=hit=1>"
#        name      under    base   head (us; 0: not there)
SPANS = [("parse", "load", 2000, 4000), ("draw", "frame", 4000, 2500), ("steady", "frame", 3000, 3000), ("old", "load", 1500, 0), (EVIL, "frame", 0, 1200),
         ("\u202e{{hit=1}}<b>", "frame", 900, 900)]
OWN = {"load": 500, "frame": 700, "main": 100}


def lines(side, run):
    def jitter(us):
        return us + us * ((run * 7 + us) % 5) // 1000

    times = {parent: jitter(us) for parent, us in OWN.items()}
    made, number = [], 10
    for name, parent, *us in SPANS:
        if us[side] > 0:
            took = jitter(us[side])
            times[parent] += took
            made.append((number, name, parent, took, {"load": 2, "frame": 3}[parent]))
            number += 1
    times["main"] += times["load"] + times["frame"]
    made += [(2, "load", "main", times["load"], 1), (3, "frame", "main", times["frame"], 1), (1, "main", "unknown", times["main"], 0)]
    for number, name, caller, us, parent in made:
        yield "PERF_TRACE|%d|%s|caller=%s|elapsed_ms=%d|elapsed_us=%d|parent_call=%d|thread=1\n" % (number, name, caller, us // 1000, us, parent)


for side, folder in enumerate(("base", "head")):
    place = pathlib.Path(sys.argv[1]) / folder
    place.mkdir(parents=True, exist_ok=True)
    for run in range(RUNS):
        (place / ("%d.log" % run)).write_text("".join(lines(side, run)))
