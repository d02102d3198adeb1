#!/usr/bin/env python3
"""Holds the second reader (second_reader.py) against ours: each call with its number, nesting, times, parameters and metrics,
and all that `perftrace info` says, of every kind of trace that there is.

    compare.py [full]                   traces made here: by programs, by chance (write.py), damaged, and those of the tests' data
    compare.py left FOLDER [MEGABYTES]  traces that other tests have left there, the newest, up to so much

$PERFTRACE is our reader, $PERFTRACE_BUILD has the programs, and $PERFTRACE_SOURCE the sources. What differs is printed, and
its trace kept in the folder where this is run. The last line is "N passed, N failed".
"""
import csv
import glob
import io
import json
import os
import random
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), HERE]
import blocks
import second_reader
import show
import write

LEFT_MEGABYTES = 6  # of traces that other tests have left; more takes too long


class Refused(Exception):
    """A reader finds nothing in it that it could read."""


def ours(path):
    result = [
        subprocess.run([os.environ["PERFTRACE"], *arguments, path], capture_output=True)
        for arguments in (("convert", "--to", "csv", "--output", "-"), ("info", "--format", "json", "--sites"))
    ]
    if any(one.returncode == 2 for one in result):
        raise Refused(result[1].stderr.decode("utf-8", "replace"))
    if any(one.returncode != 0 for one in result):
        raise RuntimeError("our reader ended with %d and %d" % (result[0].returncode, result[1].returncode))
    return result[0].stdout, json.loads(result[1].stdout)


def theirs(path):
    rows = [",".join(show.COLUMNS).encode() + b"\r\n"]
    try:
        trace = second_reader.Trace(path, lambda call, unfinished: rows.append(show.row(call, unfinished)))
    except ValueError as error:
        raise Refused(str(error)) from None
    if trace.calls.records == 0 and trace.damaged:
        raise Refused("no records, and damage")
    return b"".join(rows), show.exact(show.facts(trace))


def attempt(reader, path):
    try:
        return reader(path)
    except Refused as why:
        return None, why


def table(text):
    return list(csv.reader(io.StringIO(text.decode("utf-8", "backslashreplace"), newline="")))


def differing_rows(one, other):
    if one == other:
        return
    one, other = table(one), table(other)
    if len(one) != len(other):
        yield "%d rows, and %d" % (len(one), len(other))
    for number, pair in enumerate(zip(one, other)):
        if pair[0] != pair[1]:
            columns = [name for name, a, b in zip(show.COLUMNS, *pair) if a != b]
            yield "row %d, call %s: %s\n        ours   %s\n        second %s" % (number, pair[0][0], ", ".join(columns), *pair)
            return


def differing_facts(one, other, where=""):
    """Of all that the second reader tells; ours may tell more."""
    for key, value in other.items():
        if isinstance(value, dict):
            yield from differing_facts(one[key], value, where + key + ".")
        elif one[key] != value:
            a, b = one[key], value
            if isinstance(value, list) and len(a) == len(b):
                a, b = next(pair for pair in zip(a, b) if pair[0] != pair[1])
            yield "%s%s: ours %s, second %s" % (where, key, a, b)


def differences(path):
    """Also between what the second reader takes from rings, and what it finds in the trace after ours has folded them in."""
    before = attempt(theirs, path)
    size = os.path.getsize(path)
    our = attempt(ours, path)
    after = attempt(theirs, path) if os.path.getsize(path) != size else before
    if our[0] is None or after[0] is None:
        return [] if our[0] is after[0] else ["only one of the readers finds something: ours %s, second %s" % (our[1], after[1])]
    if os.path.exists(os.path.splitext(path)[0] + ".ring"):  # damaged, and left as it is: read anew each time
        our[1]["bytes"] = before[1]["bytes"]
    found = list(differing_rows(our[0], after[0])) + list(differing_facts(our[1], after[1]))
    if after is not before and before[0] is not None:
        found += ["folding has changed it: " + what for what in differing_rows(after[0], before[0])]
        before[1]["bytes"] = after[1]["bytes"]
        found += ["folding has changed it: " + what for what in differing_facts(after[1], before[1])]
    return found


