#!/usr/bin/env python3
"""What the report finds in examples/nodestore, and no longer finds in nodestore_better; and that it finds the same in a trace and in the
log of the same run. In the environment: PERFTRACE, PERFTRACE_BUILD."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

BIN = pathlib.Path(os.environ["PERFTRACE_BUILD"]) / "bin"
PERFTRACE = os.environ["PERFTRACE"]
FILES, FOLDERS = 12, 3
TIMES = ("_ns", "_ms", "share")  # ends of keys whose values are measured
problems = []


def expect(what, holds, why=""):
    if not holds:
        problems.append("%s%s" % (what, ": %s" % (why,) if why != "" else ""))


def nodestore(program, folder, *arguments):
    """Runs it; its trace and its log."""
    name = folder / ("%s_%s" % (program, arguments[0]))
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PERF_TRACE", "TRACE_FILE", "RUST_LOG"))}
    environment.update(TRACE_FILE="%s.json" % name, PERF_TRACE_CHROME="0", PERF_TRACE_LOG="1")
    with open("%s.log" % name, "wb") as log:
        subprocess.run([BIN / program, *arguments], cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=log, check=True)
    return "%s.ptrace" % name, "%s.log" % name


def report(path):
    done = subprocess.run([PERFTRACE, "analyze", "--format", "json", "--top", "0", path], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def twice(found):
    """Whether load_node asks what exists_node has asked."""
    return [entry for entry in found["asked_again"]["entries"]
            if (entry["first_caller"], entry["again_caller"]) == ("exists_node", "load_node")]


def one_by_one(found):
    """Whether a directory's entries are asked for one by one."""
    return [entry for entry in found["n_plus_one"]["entries"] if entry["caller"] == "load_directory_entries"]


def told_first(found):
    """What the report says is to be done first. How other findings stand among these is a matter of microseconds."""
    return [(entry["kind"], entry.get("caller"), entry["function"]) for entry in found["what_to_do"]["entries"][:3]]


def untimed(value):
    """Without what is measured, and what therefore is in no certain order."""
    if isinstance(value, dict):
        return {key: untimed(inner) for key, inner in value.items() if not key.endswith(TIMES)}
    if isinstance(value, list):
        return sorted((untimed(inner) for inner in value), key=lambda inner: json.dumps(inner, sort_keys=True))
    return value


def compare(command, trace, log):
    """The same findings, call numbers and all, from the trace and from the log."""
    parts = {section: (trace[section]["entries"], log[section]["entries"])
             for section in ("asked_again", "redundant_calls", "same_question", "sequential_calls")}
    parts["listings"] = one_by_one(trace), one_by_one(log)
    # A walk's calls have whole directories between them. When they began only a trace says, which may take that for waiting.
    if command == "list":
        parts["n_plus_one"] = trace["n_plus_one"]["entries"], log["n_plus_one"]["entries"]
    for part, both in parts.items():
        in_trace, in_log = map(untimed, both)
        for one, other, where in ((in_trace, in_log, "log"), (in_log, in_trace, "trace")):
            missing = [entry for entry in one if entry not in other]
            expect("%s: %s: not in the %s" % (command, part, where), not missing, missing[:2])


def make_folder(folder):
    for directory in range(FOLDERS):
        (folder / "tree" / ("d%d" % directory)).mkdir(parents=True)
        for file in range(FILES):
            (folder / "tree" / ("d%d" % directory) / ("f%d" % file)).write_bytes(b"%d" % file)


def main():
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        make_folder(folder)
        nodestore("nodestore", folder, "make", "store")
        nodestore("nodestore", folder, "import", "store", "tree")
        for command in (("list", "store", "d1"), ("check", "store")):
            trace, log = map(report, nodestore("nodestore", folder, *command))
            better, better_log = map(report, nodestore("nodestore_better", folder, *command))
            name = command[0]
            listings = 1 if name == "list" else FOLDERS + 1
            for found, where in ((trace, "trace"), (log, "log")):
                again = twice(found)
                expect("%s: the %s has the question asked twice" % (name, where), len(again) == 1 and again[0]["again"] >= FILES, again)
                apart = one_by_one(found)
                expect("%s: the %s has the listing entry by entry" % (name, where),
                       len(apart) == 1 and apart[0]["parents"] == listings and apart[0]["parameter"] == "entry_name", apart)
                for advice in (("ask_once", "load_node"), ("batch", "load_directory_entries")):
                    expect("%s: in the %s comes first: %s" % (name, where, advice),
                           (*advice, "query_single_directory_entry") in told_first(found), told_first(found))
            for found, where in ((better, "trace"), (better_log, "log")):
                expect("%s: mended: in the %s nothing is asked twice" % (name, where), not twice(found), twice(found))
                expect("%s: mended: in the %s no listing is entry by entry" % (name, where), not one_by_one(found), one_by_one(found))
            compare(name, trace, log)
            compare(name, better, better_log)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    if not (BIN / "nodestore_better").exists():
        sys.exit(77)  # no SQLite
    sys.exit(main())
