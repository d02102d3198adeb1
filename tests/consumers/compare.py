#!/usr/bin/env python3
"""compare.py SAID READ: whether a reader of the Chrome file found what perftrace says is in the trace. Both are JSON as
said.py describes it; what READ does not have is not compared. Prints the differences; exit code 1 if there are any."""
import collections
import json
import re
import sys

SHOWN = 5


def normal(value):
    """How many U+FFFD stand for some bytes that are not UTF-8 is a matter of taste."""
    return re.sub("\ufffd+", "\ufffd", value) if isinstance(value, str) else value


def load(path):
    with open(path, encoding="utf-8") as file:
        data = json.load(file)
    for key in ("spans", "async"):
        for entry in data.get(key, []):
            entry.update({name: normal(value) for name, value in entry.items()})
    return data


def as_text(entries, endless):
    """Viewers draw what has no end up to some end of theirs, or as a point that nothing can be within."""
    for entry in entries:
        if (entry["name"], entry.get("begin_ns")) in endless:
            entry = {key: entry[key] for key in ("track", "name", "begin_ns") if key in entry}
        yield json.dumps(entry, sort_keys=True, ensure_ascii=False)


def compare(key, said, read):
    endless = {(entry["name"], entry.get("begin_ns")) for entry in said if entry["elapsed_ns"] < 0}
    wanted = collections.Counter(as_text(said, endless))
    found = collections.Counter(as_text(read, endless))
    problems = []
    for word, rest in (("missing", wanted - found), ("extra", found - wanted)):
        for entry in sorted(rest)[:SHOWN]:
            problems.append("%s: %s: %s" % (key, word, entry))
        if len(rest) > SHOWN:
            problems.append("%s: and %d more" % (key, len(rest) - SHOWN))
    return problems


def main(said_path, read_path):
    said, read = load(said_path), load(read_path)
    problems = []
    if not said["spans"]:
        problems.append("perftrace says that there is nothing")
    for key in ("spans", "async"):
        if key in read:
            problems += compare(key, said[key], read[key])
    for name, count in read.get("totals", {}).items():
        if count != said["totals"][name]:
            problems.append("%s: %d, should be %d" % (name, count, said["totals"][name]))
    problems += said["warnings"] + read.get("warnings", ["it does not say what it complained about"])
    for problem in problems:
        print("    " + problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
