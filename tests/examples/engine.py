#!/usr/bin/env python3
"""What the traces of examples/engine hold: every system under its target with its counts, what must agree between them, and that
tracing changes nothing but that. In the environment: PERFTRACE, PERFTRACE_BUILD, PERFTRACE_SOURCE."""
import collections
import csv
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile

BIN = pathlib.Path(os.environ["PERFTRACE_BUILD"]) / "bin"
PERFTRACE = os.environ["PERFTRACE"]
FRAMES = 12

# Systems by target: span -> the key of a count that it has, which is positive in at least one call (None: no count).
BOTH = {
    "amp_engine": {"start_engine": "threads", "start_stage": "plugins", "start_plugin": "plugin", "start_threads": "threads",
                   "link_schedule": "systems", "run_schedule": "systems", "execute_job": "system", "update_frame": "entities",
                   "pool_reserve": "bytes", "pool_reset": "bytes", "pool_release": "bytes", "stop_engine": "frames"},
    "amp_render": {"begin_render": "parts", "cull_cpu": "visible", "update_lods": "changed", "build_batches": "batches",
                   "extract_instances": "entities", "end_render": "entities"},
    "amp_gameplay": {"spin": "spinning", "sync_transforms": "dirty", "spawn_entities": "entities"},
    "gameplay_factory": {"prepare_bundle": "prefabs", "parse_prefabs": "nodes", "compile_bundle": "prefabs",
                         "compile_prefab": "nodes", "spawn_batch": "entities", "fill_transforms": "entities",
                         "process_component_map": "components"},
}
GPU = {"amp_render": {"start_gpu": "entities", "compile_kernel": "bytes", "align_gpu_clock": "round_trip_ns", "cull_gpu": "visible",
                      "gpu_submit": "entities", "gpu_wait": None, "gpu_upload": "bytes", "gpu_cull": "entities", "gpu_read_back": "bytes"}}
PROGRAMS = {
    "perf_100k": (["--entities", "20000"], {"amp_gameplay": {"spawn_scene": "entities", "churn": "entities"}}),
    "city_demo_baseline": (["--buildings", "300", "--vehicles", "12"], {"amp_gameplay": {
        "build_city": "buildings", "drive": "vehicles", "step_physics": "vehicles", "collide_vehicles": "contacts",
        "find_buildings": "pairs", "find_vehicles": "vehicles", "find_ground": "wheels", "solve_constraints": "contacts",
        "move_vehicles": "vehicles"}}),
}
COUNTERS = {"entities_alive", "frame_pool_bytes", "world_pool_bytes", "entities_visible", "batches", "engine_pools"}
# What comes after what: the last of these to end is what enables it.
AFTER = {"spin": {"churn"}, "begin_render": {"churn"}, "step_physics": {"drive"}, "move_vehicles": {"step_physics"},
         "sync_transforms": {"spin", "move_vehicles"}, "cull_cpu": {"begin_render", "sync_transforms"},
         "cull_gpu": {"begin_render", "sync_transforms"}, "update_lods": {"cull_cpu"}, "build_batches": {"update_lods"},
         "extract_instances": {"build_batches"}, "end_render": {"extract_instances", "cull_gpu"}}
problems = []


def expect(what, holds, why=""):
    if not holds:
        problems.append("%s%s" % (what, ": %s" % (why,) if why != "" else ""))


def run(program, folder, *arguments, **environment):
    """Runs it in the folder; what it writes."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PERF_TRACE", "TRACE_FILE", "RUST_LOG"))}
    done = subprocess.run([BIN / program, "--frames", str(FRAMES), "--threads", "2", *arguments], cwd=folder, env={**clean, **environment},
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True)
    return done


def values(text):
    return dict(pair.split("=", 1) for pair in text.split("|") if pair)


def calls_of(trace):
    table = subprocess.run([PERFTRACE, "convert", "--to", "csv", "--output", "-", trace], stdout=subprocess.PIPE, text=True, check=True)
    calls = list(csv.DictReader(io.StringIO(table.stdout)))
    for call in calls:
        call["values"] = {**values(call["parameters"]), **values(call["metrics"])}
        call["begin"], call["end"] = int(call["start_ns"]), int(call["start_ns"]) + int(call["elapsed_ns"])
    return calls


def positive(value):
    return value is not None and (not value.lstrip("-").isdigit() or int(value) > 0)


def check_systems(name, calls, lists):
    found = collections.defaultdict(list)
    for call in calls:
        found[call["target"], call["function"]].append(call["values"])
    for listed in lists:
        for target, systems in listed.items():
            for function, key in systems.items():
                those = found.get((target, function), [])
                expect("%s: %s of %s" % (name, function, target), those, "not in the trace")
                if those and key is not None:
                    expect("%s: %s has %s" % (name, function, key), any(positive(one.get(key)) for one in those), those[0])
    known = {target for listed in lists for target in listed}
    expect("%s: targets" % name, {target for target, _ in found} == known, {target for target, _ in found})


def total(calls, function, key):
    return sum(int(call["values"][key]) for call in calls if call["function"] == function)


def check_counts(name, calls, gpu):
    """What one system has found is what the next one gets."""
    visible = total(calls, "cull_cpu", "visible")
    expect("%s: something is seen" % name, visible > 0)
    expect("%s: update_lods gets what cull_cpu sees" % name, total(calls, "update_lods", "entities") == visible)
    expect("%s: batches hold it" % name, total(calls, "build_batches", "entities") == visible)
    expect("%s: extract_instances gets it" % name, total(calls, "extract_instances", "entities") == visible)
    expect("%s: all that was spawned is looked at" % name,
           total(calls, "cull_cpu", "entities") == total(calls, "sync_transforms", "entities") > 0)
    if gpu:
        expect("%s: the GPU sees the same" % name, total(calls, "cull_gpu", "visible") == visible)


def check_gpu_track(name, calls):
    """The device's clock is aligned: what it did lies within the call that asked for it, in order."""
    asked = sorted((call for call in calls if call["function"] == "cull_gpu"), key=lambda call: call["begin"])
    for function in ("gpu_upload", "gpu_cull", "gpu_read_back"):
        done = sorted((call for call in calls if call["function"] == function), key=lambda call: call["begin"])
        expect("%s: %s once a frame" % (name, function), len(done) == len(asked) == FRAMES, len(done))
        for one, by in zip(done, asked):
            expect("%s: %s on its own track" % (name, function), one["thread_name"] == "GPU queue", one["thread_name"])
            expect("%s: %s within cull_gpu" % (name, function), by["begin"] <= one["begin"] <= one["end"] <= by["end"],
                   (by["begin"], one["begin"], one["end"], by["end"]))