class Comparison:
    def __init__(self):
        self.passed = self.failed = self.kept = 0
        self.folder = os.path.abspath("compared")
        shutil.rmtree(self.folder, ignore_errors=True)
        os.mkdir(self.folder)

    def result(self, name, found):
        if found:
            print("FAILED  %s" % name)
            for what in found[:8]:
                print("    %s" % what[:1500])
        self.failed += bool(found)
        self.passed += not found
        return not found

    def trace(self, name, path):
        return self.result(name, differences(path))

    def bytes(self, name, data, ring=None):
        """A trace of these bytes, and a ring file beside it, whose path the trace has got from ring_name()."""
        path = os.path.join(self.folder, "made.ptrace")
        with open(path, "wb") as file:
            file.write(data)
        if ring is not None:
            with open(self.ring_name(), "wb") as file:
                file.write(ring)
        fine = self.trace(name, path)
        if not fine and self.kept < 10:
            self.kept += 1
            kept = os.path.abspath("different-%d" % self.kept)
            with open(kept + ".ptrace", "wb") as file:
                file.write(data)
            if ring is not None:
                with open(kept + ".ring", "wb") as file:
                    file.write(ring)
            print("    kept as %s.ptrace" % kept)
        if os.path.exists(self.ring_name()):
            os.remove(self.ring_name())
        return fine

    def ring_name(self):
        return os.path.join(self.folder, "made.ring")


# ---- traces of programs -----------------------------------------------------------------------------------------


def environment(name):
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PERF_TRACE") and key not in ("TRACE_FILE", "RUST_LOG")}
    return dict(kept, TRACE_FILE=name + ".json", PERF_TRACE_CHROME="0")


class Programs:
    """Each in a folder of its own, where all traces that it leaves are compared."""

    def __init__(self, comparison):
        self.comparison = comparison
        self.build = os.environ["PERFTRACE_BUILD"]
        self.running = []

    def start(self, name, *commands):
        folder = os.path.join(self.comparison.folder, name)
        os.mkdir(folder)
        line = " ; ".join(" ".join("'%s'" % word for word in command) for command in commands)
        process = subprocess.Popen(["sh", "-c", line], cwd=folder, env=environment(name), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)  # fmt: skip
        self.running.append((name, folder, process))

    def built(self, *path):
        return os.path.join(self.build, *path)

    def start_all(self):
        records, everything = self.built("tests", "readers_records"), self.built("tests", "readers_everything")
        self.start("slow", [records, "slow"])
        for mode in "threads threads_killed flight flight_killed tiny limited deep signals forks many".split():
            self.start(mode, [records, mode])
        self.start("everything", [everything])
        self.start("everything_killed", [everything, "killed"])
        self.start("quickstart", [self.built("bin", "quickstart")])
        if os.path.exists(self.built("bin", "quickstart_cpp")):
            self.start("quickstart_cpp", [self.built("bin", "quickstart_cpp")])
        if os.path.exists(self.built("bin", "nodestore")):
            store = self.built("bin", "nodestore")
            self.start("nodestore", [store, "make", "store"], [store, "import", "store", os.path.join(os.environ["PERFTRACE_SOURCE"], "core")])

    def compare_all(self):
        for name, folder, process in self.running[1:] + self.running[:1]:  # the slow one last
            process.wait()
            traces = sorted(glob.glob(os.path.join(folder, "*.ptrace")))
            if not traces:
                self.comparison.result(name, ["it has left no trace"])
            for trace in traces:
                self.comparison.trace(name + "/" + os.path.basename(trace), trace)
                self.comparison.result(name + ": its PROCESS blocks agree on the start", list(differing_starts(trace)))


def differing_starts(path):
    with open(path, "rb") as file:
        data = file.read()
    intact = blocks.blocks(data, 64, lambda size: None, lambda size: None)
    starts = {block.fields("QQ", 32) for block in intact if block.kind == blocks.PROCESS}
    if len(starts) != 1:
        yield "%s" % starts


# ---- other traces -----------------------------------------------------------------------------------------------


def example():
    """That of the document, with what it is said to read."""
    data = b""
    with open(os.path.join(os.environ["PERFTRACE_SOURCE"], "docs", "trace_format.md")) as file:
        for line in file:
            if len(line) > 34 and line[8:10] == "  " and line[33:35] == " |":
                data += bytes.fromhex(line[10:33])
    return data


def compare_example(comparison):
    comparison.bytes("the document's example", example())
    with open(os.path.join(comparison.folder, "made.ptrace"), "rb") as file:
        assert file.read() == example()
    rows, _ = theirs(os.path.join(comparison.folder, "made.ptrace"))
    expected = "1,load,demo,unknown,0,1,main,0,5000005,750000,750000,0,part=root,"
    comparison.result("the document's example, as it is read there", [] if expected in rows.decode() else [rows.decode()])


