#!/usr/bin/env python3
"""truth.py TRUTH SAID: whether what perftrace says of a trace (said.c) is what crowd.c noted while it was recorded: the same
spans, one within the other, on each of the threads, each with its begin and its end at the right time. Prints the
differences; exit code 1 if there are any."""
import collections
import json
import re
import sys

SHOWN = 5
SLACK_NS = 1000  # perftrace's time and the system's: how precisely the one can be known in terms of the other


def normal(text):
    return re.sub("\ufffd+", "\ufffd", text)


def load_said(path):
    """The spans of each of the threads, in the order in which they began, and how many things there are of each name."""
    spans, counts = collections.defaultdict(list), collections.Counter()
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            kind, *entry = json.loads(line)
            if kind == "span" and entry[0].startswith("crowd"):
                track, name, _, depth, begin_ns, elapsed_ns, number = entry
                spans[int(track.split()[1])].append((number, normal(name), depth, begin_ns, begin_ns + elapsed_ns))
            else:
                counts[entry[1] if kind in ("span", "unfinished", "event") else entry[0]] += 1
    return {thread: sorted(of) for thread, of in spans.items()}, counts


def load_truth(path):
    names, counts, spans = {}, {}, {}
    with open(path, encoding="ascii") as file:
        for line in file:
            word, rest = line.rstrip("\n").split(" ", 1)
            if word == "name":
                number, name = rest.split()
                names[number] = normal(bytes.fromhex(name).decode("utf-8", "replace"))
            elif word == "count":
                count, name = rest.split(" ", 1)
                counts[name] = int(count)
            elif word == "thread":
                of_thread = spans[int(rest)] = []
            else:
                kind, *numbers = rest.split()
                of_thread.append((names[kind], *map(int, numbers)))
    return spans, counts


def compare_thread(thread, noted, said):
    """Yields what is wrong."""
    if len(noted) != len(said):
        yield "thread %d: %d spans, should be %d" % (thread, len(said), len(noted))
    for at, (true, (_, name, depth, begin_ns, end_ns)) in enumerate(zip(noted, said)):
        true_name, true_depth, begin_after, begin_before, end_after, end_before = true
        where = "thread %d, span %d: " % (thread, at)
        if (name, depth) != (true_name, true_depth):
            yield where + "%r at depth %d, should be %r at %d" % (name, depth, true_name, true_depth)
            return
        if not begin_after - SLACK_NS <= begin_ns <= begin_before + SLACK_NS:
            yield where + "begins at %d, should between %d and %d" % (begin_ns, begin_after, begin_before)
        if not end_after - SLACK_NS <= end_ns <= end_before + SLACK_NS:
            yield where + "ends at %d, should between %d and %d" % (end_ns, end_after, end_before)


def main(truth_path, said_path):
    noted, counts = load_truth(truth_path)
    said, said_counts = load_said(said_path)
    problems = [] if sum(map(len, noted.values())) > 0 and sorted(noted) == sorted(said) else ["other threads"]
    for thread in noted:
        problems += compare_thread(thread, noted[thread], said.get(thread, []))
    for name, count in counts.items():
        if said_counts[name] != count or count == 0:
            problems.append("%s: %d, should be %d" % (name, said_counts[name], count))
    for problem in problems[:SHOWN]:
        print("    " + problem)
    if len(problems) > SHOWN:
        print("    and %d more" % (len(problems) - SHOWN))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