def check_events(name, calls, path):
    """Counters, frames, and the arrows from the job that enables to the job enabled."""
    events = json.loads(path.read_text())["traceEvents"]
    expect("%s: counters" % name, COUNTERS <= {event["name"] for event in events if event["ph"] == "C"})
    jobs = sorted((call for call in calls if call["function"] == "execute_job"), key=lambda call: call["begin"])
    arrows, edges = {}, set()

    def job_at(event):
        at = event["ts"] * 1000
        around = [job for job in jobs if int(job["thread"]) == threads[event["tid"]] and job["begin"] - 2 <= at <= job["end"] + 2]
        return around[0]["values"]["system"] if around else None

    names = {event["tid"]: event["args"]["name"] for event in events if event["ph"] == "M" and event["name"] == "thread_name"}
    numbers = {call["thread_name"]: int(call["thread"]) for call in calls}
    threads = {tid: numbers.get(thread) for tid, thread in names.items()}
    for event in events:
        if event["ph"] == "s":
            arrows[event["id"]] = event
        elif event["ph"] == "f":
            begin = arrows.pop(event["id"], None)
            expect("%s: an arrow begins before it ends" % name, begin is not None and begin["ts"] <= event["ts"])
            edges.add((job_at(begin), job_at(event)))
    expect("%s: all arrows end" % name, not arrows, len(arrows))
    expect("%s: arrows lead from what enables" % name, all(before in AFTER.get(after, ()) for before, after in edges), edges)
    systems = {job["values"]["system"] for job in jobs}
    expect("%s: to all that wait for something" % name,
           {after for _, after in edges} == {after for after in systems if AFTER.get(after, set()) & systems}, edges)
    info = json.loads(subprocess.run([PERFTRACE, "info", "--format", "json", path.with_suffix(".ptrace")], stdout=subprocess.PIPE,
                                     check=True).stdout)
    expect("%s: frames" % name, info["contents"].get("frame") == FRAMES, info["contents"])
    expect("%s: nothing lost" % name, not any(info.get("lost", {}).values()), info.get("lost"))


def simulation(done):
    return [line for line in done.stdout.splitlines() if line.startswith(("simulation:", "  in all:", "traffic:"))]


def check_program(name, folder):
    size, own = PROGRAMS[name]
    path = folder / ("%s.json" % name)
    traced = run(name, folder, *size, TRACE_FILE=str(path))
    gpu = "gpu culling:" in traced.stdout
    expect("%s: GPU culling, or why there is none" % name, gpu or "no GPU culling:" in traced.stderr, traced.stderr)
    expect("%s: the GPU never differs" % name, not gpu or "differed: 0" in traced.stdout, traced.stdout)
    calls = calls_of(path.with_suffix(".ptrace"))
    check_systems(name, calls, [BOTH, own] + [GPU] * gpu)
    check_counts(name, calls, gpu)
    check_events(name, calls, path)
    if gpu:
        check_gpu_track(name, calls)

    # The same comes out, however it is traced and divided.
    told = simulation(traced)
    expect("%s: it says what came out" % name, told != [] and "checksum" in told[0], traced.stdout)
    off = run(name, folder, *size, TRACE_FILE=str(folder / "off.json"), PERF_TRACE_FILTER="off")
    expect("%s: the same with all switched off" % name, simulation(off) == told, (simulation(off), told))
    expect("%s: nothing is recorded then" % name, calls_of(folder / "off.ptrace") == [])
    bare = run(name + "_untraced", folder, *size, "--cull", "cpu")
    expect("%s: the same without tracing" % name, simulation(bare) == told, (simulation(bare), told))
    for arguments in (["--threads", "1"], ["--threads", "5", "--cull", "scalar"]):
        other = run(name + "_untraced", folder, *size, *arguments)
        expect("%s: the same with %s" % (name, arguments), simulation(other) == told, (simulation(other), told))
    expect("%s: --frames is heeded" % name, "(%d frames)" % FRAMES in traced.stdout and "p99 " in traced.stdout, traced.stdout)

    # On a screen of 24 lines of 120 letters.
    lines = traced.stdout.splitlines() + traced.stderr.splitlines()
    expect("%s: what it says fits on a screen" % name, len(lines) <= 24 and all(len(line) <= 120 for line in lines), lines)
    console = run(name, folder, *size, "--cull", "cpu", "--frames", "1", "--threads", "1", TRACE_FILE=str(folder / "console.json"),
                  PERF_TRACE_CONSOLE="1", PERF_TRACE_FILTER="amp_render=info,off").stderr.splitlines()
    expect("%s: the renderer's lines of a frame do" % name, 5 <= len(console) <= 24 and all(len(line) <= 120 for line in console), console)

    filters(name, folder, size)