def damaged(data, chance):
    data = bytearray(data)
    at = chance.randrange(len(data))
    how = chance.randrange(5)
    if how < 2:
        for _ in range(1 + how):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    elif how == 2:
        del data[at:]
    elif how == 3:
        count = chance.choice([1, 8, 100, 1000])
        data[at : at + count] = bytes(len(data[at : at + count]))
    elif chance.random() < 0.5:
        data[at:at] = bytes(chance.choice([1, 3, 8, 16]))
    else:
        del data[at : at + chance.choice([1, 3, 8, 300])]
    return bytes(data)


def compare_made(comparison, full):
    times = 20 if full else 1
    for seed in range(60 * times):
        comparison.bytes("by chance %d" % seed, write.random_trace(seed))
    for seed in range(30 * times):
        data, ring = write.random_trace(seed, ring_name=comparison.ring_name())
        comparison.bytes("by chance %d, with rings" % seed, data, ring)
        chance = random.Random(seed)
        for _ in range(1 if seed % 3 == 0 else 0):
            comparison.bytes("by chance %d, with damaged rings" % seed, data, damaged_ring(ring, chance))


def damaged_ring(ring, chance):
    """Not so that much of it is gone: the bits of the places that are in use."""
    ring = bytearray(ring)
    used = [at for at in range(0, len(ring), 8) if any(ring[at : at + 8])]
    for _ in range(chance.randint(1, 3)):
        ring[chance.choice(used) + chance.randrange(8)] ^= 1 << chance.randrange(8)
    return bytes(ring)


def compare_damaged(comparison, full):
    data = [example(), write.random_trace(5), write.random_trace(6)]
    for name in ("finished", "killed"):
        with open(os.path.join(os.environ["PERFTRACE_SOURCE"], "tests", "cli", "data", name + ".ptrace"), "rb") as file:
            data.append(file.read())
    with open(os.path.join(comparison.folder, "everything", "everything.ptrace"), "rb") as file:
        data.append(file.read())
    for number in range(2000 if full else 90):
        chance = random.Random(number)
        which = chance.randrange(len(data))
        comparison.bytes("damaged %d" % number, damaged(data[which], chance))


def compare_sees_something(comparison):
    """If it did not, all the rest would say nothing."""
    rows, facts = ours(os.path.join(comparison.folder, "everything", "everything.ptrace"))
    second_rows, second_facts = theirs(os.path.join(comparison.folder, "everything", "everything.ptrace"))
    lines = rows.split(b"\r\n")
    lines[3] = lines[3].replace(b",1,main,", b",2,main,", 1)
    wrong = [
        list(differing_rows(b"\r\n".join(lines), second_rows)),
        list(differing_rows(b"\r\n".join(lines[:-2] + lines[-1:]), second_rows)),
        list(differing_facts(dict(facts, records=facts["records"] + 1), second_facts)),
        list(differing_facts(dict(facts, clock=dict(facts["clock"], adjusted=1)), second_facts)),
        list(differing_facts(dict(facts, tracks=facts["tracks"][:-1]), second_facts)),
    ]
    comparison.result("the comparison sees something", ["a difference was not seen: %s" % wrong] if [] in wrong else [])


def compare_left(comparison, folder, megabytes=LEFT_MEGABYTES):
    traces = glob.glob(os.path.join(folder, "**", "*.ptrace"), recursive=True)
    traces = sorted(((os.path.getmtime(path), os.path.getsize(path), path) for path in traces), reverse=True)
    room, left_out = int(megabytes) << 20, 0
    for _, size, path in traces:
        if size > room:
            left_out += 1
        elif not path.startswith(comparison.folder):
            room -= size
            comparison.trace(os.path.relpath(path, folder), path)
    if left_out > 0:
        print("%d traces were left out, as they would take too long" % left_out)


def main(arguments):
    begin = time.monotonic()
    comparison = Comparison()
    if arguments[:1] == ["left"]:
        compare_left(comparison, *arguments[1:])
    elif arguments in ([], ["full"]):
        full = arguments == ["full"]
        programs = Programs(comparison)
        programs.start_all()
        for path in sorted(glob.glob(os.path.join(os.environ["PERFTRACE_SOURCE"], "tests", "**", "*.ptrace"), recursive=True)):
            comparison.trace(os.path.basename(path), path)
        compare_example(comparison)
        compare_made(comparison, full)
        programs.compare_all()
        compare_damaged(comparison, full)
        compare_sees_something(comparison)
    else:
        sys.exit("usage: compare.py [full] | left FOLDER [MEGABYTES]")
    if comparison.failed == 0:
        shutil.rmtree(comparison.folder)
    print("%.1f s" % (time.monotonic() - begin))
    print("%d passed, %d failed" % (comparison.passed, comparison.failed))
    return comparison.failed > 0 or comparison.passed == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
