"""Writes traces as docs/trace_format.md describes them, for the comparison of the two readers: blocks and records by hand, and
whole traces by chance (random_trace), with much in them that perftrace's recorder would seldom or never write."""
import random
import struct

from blocks import *  # the names of kinds


def padded(data):
    return data + bytes(-len(data) % 8)


def block(kind, payload):
    payload = padded(payload)
    parts = struct.pack("<HHIII", kind, 0, len(payload), 0, 0x4B4C4250) + payload
    checksum = crc32c(struct.unpack("<%dQ" % (len(parts) // 8), parts[:8] + bytes(4) + parts[12:]))
    return parts[:8] + struct.pack("<I", checksum) + parts[12:]


def with_checksum(header, covered, at):
    return header[:at] + struct.pack("<I", crc32c(struct.unpack("<%dQ" % (len(covered) // 8), covered))) + header[at + 4 :]


def header(uuid, pid=4711, realtime=0, first=64, checksum=True):
    bare = struct.pack("<8sII16sIIQ16x", b"\x89PTRACE\n", 1, first, uuid, 0, pid, realtime)
    return (with_checksum(bare, bare, 48) if checksum else bare) + bytes(first - 64)


def process(clock=1, mode=1, flags=0, name=b"made", path=b"/bin/made", pid=4711, realtime=0, started=0):
    fields = struct.pack("<16s16sQQQIIBBHHH", bytes(16), bytes(16), 0, realtime, started, pid, 1, clock, mode, flags, len(name), len(path))
    return block(PROCESS, fields + name + path)


def site(id, kind, name, target=b"made", arguments=(), level=3, phase=0, line=1, file=b"made.c", function=b"main"):
    """arguments: (type, role, name) each."""
    fields = struct.pack("<IIBBBB4HI", id, line, kind, level, phase, len(arguments), len(name), len(target), len(file), len(function), 0)
    for type, role, key in arguments:
        fields += struct.pack("<BBHHH", type, role, 0, len(key), 0)
    return block(SITE, fields + name + target + file + function + b"".join(key for _, _, key in arguments))


def track(id, kind=1, os_id=0, name=b""):
    return block(TRACK, struct.pack("<IIQH6x", id, kind, os_id, len(name)) + name)


def clock(ticks, ns, realtime=0, error=20):
    return block(CLOCK, struct.pack("<QQQII", ticks, ns, realtime, error, 0))


def chunk(track, sequence, first, base, records, lost=()):
    data = b"".join(records)
    lost = list(lost) + [0] * (8 - len(lost))
    return block(CHUNK, struct.pack("<IIIIQQ8Q", track, first, first + len(data), 0, sequence, base, *lost) + data)


def sync(tick):
    return block(SYNC, struct.pack("<QQ", tick, 0))


def loss(*lost):
    return block(LOSS, struct.pack("<8Q", *(list(lost) + [0] * (8 - len(lost)))))


def ring_path(path):
    return block(RING, struct.pack("<H6x", len(path)) + path)


def segment(state, track, sequence, base, records, drained=0, end=0xFFFFFFFF, lost=(), filled=0):
    lost = list(lost) + [0] * (8 - len(lost))
    fields = struct.pack("<IIQQII8QQ24x", state, track, sequence, base, drained, end, *lost, filled)
    return (fields + records).ljust(65536, b"\0")


def ring(uuid, metadata, segments, pid=4711, lost=(), begin=4096, version=1, readings=(), newest=0):
    """readings: (ticks, nanoseconds, error) each; newest: 1 or 2."""
    lost = list(lost) + [0] * (8 - len(lost))
    reserved = 65536
    fields = struct.pack("<8sII16sQQQQQ8Q", b"\x89PTRING\n", version, pid, uuid, begin, reserved, len(metadata), begin + reserved,
                         len(segments), *lost) + bytes(8)  # fmt: skip
    fields = with_checksum(fields, fields[:48] + fields[56:64], 136)[:140] + struct.pack("<I", newest)
    for ticks, ns, error in readings:
        fields += struct.pack("<QQQIIQ", ticks & ALL_ONES, ns, 0, error, 0, 0)
    return fields.ljust(begin, b"\0") + metadata.ljust(reserved, b"\0") + b"".join(segments)


def end(records):
    return block(FINISH, struct.pack("<QQ", records, ALL_ONES))


def record(kind, site, depth, ticks, *words):
    """Words are integers, or bytes: a text."""
    data = struct.pack("<Q", (ticks & 0xFFFFFFFF) << 32 | site << 12 | kind << 8 | depth & 255)
    for word in words:
        if isinstance(word, bytes):
            data += struct.pack("<Q", len(word)) + padded(word)
        else:
            data += struct.pack("<Q", word & ALL_ONES)
    return data


ABOUT_RINGS = 3  # of the odd blocks
DEAD = 4194305  # a process id that none can have

# ---- by chance --------------------------------------------------------------------------------------------------

NAMES = [b"load", b"store", b"a,b", b'quo"te', b"line\nbreak", b"\xff\xfe", b"", b"pipe|back\\slash", b"caf\xc3\xa9", b"=", b"x" * 30]


class Maker:
    """One trace. What is chosen depends on the seed alone."""

    def __init__(self, seed, strange=None):
        self.chance = random.Random(seed)
        self.parts, self.metadata = [], []
        self.records = 0
        pick = self.chance
        self.strange = pick.random() < 0.6 if strange is None else strange  # much that makes little sense
        self.clock_kind = pick.choice([1, 1, 1, 2])
        self.rate = 1.0 if self.clock_kind == 2 else pick.choice([0.4089, 1.0, 41.6667, 0.25, 900.0])  # ns a tick
        self.tick = self.start_tick = pick.choice([10**6, 2**40, 2**63 - 10**9]) if self.clock_kind == 1 else 10**9
        self.ns = self.start_ns = 10**9
        self.step = pick.choice([10, 10**3, 10**6, 10**8])
        self.drift = 1.0
        self.tracks = {}

    def odd(self, probability=0.1):
        return self.strange and self.chance.random() < probability

    def value(self, type):
        pick = self.chance
        if type == TEXT:
            return pick.choice(NAMES)
        if type == DOUBLE:
            value = pick.choice([0.1, 1e300, -1.5, 1e15, 123456.789, float("nan"), float("inf"), -0.0, pick.random()])
            return struct.unpack("<Q", struct.pack("<d", value))[0]
        if type == BOOLEAN:
            return pick.choice([0, 1, 7])
        return pick.choice([0, 1, 2**63, 2**64 - 1, 255, pick.getrandbits(64)])

    def make_sites(self):
        pick = self.chance
        self.sites, self.untold = [], []
        kinds = [BEGIN] * 6 + [EVENT, COUNTER, FRAME, METRIC, METRIC] + [ASYNC_BEGIN, ASYNC_END] * 2 + [
            FLOW, MEMORY, TRACK_SPAN, TRACK_SPAN, TRACK_EVENT, TRACK_COUNTER]  # fmt: skip
        for number, kind in enumerate(kinds):
            arguments = []
            role = 2 if kind in (METRIC, ASYNC_END) else 1
            if kind in (COUNTER, TRACK_COUNTER):
                arguments = [(pick.choice([1, 2, 3]), 2, b"value")]
            elif kind not in (FRAME, FLOW, MEMORY) and pick.random() < 0.5:
                arguments = [(pick.randint(1, 6), role, pick.choice(NAMES)) for _ in range(pick.randint(0, 12))]
            phase = {FLOW: pick.randint(1, 3), MEMORY: pick.choice([1, 3])}.get(kind, 0)
            id = number + 1 if not self.odd() else pick.randint(1, 1048575)
            target = pick.choice([b"made", b"other"])
            self.sites.append((id, kind, arguments))
            part = site(id, kind, pick.choice(NAMES), target, arguments, pick.randint(1, 5), phase)
            if self.odd(0.05):
                self.untold.append((id, kind, arguments))
            else:
                self.parts.append(part)
                self.metadata.append(part)

    def one_record(self, track):
        """As bytes; the state of the track is its depth of nesting."""
        pick = self.chance
        state = self.tracks[track]
        self.tick += int(pick.random() * self.step) + (pick.random() < 0.9)
        tick = self.tick if not self.odd(0.05) else self.tick - pick.randint(0, 10**6)
        data = b""
        if pick.random() < 0.02 or not 0 <= tick - state["base"] < 2**32:
            state["base"] = tick & ALL_ONES
            data = record(REBASE, 0, 0, 0, state["base"])
        ticks = tick - state["base"]
        id, kind, arguments = pick.choice(self.sites)
        stack = state["stack"]
        if kind == BEGIN and stack and pick.random() < (0.5 if len(stack) < state["deep"] else 0.9):
            id, depth = stack.pop() if not self.odd(0.1) else pick.choice(stack)
            if self.odd(0.05):
                depth += pick.randint(-3, 300)
            data += record(END, id, depth, ticks)
        else:
            depth = len(stack)
            if self.odd(0.05):
                depth = pick.randint(0, 300)
            if kind == METRIC:
                depth -= 1
            if kind == BEGIN:
                stack.append((id, depth))
                if self.odd(0.05):  # lost
                    return data
            words = [self.value(type) for type, _, _ in arguments]
            an_id = pick.choice([1, 2, 3, 2**63 + 1, 2**63 + 2])
            now = self.now_ns()
            about = pick.choice(list(self.tracks)) if not self.odd(0.05) else 77
            begin = now - pick.randint(0, 20) * 100
            before = {
                ASYNC_BEGIN: [an_id], ASYNC_END: [an_id], FLOW: [an_id], MEMORY: [4096, 64],
                TRACK_SPAN: [about, begin, begin + pick.randint(-1 if self.odd() else 0, 10) * 100], TRACK_EVENT: [about, begin],
                TRACK_COUNTER: [about, begin],
            }  # fmt: skip
            data += record(kind, id, depth, ticks, *before.get(kind, []), *words)
        self.records += 1
        if self.odd(0.02):
            data += record(EXTENDED, 2, 0, 0, 5, 6)
        return data

    def now_ns(self):
        return int(self.start_ns + (self.tick - self.start_tick) * self.rate * self.drift)

    def make_chunk(self, track):
        pick = self.chance
        state = self.tracks[track]
        latest = self.tick
        if pick.random() < 0.5:  # at the same time as the chunk before
            self.tick = max(state["tick"], self.earliest)
        self.earliest = self.tick
        records, base = [], state["base"]
        for _ in range(pick.randint(1, 40)):
            records.append(self.one_record(track))
        if self.odd(0.03):
            records.append(record(pick.choice([BEGIN, EVENT, 0, 15]), 1048575, 0, 0))
        data = b"".join(records)
        state["tick"], self.tick = self.tick, max(self.tick, latest)
        first = state["first"]
        state["lost"] += self.odd()
        part = chunk(track, state["sequence"], first, base, [data], [state["lost"], 0, 1])
        before_first, before_base, before_data = state["before"] or (first, base, b"")
        if self.odd(0.1):  # with what has been told already before it
            part = chunk(track, state["sequence"], before_first, before_base, [before_data, data], [state["lost"], 0, 1])
        state["before"] = before_first, before_base, before_data + data
        state["first"] += len(data)
        self.parts.append(part)
        if self.odd():
            self.parts.append(part)
        if self.odd() and state["old"]:
            self.parts.append(pick.choice(state["old"]))
        state["old"].append(part)
        state["segment"] += data
        if pick.random() < 0.2 or len(state["segment"]) > 30000:
            state["sequence"] += 1 + self.odd()
            state["segment"] = bytes(8 * self.odd())
            state["first"] = len(state["segment"])
            state["before"] = None
            state["base"] = state["segment_base"] = self.tick & ALL_ONES

    def make_clock(self):
        pick = self.chance
        if self.odd(0.3):
            self.drift *= pick.choice([0.999, 1.001, 0.5, 2.0, 3.0, 1.0])
        ticks, ns = self.tick, self.now_ns()
        if self.odd():
            ticks, ns = pick.choice([(ticks, ns - 10**9), (ticks - 10**6, ns), (ticks + 1, ns + 10**12), (ticks, ns + 10**9)])
        self.parts.append(clock(ticks & ALL_ONES, ns % 2**64, error=pick.randint(0, 100)))

    def odd_block(self):
        """Intact, and of little sense."""
        pick = self.chance
        odd_blocks = self.all_odd_blocks()
        return pick.choice(odd_blocks[: -ABOUT_RINGS] if self.has_ring else odd_blocks)()

    def all_odd_blocks(self):
        pick = self.chance
        id, kind, arguments = pick.choice([site for site in self.sites if site not in self.untold])
        about = pick.choice(list(self.tracks))
        word = record(EVENT, 1, 0, 0)
        return [
            lambda: site(id, kind, b"again", b"made", arguments),
            lambda: site(id, pick.choice([BEGIN, EVENT]), b"other", b"made"),
            lambda: site(pick.choice([0, 1048576, 500]), EVENT, b"out of range"),
            lambda: site(501, pick.choice([0, 2, 14, 15, 16]), b"kind"),
            lambda: site(502, EVENT, b"argument", arguments=[(pick.choice([0, 7]), 1, b"a")]),
            lambda: site(503, EVENT, b"role", arguments=[(1, pick.choice([0, 3]), b"a")]),
            lambda: site(504, EVENT, b"many", arguments=[(1, 1, b"a")] * 13),
            lambda: site(505, EVENT, b"level", level=pick.choice([0, 6, 255])),
            lambda: site(506, FLOW, b"phase", phase=pick.choice([0, 4])),
            lambda: site(507, MEMORY, b"phase", phase=pick.choice([0, 2, 4])),
            lambda: site(508, COUNTER, b"no value"),
            lambda: site(509, COUNTER, b"a text", arguments=[(TEXT, 2, b"value")]),
            lambda: site(510, EVENT, b"phase", phase=1),
            lambda: block(SITE, struct.pack("<IIBBBB4HI", 511, 1, EVENT, 3, 0, 0, 9000, 0, 0, 0, 0) + b"name"),
            lambda: block(SITE, bytes(16)),
            lambda: block(pick.choice([SITE, TRACK, CLOCK, CHUNK, SYNC, LOSS, PROCESS, MODULE, FINISH]), b""),
            lambda: block(pick.choice([TRACK, LOSS, CLOCK, SYNC, CHUNK]), bytes(8)),
            lambda: track(0, 1, 1, b"zero"),
            lambda: track(600, pick.choice([0, 5, 1000]), 1, b"kind"),
            lambda: block(TRACK, struct.pack("<IIQH6x", 601, 1, 0, 9000)),
            lambda: block(TRACK, struct.pack("<IIQH6x", 602, 1, 0, 4) + b"name" + bytes(100)),
            lambda: clock(self.tick & ALL_ONES, self.now_ns() % 2**63, error=10**9),
            lambda: process(self.clock_kind, mode=2, name=b"renamed", pid=DEAD + pick.randint(0, 1)),
            lambda: process(pick.choice([0, 1, 2, 3]), mode=pick.choice([0, 1, 2, 3]), name=b"clock"),
            lambda: chunk(99, 0, 0, self.tick & ALL_ONES, [word]),
            lambda: chunk(0, 0, 0, self.tick & ALL_ONES, [word]),
            lambda: chunk(about, 2**64 - 1 if pick.random() < 0.1 else 0, 0, self.tick & ALL_ONES, [word]),
            lambda: block(CHUNK, struct.pack("<IIIIQQ8Q", about, 8, 0, 0, 9999, self.tick & ALL_ONES, *[0] * 8)),
            lambda: block(CHUNK, struct.pack("<IIIIQQ8Q", about, 0, 24, 0, 9999, self.tick & ALL_ONES, *[0] * 8) + bytes(8)),
            lambda: block(CHUNK, struct.pack("<IIIIQQ8Q", about, 0, 8, 0, 9999, self.tick & ALL_ONES, *[0] * 8) + word + bytes(8)),
            lambda: block(CHUNK, struct.pack("<IIIIQQ8Q", about, 4, 12, 0, 9999, self.tick & ALL_ONES, *[0] * 8) + word),
            lambda: chunk(about, self.tracks[about]["sequence"], self.tracks[about]["first"], self.tick & ALL_ONES, []),
            lambda: block(0, bytes(8)),
            lambda: end(7),
            lambda: sync(ALL_ONES),
            lambda: sync(0),
            lambda: loss(2**63, 2**63),
            lambda: bytes(pick.randint(1, 40)),
            lambda: b"PBLK" * pick.randint(1, 9),
            lambda: block(RING, struct.pack("<H6x", 9000)),
            lambda: ring_path(b"/nowhere/" + bytes([pick.randint(0, 255)])),
            lambda: process(self.clock_kind, flags=1, pid=DEAD),
        ]  # fmt: skip

    def make_ring(self, uuid):
        """What the recorder had not yet written when it was killed."""
        pick = self.chance
        metadata, segments = list(self.metadata), []
        pick.shuffle(metadata)
        if self.odd():
            metadata += [track(max(self.tracks), 1, 4711, b"renamed"), site(9999, EVENT, b"new"), self.odd_block()]
        for id, state in self.tracks.items():
            for _ in range(pick.randint(0, 3)):
                data, base, drained = state["segment"], state["segment_base"], state["first"]
                if self.odd():
                    drained = pick.choice([0, drained // 16 * 8, drained + 8])
                for _ in range(pick.randint(0, 20)):
                    data += self.one_record(id)
                if self.odd():
                    data += record(pick.choice([BEGIN, EVENT, 0, 15]), 1048575, 0, 0)
                state["lost"] += self.odd()
                kind = pick.choice([1, 2, 2]) if not self.odd() else pick.choice([0, 3, 4])
                end = pick.choice([len(data), 0xFFFFFFFF])
                segments.append(segment(kind, id if not self.odd() else 78, state["sequence"], base, data, drained, end, [state["lost"]]))
                state["sequence"] += 1 + self.odd()
                state["segment"], state["first"] = b"", 0
                state["base"] = state["segment_base"] = self.tick & ALL_ONES
        pick.shuffle(segments)
        later = self.tick + pick.choice([-(10**6), 0, 10**6, 10**9])
        readings = [(self.tick, self.now_ns(), 20), (later, int(self.start_ns + (later - self.start_tick) * self.rate * self.drift), 20)]
        self.ring = ring(uuid, b"".join(metadata), segments, DEAD, [0, pick.random() < 0.1, pick.randint(0, 5)],
                         readings=readings, newest=pick.randint(0, 2))  # fmt: skip

    def make(self, ring_name=None):
        pick = self.chance
        self.has_ring = ring_name is not None
        uuid = bytes(pick.getrandbits(8) for _ in range(16))
        self.parts = [header(uuid, first=pick.choice([64, 64, 72, 4096]), checksum=pick.random() < 0.8), process(self.clock_kind, pid=DEAD)]
        if ring_name is not None:
            self.parts.append(ring_path(ring_name.encode()))
        self.make_sites()
        for _ in range(pick.randint(1, 5)):
            id = pick.choice([1, 2, 3, 4, 5, 1000, 2**32 - 1])
            self.tracks[id] = {"base": self.tick, "stack": [], "deep": pick.choice([3, 10, 400]), "first": 0, "sequence": 0, "old": [],
                               "lost": 0, "segment": b"", "segment_base": self.tick, "tick": self.tick, "before": None}  # fmt: skip
            self.parts.append(track(id, pick.randint(1, 4), 4711, pick.choice(NAMES)))
        self.parts.append(clock(self.tick, self.ns))
        self.tick += 1000000
        self.earliest = self.tick
        self.make_clock()
        for _ in range(pick.randint(0, 60)):
            what = pick.random()
            if self.odd(0.2):
                self.parts.append(self.odd_block())
            if what < 0.75:
                self.make_chunk(pick.choice(list(self.tracks)))
            elif what < 0.85:
                self.parts.append(sync(self.tick - pick.choice([0, 1, self.step, 10 * self.step]) & ALL_ONES))
                self.earliest = self.tick
            elif what < 0.95:
                self.make_clock()
            elif what < 0.97:
                self.parts.append(loss(0, 0, 0, 0, 1, pick.randint(0, 9)))
            elif self.odd(0.5):
                self.parts.append(track(pick.choice(list(self.tracks)), 1, 4711, pick.choice(NAMES)))
        ending = pick.random()
        if ring_name is not None:
            self.make_ring(uuid)
        elif ending < 0.6:
            self.parts.append(end(self.records))
        elif ending < 0.8:
            self.parts.append(sync(ALL_ONES))
        return b"".join(self.parts)


def random_trace(seed, strange=None, ring_name=None):
    """As bytes; with the name that its ring file will have, the pair of trace and rings."""
    maker = Maker(seed, strange)
    trace = maker.make(ring_name)
    return trace if ring_name is None else (trace, maker.ring)
