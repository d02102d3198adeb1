#!/usr/bin/env python3
"""Safe to leave on: what is created, what is believed of the environment, and what reaches a terminal or a JSON parser.

Compiles a program whose every text is hostile, runs it, and looks at the files and at the bytes of every command's output.
torture_safety.py [full] [CASE...]"""
import json, math, os, pwd, shutil, subprocess, sys, tempfile, time

SOURCE, BUILD, TOOL = (os.environ[name] for name in ("PERFTRACE_SOURCE", "PERFTRACE_BUILD", "PERFTRACE"))
# Escape sequences, a bell, a backspace, C1 controls, bidirectional and invisible characters, newlines, bytes that are no UTF-8,
# an overlong form, a surrogate, a line separator, what ends a script, and what a log's field must escape.
HOSTILE = (b"a\x1b[31m\x07\x08\r\n\x7f\xc2\x9b2J\xe2\x80\xae\xe2\x81\xa6\xe2\x80\x8f\xff\xc0\xaf\xed\xa0\x80\xe2\x80\xa8"
           b"\xef\xbb\xbf|=\\\"</script>\xf0\x9f\x98\x80z")
LITERAL = "".join("\\%03o" % byte for byte in HOSTILE)
# What a JSON parser makes of it: each byte that is no UTF-8 becomes U+FFFD.
READ = ("a\x1b[31m\x07\x08\r\n\x7f\x9b2J\u202e\u2066\u200f\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\u2028\ufeff"
        "|=\\\"</script>\U0001f600z")
PROGRAM = r'''
#define PERF_TARGET "HOSTILE"
#include <perftrace.h>
#include <math.h>
#include <stdlib.h>
static const char text[] = "HOSTILE";
int main(void) {
    struct perftrace_config config = PERFTRACE_CONFIG_DEFAULT;
    config.process_name = text;
    if (START && perftrace_init(&config) != 0)
        return 90;
    perftrace_thread_name(text);
    uint32_t track = perftrace_track_create(PERFTRACE_TRACK_KIND_GPU, text);
    perftrace_set_filter("HOSTILE=HOSTILE,trace");
    for (int i = 0; i < 3; i++) {
        PERF_SPAN("HOSTILE", "HOSTILE", text, "n", i);
        PERF_METRIC("HOSTILE", text);
        PERF_EVENT("HOSTILE", "HOSTILE", text);
        { PERF_SPAN_DYNAMIC(text, "HOSTILE", text); }
        PERF_COUNTER("HOSTILE", i);
        PERF_FRAME_NAMED("HOSTILE");
        PERF_SPAN_END(PERF_SPAN_BEGIN("HOSTILE", "HOSTILE", text), "HOSTILE", text);
        PERF_TRACK_SPAN(track, "HOSTILE", perftrace_now_ns(), perftrace_now_ns() + 10, "HOSTILE", text);
    }
    PERF_EVENT("numbers", "least", INT64_MIN, "most", UINT64_MAX, "odd", INT64_C(9007199254740993), "exact",
               INT64_C(9007199254740991), "nan", (double)NAN, "inf", (double)INFINITY, "neg", -(double)INFINITY,
               "tenth", 0.1, "tiny", 5e-324, "yes", (bool)true, "null", (const char *)0, "empty", "");
    if (getenv("HANG") != NULL)
        abort();
    return 0;
}
'''
NUMBERS = {"least": "-9223372036854775808", "most": "18446744073709551615", "odd": "9007199254740993",
           "exact": 9007199254740991, "nan": "NaN", "inf": "Infinity", "neg": "-Infinity", "tenth": 0.1,
           "tiny": 5e-324, "yes": True, "null": None, "empty": ""}
checks = failures = 0
left_out = ""


def check(fine, text):
    global checks, failures
    checks += 1
    if not fine:
        failures += 1
        if failures <= 10:
            print("    " + text)
    return fine


def run(*command, ok=(0,), **more):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, **more)
    check(done.returncode in ok, f"{command[:3]!r}: exit code {done.returncode}: {done.stderr[-300:]!r}")
    return done


