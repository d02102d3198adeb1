"""Shows what the second reader has read of a trace as perftrace's command does: as CSV, and as the JSON of `perftrace info`.
How a value is written is not the trace format's affair, but that of the guide and the manual pages."""
import decimal
import functools
import json
import math
import re

from blocks import A_METRIC, ADDRESS, BOOLEAN, DOUBLE, PARAMETER, TEXT, values
from second_reader import Trace

COLUMNS = "call function target caller parent_call thread thread_name depth start_ns elapsed_ns self_ns unfinished parameters metrics".split()
LOSSES = "ring_full disk_full signal_re_entry record_too_big no_ring no_room_for_the_site".split()
TRACK_KINDS = {1: "thread", 2: "gpu", 3: "fiber", 4: "async"}
LEVELS = {1: "error", 2: "warn", 3: "info", 4: "debug", 5: "trace"}
CLOCKS = {1: "tick counter", 2: "clock_gettime"}


def double_text(value):
    """The fewest digits that read as the same number; with an exponent where it is very large or small."""
    if math.isnan(value):
        return "nan"
    if value == 0 or math.isinf(value):
        return ("-" if math.copysign(1, value) < 0 else "") + ("0" if value == 0 else "inf")
    sign, digits, exponent = decimal.Decimal(repr(value)).normalize().as_tuple()
    text = "".join(map(str, digits))
    first = len(digits) - 1 + exponent  # the first digit stands for 10 to this
    if first < -5 or first >= 17:
        text = text[0] + ("." + text[1:] if len(text) > 1 else "") + "e%+d" % first
    elif exponent >= 0:
        text += "0" * exponent
    else:
        text = text.rjust(1 - exponent, "0")
        text = text[:exponent] + "." + text[exponent:]
    return "-" * sign + text


def value_text(type, value):
    if type == DOUBLE:
        return double_text(value).encode()
    if type == BOOLEAN:
        return b"true" if value else b"false"
    if type == ADDRESS:
        return b"0x%x" % value
    if type == TEXT:
        return b"(null)" if value is None else value
    return b"%d" % value


def escaped(text):
    """As in log lines: what could be taken for something else is written \\x7c, and so is what is not UTF-8."""
    if not text.isalnum():
        text = re.sub(rb"[\x00-\x1f|\\\x7f]", lambda match: b"\\x%02x" % ord(match[0]), text)
        text = text.decode("utf-8", "backslashreplace").encode()
    return text


NAME_SHOWN_MAX = 1024


def shown(name):
    """A name as far as it is shown: up to so many bytes, not within a character."""
    if len(name) <= NAME_SHOWN_MAX:
        return name
    length = NAME_SHOWN_MAX
    while length > NAME_SHOWN_MAX - 4 and name[length] & 0xC0 == 0x80:
        length -= 1
    return name[:length]


def pairs(site, words, index, wanted):
    return [
        escaped(shown(name)) + b"=" + escaped(value_text(type, value))
        for type, role, name, value in values(site, words, index)
        if (role == A_METRIC) == (wanted == A_METRIC)
    ]


def parameters_and_metrics(call):
    lists = [], []
    if call.site.arguments:
        lists = pairs(call.site, call.words, call.index, PARAMETER), pairs(call.site, call.words, call.index, A_METRIC)
    for site, words, index in call.metrics.values():
        lists[1].extend(pairs(site, words, index, A_METRIC))
    return b"|".join(lists[0]), b"|".join(lists[1])


@functools.lru_cache(maxsize=4096)
def quoted_name(name):
    return quoted(shown(name))


@functools.lru_cache(maxsize=4096)
def quoted(text):
    return b'"' + text.replace(b'"', b'""') + b'"' if any(byte in text for byte in b'",\r\n') else text


def row(call, unfinished):
    parameters, metrics = parameters_and_metrics(call) if call.site.arguments or call.metrics else (b"", b"")
    site, track, parent = call.site, call.track, call.parent
    elapsed = call.end - call.begin
    return b"%d,%s,%s,%s,%d,%d,%s,%d,%d,%d,%d,%d,%s,%s\r\n" % (
        call.number, quoted_name(site.name), quoted_name(site.target), quoted_name(parent.site.name) if parent else b"unknown",
        parent.number if parent else 0, track.id, quoted_name(track.name), call.around, call.begin, elapsed,
        max(elapsed - call.within, 0), unfinished, quoted(parameters), quoted(metrics))  # fmt: skip


