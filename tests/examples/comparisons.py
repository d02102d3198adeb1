#!/usr/bin/env python3
"""What `perftrace diff` says of real runs of examples/engine: COUNT comparisons of perf_100k with itself, none of which may be a
regression; and of a build in which one system does 5 % more work, which has to be caught, that system named first:
comparisons.py [COUNT]. Takes minutes, and a machine that does nothing else. In the environment: PERFTRACE, PERFTRACE_BUILD."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

BUILD = pathlib.Path(os.environ["PERFTRACE_BUILD"])
SOURCE = pathlib.Path(__file__).resolve().parents[2]
RUNS = "9"
PROGRAM = "perf_100k --frames 600 --threads 1 --cull scalar"
SYSTEM = "cull_scalar"
# A twentieth of the entities is culled twice: the first time for nothing.
BEFORE = """uint32_t cull_scalar(const struct world *world, const struct frustum *frustum, uint32_t first, uint32_t end,
                     uint32_t *seen) {
"""
MORE = """    static int within;
    if (within++ == 0)
        cull_scalar(world, frustum, end - (end - first) / 20, end, seen);
    within--;
"""


def compare(base, head):
    """diff's exit code and answer."""
    done = subprocess.run([os.environ["PERFTRACE"], "diff", "--runs", RUNS, "--base", f"{base}/{PROGRAM}", "--head", f"{head}/{PROGRAM}",
                           "--format", "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 1, 3):
        sys.exit(done.stderr)
    return done.returncode, json.loads(done.stdout)


def slower(answer):
    """Names of the spans that have become slower, in the order in which they are told."""
    return [finding["name"] for finding in answer["findings"] if finding["verdict"] == "fail"]


def build_with_more_work(folder):
    """The folder of its programs."""
    shutil.copytree(SOURCE, folder / "source", ignore=shutil.ignore_patterns("build*", ".git"))
    culling = folder / "source/examples/engine/cull.c"
    text = culling.read_text()
    if text.count(BEFORE) != 1:
        sys.exit(f"{culling} has changed: where would more work go?")
    culling.write_text(text.replace(BEFORE, BEFORE + MORE))
    for command in (["cmake", "--preset", "default", "-B", folder / "build"],
                    ["cmake", "--build", folder / "build", "--parallel", str(os.cpu_count()), "--target", "perf_100k"]):
        subprocess.run(command, cwd=folder / "source", check=True, stdout=subprocess.DEVNULL)
    return folder / "build/bin"


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    failed = 0
    for i in range(count):
        code, answer = compare(BUILD / "bin", BUILD / "bin")
        failed += code == 1
        print(f"{i + 1}: with itself: {code}, slower: {', '.join(slower(answer)) or 'nothing'}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        code, answer = compare(BUILD / "bin", build_with_more_work(pathlib.Path(folder)))
    names = slower(answer)
    print(f"5 % more work in {SYSTEM}: {code}, slower: {', '.join(names) or 'nothing'}")
    caught = code == 1 and names[:1] == [SYSTEM]
    print(f"{count - failed + caught} passed, {failed + (not caught)} failed")
    return failed > 0 or not caught


if __name__ == "__main__":
    sys.exit(main())
