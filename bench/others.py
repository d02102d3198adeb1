"""LTTng-UST and uftrace, measured as perftrace is, where they are installed."""

import contextlib
import os
import re
import shutil
import subprocess
import time

from machine import Machine, Unmeasurable
from report import Row, not_measured, row_of

SLICES = 41
NOBODY = 65534
LTTNG_CASES = [
    ("span", "span", 1), ("span, two threads", "span", 2), ("span with two integers", "integers", 1),
    ("span with a 16-byte string", "text", 1), ("event", "event", 1),
]


def _bytes_under(folder: str, ending: str = "") -> int:
    return sum(os.path.getsize(os.path.join(where, name))
               for where, _, names in os.walk(folder) for name in names if name.endswith(ending))


# ---- LTTng-UST --------------------------------------------------------------------------------------------------

class Lttng:
    """A session daemon of our own. Root's would be the machine's (its sockets lie in /var/run), so root measures as
    nobody."""

    def __init__(self, machine: Machine):
        self.machine = machine
        self.home = machine.path("lttng")
        os.mkdir(self.home)
        self.program = shutil.copy(machine.program("bench_lttng_loop"), self.home)
        self.options = {"env": {**machine.environment, "LTTNG_HOME": self.home, "HOME": self.home}, "cwd": self.home}
        if os.geteuid() == 0:
            os.chmod(machine.scratch, 0o755)
            os.chown(self.home, NOBODY, NOBODY)
            self.options.update(user=NOBODY, group=NOBODY, extra_groups=[])
        self.daemon = None

    def start(self):
        try:
            self.daemon = subprocess.Popen(["lttng-sessiond", "--no-kernel", "--quiet"], stdout=subprocess.DEVNULL,
                                           stderr=subprocess.DEVNULL, **self.options)
        except FileNotFoundError:
            raise Unmeasurable("lttng-tools: not installed") from None
        for _ in range(100):
            if os.path.exists(os.path.join(self.home, ".lttng/client-lttng-sessiond")):
                return
            if self.daemon.poll() is not None:
                break
            time.sleep(0.05)
        raise Unmeasurable("its session daemon did not start")

    def stop(self):
        if self.daemon is not None:
            self.daemon.terminate()
            try:
                self.daemon.wait(20)
            except subprocess.TimeoutExpired:
                self.daemon.kill()

    def command(self, *words: str) -> str:
        return self.machine.run(["lttng", "--no-sessiond", *words], **self.options)

    def loop(self, case: str, threads: int) -> dict:
        # Once only: a second run would be in the same trace.
        return self.machine.measure([self.program, "-c", case, "-t", str(threads), "-r", str(SLICES)], again=0,
                                    **self.options)

    def session(self, what: str, case: str, threads: int) -> Row:
        trace = os.path.join(self.home, "trace")
        self.command("create", "bench", "--output=" + trace)
        try:
            self.command("enable-event", "--userspace", "perftrace_bench:*")
            self.command("start")
            measured = self.loop(case, threads)
            self.command("stop")
            lost = sum(int(number) for number in re.findall(r"Discarded events: (\d+)", self.command("list", "bench")))
        finally:
            self.command("destroy", "bench")
        written = _bytes_under(trace)
        shutil.rmtree(trace, ignore_errors=True)
        note = f"lost {lost}" if lost > 0 else "" if written > measured["passes"] else "recorded nothing"
        return row_of(measured, what=what, lost=lost, bytes=written / measured["passes"], note=note)


def lttng_rows(machine: Machine) -> list[Row]:
    rows = []
    try:
        lttng = Lttng(machine)
    except Unmeasurable:
        return [not_measured("LTTng-UST", "not installed (liblttng-ust-dev)")]
    try:
        rows.append(row_of(lttng.loop("span", 1), what="LTTng-UST: span, switched off"))
        lttng.start()
        for what, case, threads in LTTNG_CASES:
            if threads <= machine.processors:
                rows.insert(len(rows) - 1, lttng.session("LTTng-UST: " + what, case, threads))
    except Unmeasurable as why:
        rows.append(not_measured("LTTng-UST", str(why)))
    finally:
        lttng.stop()
    return rows


# ---- uftrace ----------------------------------------------------------------------------------------------------

def _uftrace_row(machine: Machine, threads: int) -> Row:
    folder = machine.path("uftrace")
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)
    measured = machine.measure(["uftrace", "record", "--no-libcall", "--no-pager", "-d", folder,
                                machine.program("bench_uftrace_loop"), "-t", str(threads), "-r", str(SLICES)], again=0)
    written = _bytes_under(folder, ".dat")
    note = ""
    if written < 32 * measured["passes"]:  # an entry and an exit of 16 bytes each
        note = f"lost {100 - 100 * written / (32 * measured['passes']):.1f} %"
    what = "uftrace: call of a function" + (", two threads" if threads == 2 else "")
    return row_of(measured, what=what, bytes=written / measured["passes"], lost=None if note else 0, note=note)


def uftrace_rows(machine: Machine) -> list[Row]:
    if shutil.which("uftrace") is None:
        return [not_measured("uftrace", "not installed")]
    try:
        rows = [_uftrace_row(machine, threads) for threads in (1, 2) if threads <= machine.processors]
        off = machine.measure([machine.program("bench_uftrace_loop"), "-r", str(SLICES)])
        return [*rows, row_of(off, what="uftrace: call of a function, not recorded")]
    except Unmeasurable as why:
        return [not_measured("uftrace", str(why))]


def rows(machine: Machine) -> list[Row]:
    return lttng_rows(machine) + uftrace_rows(machine)