def filters(name, folder, size):
    """What a filter leaves, by target and level."""
    def left(directives):
        run(name, folder, *size, "--cull", "cpu", TRACE_FILE=str(folder / "filtered.json"), PERF_TRACE_FILTER=directives)
        return calls_of(folder / "filtered.ptrace")

    debug, info = left("amp_render=debug,off"), left("amp_render=info,off")
    expect("%s: only the renderer's" % name, {call["target"] for call in debug} == {"amp_render"})
    expect("%s: its details at debug" % name, any(call["function"].startswith("cull_s") for call in debug))
    expect("%s: not at info" % name, info != [] and not any(call["function"].startswith("cull_s") for call in info))
    two = left("gameplay_factory,amp_engine[run_schedule]=info,off")
    expect("%s: a target, and a span" % name, {(call["target"], call["function"]) for call in two if call["target"] != "gameplay_factory"} ==
           {("amp_engine", "run_schedule")} and any(call["target"] == "gameplay_factory" for call in two))


def check_budget(folder):
    """The engine's own budget: each promise is about something that its traces hold, or says why it can't be."""
    trace, budget = folder / "budget.ptrace", pathlib.Path(os.environ["PERFTRACE_SOURCE"]) / "examples" / "engine" / "budget.txt"
    run("perf_100k", folder, "--entities", "2000", "--cull", "cpu", "--frames", "130", TRACE_FILE=str(folder / "budget.json"))
    done = subprocess.run([PERFTRACE, "check", "--format", "json", "--budget", budget, trace], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True)
    expect("budget: no mistake in it", done.returncode in (1, 3) and done.stderr == "", (done.returncode, done.stderr))
    findings = {one["name"].split(" <=")[0]: one for one in json.loads(done.stdout or '{"findings": []}')["findings"]}
    gpu = findings.pop("gpu_cull p99 per frame", {})
    expect("budget: without a GPU nothing is said of it, but why", gpu.get("verdict") == "inconclusive" and
           gpu["message"] == "there is no GPU track here", gpu)
    samples = {name: one.get("samples") for name, one in findings.items()}
    expect("budget: samples of all others", samples == {"spawn_entities max": 134, "sync_transforms p99 per frame": 9,
                                                        "counter world_pool_bytes growth": 130, "memory engine_pools max": samples.get(
                                                            "memory engine_pools max")} and all(samples.values()), samples)
    for name in ("counter world_pool_bytes growth", "memory engine_pools max"):
        expect("budget: %s is kept" % name, findings.get(name, {}).get("verdict") == "pass", findings.get(name))


def check_words(folder):
    """Bad options and bad prefabs are told, with their place."""
    def refused(*arguments):
        done = subprocess.run([BIN / "perf_100k", "--cull", "cpu", *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, env={**os.environ, "PERF_TRACE_CHROME": "0", "TRACE_FILE": str(folder / "words.json")})
        return done.returncode, done.stderr.strip()

    bad = folder / "bad.prefabs"
    bad.write_text("mesh a\nprefab crate\n  node x\n    draw b\n")
    for arguments, code, text in (
            (["--prefabs", str(bad)], 1, "perf_100k: %s:4:10: there is no mesh 'b'" % bad),
            (["--prefabs", "nowhere"], 1, "perf_100k: nowhere: could not open: No such file or directory"),
            (["--frames", "0"], 2, "perf_100k: --frames takes a number from 1 to 1000000000 (see perf_100k --help)"),
            (["--frames"], 2, "perf_100k: --frames needs a value (see perf_100k --help)"),
            (["--vehicles", "3"], 2, "perf_100k: --vehicles is no option (see perf_100k --help)")):
        expect("perf_100k %s" % " ".join(arguments), refused(*arguments) == (code, text), refused(*arguments))


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name in PROGRAMS:
            if (BIN / name).exists():
                check_program(name, folder)
        check_budget(folder)
        check_words(folder)
    for problem in problems:
        print(problem)
    sys.exit(bool(problems))


main()
