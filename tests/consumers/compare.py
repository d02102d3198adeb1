#!/usr/bin/env python3
"""compare.py SAID READ [part]: whether a reader of the Chrome file found what perftrace says is in the trace. Both are lines
as said.c describes them; kinds of things that READ does not know (its first line says) are not compared. `part`: READ is of
the file that a killed program left: the end of what was recorded is missing, what was open then has no end yet, and not
all of that fits in. Prints the differences; exit code 1 if there are any."""
import collections
import json
import re
import sys

SHOWN = 5
SPAN_ENTRIES = 7  # what comes behind them is not compared


def load(path):
    """[entry as a tuple] by kind."""
    found = collections.defaultdict(list)
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            if "\ufffd" in line or "\\ufffd" in line:
                # How many U+FFFD stand for some bytes that are not UTF-8 is a matter of taste.
                line = re.sub(r"(\ufffd|\\ufffd)+", "\ufffd", line)
            kind, *entry = json.loads(line)
            found[kind].append(tuple(entry[: SPAN_ENTRIES - 1] if kind in ("span", "unfinished") else entry))
    return found


def without_endless(entries, endless):
    """What has no end viewers draw up to some end of theirs, or as a point."""
    return [entry[:2] if entry[:2] in endless else entry for entry in entries]


def differences(kind, said, read, part):
    wanted, found = collections.Counter(said), collections.Counter(read)
    problems = []
    for word, rest in (("missing", wanted - found), ("extra", found - wanted)):
        if word == "missing" and part:
            continue
        for entry in sorted(rest, key=repr)[:SHOWN]:
            problems.append("%s: %s: %s" % (kind, word, json.dumps(entry, ensure_ascii=False)))
        if len(rest) > SHOWN:
            problems.append("%s: and %d more" % (kind, len(rest) - SHOWN))
    return problems


def compare(kind, said, read, part):
    said_of, read_of = said[kind], read[kind]
    if kind == "async":
        endless = {entry[:2] for entry in said_of if entry[2] < 0}
        if part:
            endless |= {entry[:2] for entry in read_of if entry[2] <= 0}
        said_of, read_of = without_endless(said_of, endless), without_endless(read_of, endless)
    elif part and kind == "span":
        # Without what is open around it, as far as that does not fit.
        said_of, read_of = ([entry[:2] + entry[4:] for entry in of] for of in (said_of, read_of))
    elif part and kind == "unfinished":
        # Each has its end, or is unfinished in the end as well.
        said_of = [entry[:2] + (entry[4],) for entry in said["span"] + said["unfinished"]]
        read_of = [entry[:2] + (entry[4],) for entry in read_of]
    return differences(kind, said_of, read_of, part)


def main(said_path, read_path, part=None):
    said, read = load(said_path), load(read_path)
    kinds = read["kinds"][0] if read["kinds"] else ()
    problems = [] if kinds else ["it does not say what it looked for"]
    if not said["span"]:
        problems.append("perftrace says that there is nothing")
    if not read["span"]:
        problems.append("it found nothing")
    for kind in kinds:
        problems += compare(kind, said, read, part is not None)
    if part is not None and not read["unfinished"]:
        problems.append("nothing is open")
    problems += ["warning: " + text for (text,) in said["warning"] + read["warning"]]
    for problem in problems:
        print("    " + problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
