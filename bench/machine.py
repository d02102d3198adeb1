"""The machine that measures: starting the programs, a place for traces, and what else is going on meanwhile."""

import json
import os
import resource
import shutil
import statistics
import subprocess
import tempfile
import time

TIMEOUT_S = 120
BUSY = 0.15  # of a processor: above this other programs may have decided a verdict


class Unmeasurable(Exception):
    """Says why, in a few words for the table."""


def _busy_s() -> float:
    """Processor seconds that anything has used, stolen ones included."""
    with open("/proc/stat", encoding="ascii") as file:
        fields = [int(field) for field in file.readline().split()[1:]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields[:8]
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _own_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


class Meanwhile:
    """How many processors other programs used between `with` and its end."""

    def __enter__(self):
        self.start = time.monotonic(), _busy_s(), _own_s()
        self.others = 0.0
        return self

    def __exit__(self, *_):
        elapsed = time.monotonic() - self.start[0]
        others = (_busy_s() - self.start[1]) - (_own_s() - self.start[2])
        # Shares are counted in hundredths of a second: less than ten of them say nothing.
        self.others = max(0.0, others) / max(elapsed, 0.1)


class Machine:
    def __init__(self, build: str):
        self.build = os.path.abspath(build)
        self.processors = len(os.sched_getaffinity(0))
        self.scratch = tempfile.mkdtemp(prefix="perftrace-bench-", dir=self._scratch_parent())
        self.floors: list[float] = []  # of all slices
        self.floors_of_runs: list[float] = []
        self.retries_until = time.monotonic() + 60
        self.environment = {key: value for key, value in os.environ.items()
                            if not key.startswith(("PERF_TRACE", "TRACE_FILE", "RUST_LOG"))}

    @staticmethod
    def _scratch_parent() -> str:
        usable = os.path.isdir("/dev/shm") and os.access("/dev/shm", os.W_OK)
        if usable and shutil.disk_usage("/dev/shm").free > 500e6:
            return "/dev/shm"
        return tempfile.gettempdir()

    def scratch_is_memory(self) -> bool:
        return self.scratch.startswith("/dev/shm/")

    def room_for(self) -> float:
        """Bytes that a trace may have: half of what is free, on the disk and in memory."""
        free = shutil.disk_usage(self.scratch).free
        with open("/proc/meminfo", encoding="ascii") as file:
            available = next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable"))
        return min(free, available) / 2 if self.scratch_is_memory() else free / 2

    def path(self, name: str) -> str:
        return os.path.join(self.scratch, name)

    def program(self, name: str) -> str:
        for folder in ("bench", "bin"):
            path = os.path.join(self.build, folder, name)
            if os.access(path, os.X_OK):
                return path
        raise Unmeasurable("not built")

    def run(self, arguments: list[str], **options) -> str:
        """What the program prints; Unmeasurable with the last line of its complaints when it fails."""
        options = {"env": self.environment, "timeout": TIMEOUT_S, **options}
        try:
            done = subprocess.run(arguments, capture_output=True, text=True, check=False, **options)
        except FileNotFoundError:
            raise Unmeasurable("not installed") from None
        except subprocess.TimeoutExpired:
            raise Unmeasurable(f"took more than {TIMEOUT_S} s") from None
        if done.returncode != 0:
            complaint = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            raise Unmeasurable(complaint[-1][:60])
        return done.stdout

    def measure(self, arguments: list[str], again: int = 2, **options) -> dict:
        """Runs a program that alternates with the floor; up to `again` times more when other programs were in the way.
        The quietest run counts, not the fastest."""
        best = None
        for _ in range(1 + again):
            with Meanwhile() as meanwhile:
                measured = json.loads(self.run(arguments, **options))
            measured["busy"] = meanwhile.others
            if best is None or measured["busy"] < best["busy"]:
                best = measured
            if meanwhile.others <= BUSY or time.monotonic() > self.retries_until:
                break
        self.floors += best["floor_ns"]
        self.floors_of_runs.append(statistics.median(best["floor_ns"]))
        return best

    def close(self):
        shutil.rmtree(self.scratch, ignore_errors=True)
