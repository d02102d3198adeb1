#!/usr/bin/env python3
"""Reads a file of Chrome's trace events that somebody else wrote with perftrace, whole and cut off at many places, and compares what it
finds with counts made without it: by jq of the whole file, and of the events before each cut by a few lines of Python.
check.py PERFTRACE FILE"""
import collections
import csv
import io
import json
import os
import random
import subprocess
import sys

CUTS = 12
SLACK_US = 1  # whole microseconds may be cut off: what ends up to one later may still lie within

perftrace, path = sys.argv[1:3]
problems = []


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


def check(what, found, expected):
    if found != expected:
        problems.append("%s: perftrace says %s, and it is %s" % (what, found, expected))


def contents(file):
    code, out, complaints = run(perftrace, "info", "--format", "json", file)
    if code != 0:
        problems.append("%s: exit code %d: %s" % (file, code, complaints))
        return None, complaints
    return json.loads(out), complaints


def calls(file):
    """The finished calls by function: how many, and the sum of their nanoseconds; and by (function, caller) how many."""
    _, out, _ = run(perftrace, "convert", "--to", "csv", "-o", "-", file)
    sums, edges = collections.defaultdict(lambda: [0, 0]), collections.Counter()
    for row in csv.DictReader(io.StringIO(out, newline="")):
        if row["unfinished"] == "0":
            sums[row["function"]][0] += 1
            sums[row["function"]][1] += int(row["elapsed_ns"])
            edges[row["function"], row["caller"]] += 1
    return sums, edges


def events_before_cut(text):
    """The events that are whole in a text that may end anywhere."""
    start = text.find('"traceEvents"')
    at = text.find("[", start) + 1 if start >= 0 else text.find("[") + 1
    decoder, found = json.JSONDecoder(), []
    while at > 0:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        try:
            event, at = decoder.raw_decode(text, at)
        except ValueError:
            return found
        found.append(event)
    return found


def compare(name, by_phase, told):
    """What `info` tells of a file with so many events of each kind."""
    check(name + ": events", told["records"], sum(by_phase.values()))
    check(name + ": spans", told["contents"]["span"], by_phase["X"] + by_phase["B"])
    check(name + ": async spans", told["contents"]["async_span"], by_phase["b"] + by_phase["S"])
    check(name + ": instants", told["contents"]["event"], sum(by_phase[phase] for phase in "iIRnTp"))
    used = sum(by_phase[phase] for phase in "XBEbeSFiIRnTpCstfM")
    check(name + ": events of other kinds", told["skipped"], sum(by_phase.values()) - used)


def callers(events):
    """(function, caller) of complete events, by looking which of a thread's hold others: only for files that have no B and E."""
    edges, threads = collections.Counter(), collections.defaultdict(list)
    for order, event in enumerate(events):
        if event["ph"] == "X":
            threads[event["pid"], event["tid"]].append((event["ts"], -event["dur"], -order, event["name"]))
    for spans in threads.values():
        stack = []
        for start, less, _, name in sorted(spans):
            end = start - less
            while stack and stack[-1][0] <= start:
                stack.pop()
            holders = [held for held in stack if end <= held[0] + SLACK_US]
            edges[name, holders[-1][1] if holders else "unknown"] += 1
            stack.append((end, name))
    return edges


def check_whole():
    _, out, _ = run("jq", "-c", ".traceEvents | group_by(.ph) | map({key: .[0].ph, value: length}) | from_entries", path)
    by_phase = collections.Counter(json.loads(out))
    told, complaints = contents(path)
    if told is None:
        return
    check("complaints", complaints, "")
    check("state", told["state"], "finished")
    compare("whole", by_phase, told)
    _, out, _ = run("jq", "-c", '[.traceEvents[] | select(.ph == "X")] | group_by(.name)'
                    " | map({key: .[0].name, value: [length, (map(.dur) | add) * 1000]}) | from_entries", path)
    sums, edges = calls(path)
    with open(path, encoding="utf-8") as file:
        events = json.load(file)["traceEvents"]
    others = {event["name"] for event in events if event["ph"] in "BbS"}
    for name, expected in json.loads(out).items():
        if name not in others:
            check("calls and nanoseconds of " + name, sums[name], expected)
    if by_phase["B"] + by_phase["b"] == 0:
        check("callers", edges, callers(events))


def check_cut(size):
    cut = "cut.json"
    with open(path, "rb") as whole, open(cut, "wb") as file:
        file.write(whole.read(size))
    with open(cut, encoding="utf-8", errors="replace") as file:
        events = events_before_cut(file.read())
    told, complaints = contents(cut) if events else (None, "")
    if told is not None:
        compare("cut at byte %d" % size, collections.Counter(event["ph"] for event in events), told)
        check("cut at byte %d: state" % size, told["state"], "cut")
        if "cut off at byte %d" % size not in complaints:
            problems.append("cut at byte %d: %s" % (size, complaints))
    os.remove(cut)


check_whole()
length = os.path.getsize(path)
generator = random.Random(length)
for _ in range(CUTS):
    check_cut(generator.randrange(100, length - 100))
for problem in problems:
    print("%s: %s" % (path, problem))
sys.exit(1 if problems else 0)