def compile_program(starts=True):
    """Without a start of its own, PERF_TRACE_AUTO may start it."""
    with open("hostile.c", "w") as file:
        file.write(PROGRAM.replace("HOSTILE", LITERAL))
    os.makedirs("bin", exist_ok=True)
    run("cc", "-std=gnu11", "-w", "-DPERF_TRACE", f"-DSTART={starts:d}", "-I" + SOURCE + "/include", "hostile.c", BUILD + "/lib/libperftrace.a",
        "-pthread", "-lm", "-o", "bin/program")
    return os.path.abspath("bin/program")


def mode_of(path):
    return os.stat(path, follow_symlinks=False).st_mode & 0o7777


# ---- files ----


def files():
    program = compile_program()
    for umask in (0o000, 0o022, 0o777):
        for before in (False, True):
            os.mkdir(name := f"umask-{umask:o}-{before}", 0o755)
            paths = [f"{name}/trace.ptrace", f"{name}/trace.json"]
            for path in paths if before else []:
                open(path, "w").close()
                os.chmod(path, 0o666)
            rings = set(os.listdir("/dev/shm"))
            child = subprocess.Popen([program], cwd=name, umask=umask, env={"HANG": "1"}, stderr=subprocess.DEVNULL)
            child.wait()
            for path in paths + ["/dev/shm/" + ring for ring in set(os.listdir("/dev/shm")) - rings
                                 if ring.startswith(f"perftrace-{os.geteuid()}-{child.pid}-")]:
                check(os.path.exists(path) and mode_of(path) == 0o600, f"{path}: mode {mode_of(path):o}, umask {umask:o}")
            run(TOOL, "info", paths[0])
            check(mode_of(paths[0]) == 0o600, f"{paths[0]}: mode {mode_of(paths[0]):o} after folding")
            extra = set(os.listdir(name)) - {"trace.ptrace", "trace.json"}
            check(not extra, f"left behind: {extra}")


def links():
    program = compile_program()
    for which in ("trace.ptrace", "trace.json"):
        for target_is_there in (True, False):
            os.mkdir(name := f"link-{which}-{target_is_there}")
            target = os.path.abspath(name + "-target")
            if target_is_there:
                with open(target, "w") as file:
                    file.write("precious")
            os.symlink(target, f"{name}/{which}")
            run(program, cwd=name, ok=(0, 90))
            check(os.path.islink(f"{name}/{which}"), f"{which}: the link was replaced")
            if target_is_there:
                check(open(target).read() == "precious", f"{which}: what the link names was written to")
            else:
                check(not os.path.exists(target), f"{which}: what the link names was made")
        with open("precious", "w") as file:
            file.write("precious")
        os.mkdir(name := f"hard-link-{which}")
        os.link("precious", f"{name}/{which}")
        run(program, cwd=name, ok=(0, 90))
        check(open("precious").read() == "precious", f"{which}: what it is a hard link to was written to")
        os.unlink("precious")