def text(name):
    """Each byte that is not UTF-8 as U+FFFD."""
    return re.sub("[\udc80-\udcff]", "\ufffd", name.decode("utf-8", "surrogateescape"))


def from_boot(field):
    """Whether a PROCESS block's boot id can be that of this system."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return not any(field) or bytes.fromhex(file.read().strip().replace("-", "")) == field
    except OSError:
        return True


def is_running(trace):
    """Whether the process that recorded it still runs."""
    try:
        with open("/proc/%d/stat" % trace.pid, "rb") as file:
            fields = file.read().rpartition(b")")[2].split()  # from the third field on
        return from_boot(trace.boot_id) and fields[0] not in b"XZ" and int(fields[19]) == trace.started
    except (OSError, AttributeError):
        return False


def facts(trace):
    calls = trace.calls
    first_ns = min(calls.first_ns, calls.last_ns)
    losses = [sum(causes) for causes in zip(trace.lost, *(track.lost for track in trace.tracks.values()))]
    return {
        "state": "finished" if trace.finished else "running" if is_running(trace) else "killed",
        "crash_safe": trace.crash_safe,
        "damaged": trace.damaged,
        "damaged_bytes": trace.damaged_bytes,
        "uuid": trace.uuid.hex(),
        "parent_uuid": trace.parent_uuid.hex(),
        "pid": trace.pid,
        "parent_pid": trace.parent_pid,
        "process": text(trace.process),
        "executable": text(trace.executable),
        "boot_id": trace.boot_id.hex(),
        "start_realtime_ns": trace.realtime_ns,
        "start_monotonic_ns": trace.monotonic_ns,
        "duration_ns": calls.last_ns - first_ns,
        "bytes": trace.bytes,
        "records": calls.records,
        "clock": {
            "source": CLOCKS.get(trace.clock_kind, "unknown"),
            "readings": trace.clock.count,
            "error_ns": trace.clock.error_max,
            "adjusted": calls.adjusted,
            "jumps": trace.clock.jumps,
        },
        "lost": dict(zip(LOSSES, (min(sum_, 2**64 - 1) for sum_ in losses))),
        "contents": {**calls.contents, "unfinished": calls.unfinished, "open_at_end": len(calls.at_end)},
        "tracks": [
            {
                "id": track.id,
                "kind": TRACK_KINDS[track.kind],
                "os_id": track.os_id,
                "name": text(track.name),
                "spans": track.spans,
                "other": track.others,
            }
            for track in trace.tracks.values()
        ],
        "open_spans": [
            {
                "number": call.number,
                "name": text(call.site.name),
                "track": call.track.id,
                "since_ns": max(call.begin - first_ns, 0),
                "elapsed_ns": call.end - call.begin,
                "parameters": text(parameters_and_metrics(call)[0]),
            }
            for call in sorted(calls.at_end, key=lambda call: call.number)
        ],
        "sites": [
            {
                "name": text(site.name),
                "target": text(site.target),
                "file": text(site.file),
                "line": site.line,
                "function": text(site.function),
                "level": LEVELS.get(site.level, "-"),
                "count": site.count,
            }
            for site in trace.sites.values()
        ],
    }


def exact(value):
    """With strings for the integers that a double can't hold."""
    if isinstance(value, dict):
        return {key: exact(member) for key, member in value.items()}
    if isinstance(value, list):
        return [exact(member) for member in value]
    return str(value) if isinstance(value, int) and abs(value) > 2**53 else value


def show(what, path, file):
    rows = [",".join(COLUMNS).encode() + b"\r\n"]
    trace = Trace(path, lambda call, unfinished: rows.append(row(call, unfinished)))
    if what == "csv":
        file.writelines(rows)
    else:
        file.write(json.dumps(exact(facts(trace)), indent=2, ensure_ascii=False).encode() + b"\n")