def set_uid():
    global left_out
    if os.geteuid() != 0:
        left_out = "only root can make a set-uid program"
        return
    program, nobody = compile_program(), pwd.getpwnam("nobody")
    folder = tempfile.mkdtemp(dir="/tmp")
    try:
        os.chmod(folder, 0o777)
        shutil.copy(program, folder + "/program")
        shutil.copy(compile_program(starts=False), folder + "/startless")
        os.makedirs(folder + "/elsewhere", 0o777)
        os.chmod(folder + "/elsewhere", 0o777)
        environment = {"TRACE_FILE": folder + "/elsewhere/told.json", "PERF_TRACE_FILTER": "off", "RUST_LOG": "off",
                       "PERF_TRACE_LOG": "1", "PERF_TRACE_CONSOLE": "1", "PERF_TRACE_CHROME": "0"}
        for set_uid_bit in (False, True):
            if set_uid_bit and os.statvfs(folder).f_flag & os.ST_NOSUID:
                left_out = "/tmp is mounted nosuid"
                return
            def run_as_nobody(name, environment):
                os.chown(folder + "/" + name, 0, 0)
                os.chmod(folder + "/" + name, 0o4755 if set_uid_bit else 0o755)
                return subprocess.run([folder + "/" + name], cwd=folder, env=environment, capture_output=True, timeout=60,
                                      user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[])

            run_as_nobody("startless", {"PERF_TRACE_AUTO": "1"})
            check(os.path.exists(folder + "/trace.ptrace") != set_uid_bit, f"PERF_TRACE_AUTO, set-uid {set_uid_bit}")
            for path in ("trace.ptrace", "trace.json"):
                if os.path.exists(f"{folder}/{path}"):
                    os.unlink(f"{folder}/{path}")
            done = run_as_nobody("program", environment)
            told = os.listdir(folder + "/elsewhere")
            if set_uid_bit:
                check(not told, f"written where the environment says: {told}")
                check(b"PERF_TRACE|" not in done.stderr, "lines on stderr, as the environment says")
                check(os.path.exists(folder + "/trace.json"), "no Chrome file, as the environment says")
                info = json.loads(run(TOOL, "info", "--format=json", folder + "/trace.ptrace").stdout)
                check(b'"load' not in str(info).encode() and os.stat(folder + "/trace.ptrace").st_size > 1000,
                      "filtered, as the environment says")
            else:  # that it would have been heeded
                check("told.ptrace" in told, f"the environment was not heeded: {told}")
                for path in told:
                    os.unlink(folder + "/elsewhere/" + path)
    finally:
        shutil.rmtree(folder)


# ---- bytes ----


def is_clean(data):
    """What a terminal may be given: lines of UTF-8, without controls, bidirectional or invisible characters."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"not UTF-8: {error}"
    bad = [c for c in text if (c < " " and c not in "\n\t") or "\x7f" <= c <= "\x9f" or c in "\u2028\u2029\ufeff\u200e\u200f"
           or "\u202a" <= c <= "\u202e" or "\u2066" <= c <= "\u2069"]
    return f"{sorted(set(bad))}" if bad else ""


def check_clean(what, data):
    why = is_clean(data)
    check(why == "", f"{what}: {why}")


def terminals():
    program = compile_program()
    here = os.getcwd().encode()
    done = run(program, env={"PERF_TRACE_LOG": "1"})
    check(done.stderr.count(b"PERF_TRACE|") >= 9, "there are no log lines")
    check_clean("log lines", done.stderr)
    with open("program.log", "wb") as file:
        file.write(done.stderr)
    done = run(program, env={"PERF_TRACE_CONSOLE": "1", "PERF_TRACE_FILTER": os.fsdecode(HOSTILE) + "[=,trace"})
    check(len(done.stderr) > 500, "there are no console lines")
    check_clean("console lines and complaints", done.stderr)
    name = HOSTILE.replace(b"/", b"")
    hostile = here + b"/" + name + b".ptrace"
    shutil.copy(b"trace.ptrace", hostile)
    with open(b"broken" + name + b".ptrace", "wb") as file:
        file.write(open(hostile, "rb").read()[:600] + b"\x1b[31m" * 50)
    for trace in (b"trace.ptrace", hostile, b"broken" + name + b".ptrace", b"program.log", b"none" + name, here):
        for command in (["info"], ["info", "--sites"], ["analyze"], ["analyze", "--top=0"], ["convert", "--to=folded", "-o", "-"],
                        ["convert", "--to=" + os.fsdecode(name)], ["info", os.fsdecode(b"--" + name)], [os.fsdecode(name)]):
            done = run(TOOL, *command, trace, ok=range(4))
            what = f"{command} of {trace[:12]!r}"
            check_clean(what + ", standard output", done.stdout)
            check_clean(what + ", standard error", done.stderr)
    for path in (b"no" + name + b"/trace.json", name):
        done = run(program, env={b"TRACE_FILE": path}, ok=(0, 90))
        check_clean("the recorder's complaints", done.stderr)
    done = run(TOOL, "run", b"no-such-" + name, ok=range(1, 256))
    check_clean("run", done.stderr)
    done = run(TOOL, "convert", "-o", b"no" + name + b"/out.json", "trace.ptrace", ok=range(4))
    check_clean("convert into a folder that is not there", done.stderr)


def parsers(data, what):
    """The same by three parsers."""
    value = json.loads(data.decode("utf-8"))
    for parser, command in (("jq", ["jq", "-c", "."]),
                            ("node", ["node", "-e", "process.stdout.write(JSON.stringify(JSON.parse("
                                      "require('fs').readFileSync(0,'utf8'))))"])):
        if shutil.which(parser) is None:
            continue
        other = subprocess.run(command, input=data, capture_output=True, timeout=60)
        if check(other.returncode == 0, f"{what}: {parser} says {other.stderr[-200:]!r}"):
            check(same(value, json.loads(other.stdout.decode("utf-8"))), f"{what}: {parser} reads something else")
    return value


def same(one, other):
    if isinstance(one, dict):
        return isinstance(other, dict) and one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) or isinstance(other, float):  # jq prints 17 digits, and no number that small
        return math.isclose(one, other, rel_tol=1e-15, abs_tol=1e-300)
    return type(one) is type(other) and one == other


def integers_are_exact(value):
    if isinstance(value, dict):
        return all(map(integers_are_exact, value.values()))
    if isinstance(value, list):
        return all(map(integers_are_exact, value))
    return not isinstance(value, int) or abs(value) <= 2**53


def json_values():
    run(compile_program(), env={"PERF_TRACE_LOG": "1"})
    run(TOOL, "convert", "-o", "converted.json", "trace.ptrace")
    for path in ("trace.json", "converted.json"):
        data = open(path, "rb").read()
        events = parsers(data, path)["traceEvents"]
        numbers = [event for event in events if event["name"] == "numbers"]
        check(len(numbers) == 1, f"{path}: {len(numbers)} events of numbers")
        for event in numbers:
            for key, value in NUMBERS.items():
                got = event["args"].get(key, "missing")
                check(type(got) is type(value) and got == value, f"{path}: {key} is {got!r}")
        texts = [event for event in events if event["name"] == READ]
        check(len(texts) >= 12, f"{path}: {len(texts)} events have the hostile name")
        for event in texts:
            check(event.get("cat", READ) == READ, f"{path}: category {event.get('cat')!r}")
            for key, value in event.get("args", {}).items():
                check(not isinstance(value, str) or value == READ, f"{path}: {key!r} is {value!r}")
        names = [event["args"]["name"] for event in events if event["ph"] == "M" and event["name"].endswith("_name")]
        check(names.count(READ) >= 3, f"{path}: process and threads are named {names}")
    for command in (["info", "--format=json", "--sites"], ["analyze", "--format=json", "--top=0"]):
        value = parsers(run(TOOL, *command, "trace.ptrace").stdout, str(command))
        check(integers_are_exact(value), f"{command}: an integer beyond 2^53")
        check(json.dumps(READ) in json.dumps(value), f"{command}: the hostile name is not in it")


CASES = {"files are private": files, "links are not followed": links, "set-uid programs ignore the environment": set_uid,
         "nothing raw on a terminal": terminals, "JSON for three parsers": json_values}


def main():
    global checks, failures, left_out
    passed = failed = 0
    wanted = [word for word in sys.argv[1:] if word != "full"]
    start = os.getcwd()
    for name, case in CASES.items():
        if wanted and name not in wanted:
            continue
        checks = failures = 0
        left_out, begun, folder = "", time.monotonic(), tempfile.mkdtemp(dir=start, prefix="torture-")
        os.chmod(folder, 0o755)
        os.chdir(folder)
        case()
        os.chdir(start)
        fine = failures == 0 and (checks > 0 or left_out)
        if fine:
            shutil.rmtree(folder)
        print(f"{'ok' if fine and checks else 'skipped' if fine else 'FAILED':8}{name}: {checks} checks, {failures} failed, "
              f"{time.monotonic() - begun:.1f} s{'; left out: ' + left_out if left_out else ''}")
        passed, failed = passed + bool(fine), failed + (not fine)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
