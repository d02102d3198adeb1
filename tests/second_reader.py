#!/usr/bin/env python3
"""A second reader of traces, written from docs/trace_format.md alone to show that this document is enough. It is to be
read beside it: the parts stand in the document's order, and what is said there is not repeated here.

    second_reader.py csv TRACE      the calls, in the form of `perftrace convert --to csv`
    second_reader.py info TRACE     everything else, in the form of `perftrace info --format json --sites`

It changes nothing: what a killed program left in its ring file is read where it lies, and not folded into the trace. It is for
traces of programs that have ended.
"""
import bisect
import itertools
import os
import struct
import sys

ALL_ONES = 2**64 - 1


class Damage(Exception):
    """Something that makes no sense: it is passed over, together with what depends on it."""


# ---- 1. The file, 2. Blocks -------------------------------------------------------------------------------------

PROCESS, MODULE, SITE, TRACK, CLOCK, CHUNK, SYNC, LOSS, RING, FINISH = range(1, 11)  # FINISH: END, which is a record too
MARKER = b"PBLK"
HEADER_BYTES, PAYLOAD_BYTES_MAX = 16, 67108864
CAUSES = 8
INCOMPLETE = "incomplete"


def crc_table(bits_that_follow):
    """What each value of 16 bits does to the checksum when so many more bits follow it."""
    table = [0]
    for bit in range(16):
        crc = 1 << bit
        for _ in range(16 + bits_that_follow):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)  # 0x1EDC6F41, reflected
        table += [entry ^ crc for entry in table]
    return table


CRC_48, CRC_32, CRC_16, CRC_0 = (crc_table(bits) for bits in (48, 32, 16, 0))


def crc32c(words):
    """Of 64-bit words, as all that has a checksum here consists of such."""
    crc = 0xFFFFFFFF
    for word in words:
        crc ^= word
        crc = CRC_48[crc & 65535] ^ CRC_32[crc >> 16 & 65535] ^ CRC_16[crc >> 32 & 65535] ^ CRC_0[crc >> 48]
    return crc ^ 0xFFFFFFFF


class Block:
    def __init__(self, kind, offset, payload, words):
        self.kind, self.offset, self.payload, self.words = kind, offset, payload, words

    def fields(self, layout, offset=0):
        try:
            return struct.unpack_from("<" + layout, self.payload, offset)
        except struct.error:
            raise Damage("a block that is shorter than its fields") from None

    def texts(self, offset, lengths):
        if offset + sum(lengths) > len(self.payload):
            raise Damage("texts that are longer than their block")
        for length in lengths:
            yield self.payload[offset : offset + length]
            offset += length


def block_at(data, offset):
    """The block there, None if there is none, or INCOMPLETE if it would go on after the end of the data."""
    if offset + HEADER_BYTES > len(data):
        return INCOMPLETE
    kind, _, length, checksum, marker = struct.unpack_from("<HHII4s", data, offset)
    if marker != MARKER or length % 8 != 0 or length > PAYLOAD_BYTES_MAX:
        return None
    end = offset + HEADER_BYTES + length
    if end > len(data):
        return INCOMPLETE
    first, second, *words = struct.unpack_from("<%dQ" % (2 + length // 8), data, offset)
    if crc32c(itertools.chain((first, second & ~0xFFFFFFFF), words)) != checksum:
        return None
    return Block(kind, offset, data[offset + HEADER_BYTES : end], words)


def next_candidate(data, offset):
    """Where the next header might stand, from this offset on; too near to the end for one if there is none."""
    marker = data.find(MARKER, offset + 12)
    return marker - 12 if marker >= 0 else max(offset, len(data) - HEADER_BYTES + 1)


def is_last(data, offset):
    """Whether no intact block begins after this offset."""
    while offset + HEADER_BYTES <= len(data):
        offset = next_candidate(data, offset + 1)
        if isinstance(block_at(data, offset), Block):
            return False
    return True


def blocks(data, offset, damaged, incomplete):
    """All intact blocks. damaged(bytes) is told of what lies between them, and incomplete(bytes) of what is left at the end."""
    skipped = 0
    while offset < len(data):
        block = block_at(data, offset)
        if block is INCOMPLETE and is_last(data, offset):
            break
        if isinstance(block, Block):
            if skipped > 0:
                damaged(skipped)
            skipped = 0
            yield block
            offset = block.offset + HEADER_BYTES + len(block.payload)
        else:
            following = next_candidate(data, offset + 1)
            skipped += following - offset
            offset = following
    if skipped > 0:
        damaged(skipped)
    incomplete(len(data) - offset)


class Site:
    def __init__(self, block):
        self.id, self.line, self.kind, self.level, self.phase, count, *lengths, _ = block.fields("IIBBBB4HI")
        if count > 12:
            raise Damage("a site with more arguments than there can be")
        arguments = [block.fields("BBHHH", 24 + 8 * i) for i in range(count)]
        self.name, self.target, self.file, self.function, *names = block.texts(
            24 + 8 * count, lengths + [length for _, _, _, length, _ in arguments])  # fmt: skip
        self.arguments = [(type, role, name) for (type, role, _, _, _), name in zip(arguments, names)]
        self.count = 0  # of its records
        types = [type for type, _, _ in self.arguments]
        if (
            not 1 <= self.id <= 1048575
            or not 1 <= self.kind <= 13
            or self.kind == END
            or any(not SIGNED <= type <= ADDRESS for type in types)
            or (self.kind in (COUNTER, TRACK_COUNTER) and (len(types) != 1 or TEXT in types))
            or (self.kind == FLOW and self.phase not in (1, 2, 3))
            or (self.kind == MEMORY and self.phase not in (1, 3))
        ):
            raise Damage("a site that makes no sense")

    def same_as(self, other):
        return all(getattr(self, name) == getattr(other, name) for name in ("kind", "phase", "name", "target")) and [
            type for type, _, _ in self.arguments] == [type for type, _, _ in other.arguments]  # fmt: skip


class Track:
    def __init__(self, id):
        self.id, self.kind, self.os_id, self.name = id, 1, 0, b""
        self.sequence, self.end = -1, 0  # up to where its records have been read
        self.lost = [0] * CAUSES
        self.waiting = []
        self.last_ns = 0
        self.open = []  # spans, outermost first
        self.spans = self.others = 0


# ---- 3. Records -------------------------------------------------------------------------------------------------

(BEGIN, END, EVENT, COUNTER, FRAME, METRIC, ASYNC_BEGIN, ASYNC_END, FLOW, MEMORY, TRACK_SPAN, TRACK_EVENT,
 TRACK_COUNTER, REBASE, EXTENDED) = range(1, 16)  # fmt: skip
WORDS_BEFORE_ARGUMENTS = {ASYNC_BEGIN: 1, ASYNC_END: 1, FLOW: 1, MEMORY: 2, TRACK_SPAN: 3, TRACK_EVENT: 2, TRACK_COUNTER: 2}
SIGNED, UNSIGNED, DOUBLE, BOOLEAN, TEXT, ADDRESS = range(1, 7)
PARAMETER, A_METRIC = 1, 2
NULL_POINTER = 1 << 33
RECORD_BYTES_MAX = 65408


class Shape:
    """What a record's first word says of it but for its depth and ticks: kind and site."""

    def __init__(self, kind, site):
        self.kind, self.site = kind, site
        self.fixed = 1 + WORDS_BEFORE_ARGUMENTS.get(kind, 0)
        self.types = [] if kind == END else [type for type, _, _ in site.arguments]
        self.words = 0 if TEXT in self.types else self.fixed + len(self.types)  # 0: that depends on its texts

    def words_at(self, words, index):
        length = self.fixed
        for type in self.types:
            if index + length >= len(words):
                return len(words)  # more than there are
            if type == TEXT:
                length += (words[index + length] & 0xFFFFFFFF) + 7 >> 3
            length += 1
        return length if 8 * length <= RECORD_BYTES_MAX else len(words)


def decode(words, index, end, base, shapes, records):
    """Appends the records of words[index:end] as (tick, shape, depth, words, index). Returns where it stopped, which is
    the end unless there is no record, and the base tick in force there."""
    while index < end:
        word = words[index]
        shape = shapes.get(word >> 8 & 0xFFFFFF)
        if shape is not None:
            length = shape.words or shape.words_at(words, index)
            if index + length > end:
                break
            records.append((base + (word >> 32) & ALL_ONES, shape, word & 255, words, index))
            index += length
        elif word >> 8 & 15 == REBASE and index + 2 <= end:
            base = words[index + 1]
            index += 2
        elif word >> 8 & 15 == EXTENDED and index + 1 + (word >> 12 & 0xFFFFF) <= end:
            index += 1 + (word >> 12 & 0xFFFFF)
        else:
            break
    return index, base


def values(site, words, index):
    """Of each of a record's arguments, which begin at words[index]: type, role, name, value. A null pointer is None."""
    for type, role, name in site.arguments:
        value = words[index]
        index += 1
        if type == SIGNED:
            value -= value >> 63 << 64
        elif type == DOUBLE:
            (value,) = struct.unpack("<d", struct.pack("<Q", value))
        elif type == BOOLEAN:
            value = value != 0
        elif type == TEXT:
            length = value & 0xFFFFFFFF
            count = length + 7 >> 3
            value = None if value & NULL_POINTER else struct.pack("<%dQ" % count, *words[index : index + count])[:length]
            index += count
        yield type, role, name, value


# ---- 4. Time ----------------------------------------------------------------------------------------------------


def signed(difference):
    return (difference + 2**63 & ALL_ONES) - 2**63


def is_near(value, expected):
    return expected * 0.75 <= value <= expected * 1.25


READINGS_MAX = 64
SECOND = 1000000000


class Clock:
    def __init__(self):
        self.known = self.ticks_are_ns = False  # known: times can be told
        self.readings = []  # the last ones: (straightened tick, nanoseconds)
        self.slope = 1.0
        self.offset = self.old_offset = 0
        self.jump = None  # the last: (u', x)
        self.jump_rate = None  # d / x of a jump, while its reading is the last
        self.error = self.error_max = 0  # the last reading's
        self.rate_from = 0  # the slope is measured from none of the readings before this
        self.count = self.jumps = 0

    def read(self, t, n, e):
        if n > 2**62:
            raise Damage("a clock reading out of range")
        if self.ticks_are_ns:
            self.note(e)
            return
        if not self.readings:
            self.take(t + self.offset & ALL_ONES, n, e)
            return
        before, ns_before = self.readings[-1]
        d, x = n - ns_before, signed(t + self.offset - before)
        if abs(d) < 16 * (e + self.error):
            return
        if d <= 0:
            raise Damage("a clock reading that is earlier than the one before")
        jump_rate = None
        if len(self.readings) == 1:
            if x <= 0 or not 0.0001 <= d / x <= 1000000:
                self.readings = [(t + self.offset & ALL_ONES, n)]
                self.error = e
                raise Damage("two clock readings that do not go together")
        elif not is_near(float(x), d / self.slope):
            expected = d / self.slope
            if self.jump_rate is not None and x > 0 and self.jump_rate > 0 and is_near(d / x, self.jump_rate):
                self.rate_from = len(self.readings) - 1
            elif 1 <= expected <= 2**62:
                self.jump = before, x
                self.old_offset = self.offset
                self.offset = before + int(expected) - t & ALL_ONES
                self.jumps += 1
                jump_rate = d / x if x > 0 else -1.0
            else:
                raise Damage("a clock that jumps too far")
        self.jump_rate = jump_rate
        self.take(t + self.offset & ALL_ONES, n, e)
        self.measure()
        self.known = True

    def take(self, u, n, e):
        self.readings.append((u, n))
        self.note(e)
        if len(self.readings) > READINGS_MAX:
            del self.readings[0]
            self.rate_from = max(self.rate_from - 1, 0)

    def note(self, e):
        self.error = e
        self.error_max = max(self.error_max, e)
        self.count += 1

    def measure(self):
        u, n = self.readings[-1]
        for from_u, from_n in reversed(self.readings[self.rate_from : -1]):
            if n - from_n >= SECOND:
                break
        self.slope = (n - from_n) / signed(u - from_u)

    def straight(self, t):
        new = t + self.offset & ALL_ONES
        if self.jump is None:
            return new
        old = t + self.old_offset & ALL_ONES
        u, x = self.jump
        beyond = signed(new - self.readings[-1][0])
        if x >= 0:
            is_old = signed(old - u) <= 0
        else:
            is_old = beyond > 0 and abs(signed(old - self.readings[-1][0])) // 16 < beyond
        return old if is_old or signed(new - u) < 0 else new

    def time(self, u):
        if self.ticks_are_ns:
            return u
        at = max(bisect.bisect_right(self.readings, (u, ALL_ONES)) - 1, 0)
        if not self.readings:
            u1, n1 = 0, 0
        else:
            u1, n1 = self.readings[at]
        slope = self.slope
        if at + 1 < len(self.readings):
            u2, n2 = self.readings[at + 1]
            slope = (n2 - n1) / signed(u2 - u1)
        ns = n1 + int(min(signed(u - u1) * slope, 2.0**62))
        return max(ns, 0)


# ---- 5. Order and nesting ---------------------------------------------------------------------------------------

PLACED_MAX, PLACED_WORDS_MAX = 16384, 131072
METRIC_SITES_MAX = 64
CONTENTS = "span event counter_value frame async_span flow_start flow_step flow_end allocation free".split()


class Call:
    __slots__ = ("number", "site", "track", "parent", "depth", "around", "begin", "end", "within", "words", "index", "metrics")

    def __init__(self, number, site, track, parent, depth, begin, words, index):
        self.number, self.site, self.track, self.parent, self.depth = number, site, track, parent, depth
        self.around = parent.around + 1 if parent else 0  # how many calls it lies in
        self.begin, self.end, self.within = begin, None, 0  # within: nanoseconds of the calls in it
        self.words, self.index, self.metrics = words, index, {}


class Calls:
    """What the records say, in the order in which they are handed out. say(call, unfinished) is told of each call that ends."""

    def __init__(self, clock, say):
        self.clock, self.say = clock, say
        self.tracks = {}  # by id, in the order in which they were told of
        self.numbers = 0
        self.first_ns = self.last_ns = None
        self.asyncs = {}
        self.placed, self.placed_words = [], 0
        self.contents = dict.fromkeys(CONTENTS, 0)
        self.unfinished = self.adjusted = self.records = self.without_track = 0
        self.at_end = []  # the calls that are open at the end

    def batch(self, tick):
        """Hands out the waiting records before this (straightened) tick; all if it is None."""
        straight = self.clock.straight if self.clock.jump is not None else None
        taken = []
        for track in self.tracks.values():
            if track.waiting:
                ticks = [record[0] for record in track.waiting]
                if straight is not None:
                    ticks = list(map(straight, ticks))
                # A record holds back those behind it, so that the greatest tick so far is what decides.
                order = list(itertools.accumulate(ticks, max))
                count = len(order) if tick is None else bisect.bisect_left(order, tick)
                taken.append(zip(order[:count], itertools.repeat(track.id), itertools.count(), ticks, track.waiting))
                track.waiting = track.waiting[count:]
        for _, id, _, tick, record in taken[0] if len(taken) == 1 else sorted(itertools.chain(*taken)):
            self.record(self.tracks[id], tick, *record[1:])
        self.place()

    def record(self, track, tick, shape, depth, words, index):
        kind, site = shape.kind, shape.site
        before = track.last_ns
        now = self.clock.time(tick)
        if now < before:
            now = before
            self.adjusted += 1
        track.last_ns = now
        self.records += 1
        if kind == BEGIN:
            open_spans = track.open
            depth = full_depth(depth, open_spans[-1].depth + 1) if open_spans else depth
            while open_spans and open_spans[-1].depth >= depth:
                self.finish(open_spans.pop(), before, True)
            parent = open_spans[-1] if open_spans else None
            open_spans.append(self.begin(track, site, parent, depth, now, words, index + 1))
        elif kind == END:
            call = self.open_span(track, depth)
            if call is not None and call.site is site:
                while track.open[-1] is not call:
                    self.finish(track.open.pop(), before, True)
                self.finish(track.open.pop(), now, False)
        elif kind == METRIC:
            call = self.open_span(track, depth)
            if call is not None:
                self.metrics(call, site, words, index + 1)
        elif kind == ASYNC_BEGIN:
            id = async_key(words[index + 1], site)
            call = self.asyncs.pop(id, None)
            if call is not None:
                self.finish(call, before if call.track is track else call.track.last_ns, True)
            parent = track.open[-1] if track.open else None
            self.asyncs[id] = self.begin(track, site, parent, None, now, words, index + 2)
        elif kind == ASYNC_END:
            call = self.asyncs.pop(async_key(words[index + 1], site), None)
            if call is not None:
                self.metrics(call, site, words, index + 2)
                self.finish(call, now, False)
        elif kind in (TRACK_SPAN, TRACK_EVENT, TRACK_COUNTER):
            self.wait(shape, words, index)
        else:
            self.other(track, site, now)

    def open_span(self, track, depth):
        if track.open:
            depth = full_depth(depth, track.open[-1].depth)
            for call in reversed(track.open):
                if call.depth <= depth:
                    return call if call.depth == depth else None
        return None

    def begin(self, track, site, parent, depth, now, words, index):
        self.numbers += 1
        self.contents["async_span" if site.kind == ASYNC_BEGIN else "span"] += 1
        site.count += 1
        track.spans += 1
        return Call(self.numbers, site, track, parent, depth, now, words, index)

    def metrics(self, call, site, words, index):
        if site.arguments and (site.id in call.metrics or len(call.metrics) < METRIC_SITES_MAX):
            call.metrics[site.id] = site, words, index

    def finish(self, call, end, unfinished):
        call.end = max(call.begin, end)  # an async span's track may be ahead of the one where it ends
        if call.parent is not None and call.site.kind != ASYNC_BEGIN:
            call.parent.within += call.end - call.begin
        self.unfinished += unfinished
        if call.begin > 0:
            self.seen(call.begin)
            self.seen(call.end)
        self.say(call, unfinished)

    def other(self, track, site, now):
        names = {EVENT: ["event"], COUNTER: ["counter_value"], FRAME: ["frame"], TRACK_EVENT: ["event"],
                 TRACK_COUNTER: ["counter_value"], FLOW: ["", "flow_start", "flow_step", "flow_end"],
                 MEMORY: ["", "allocation", "", "free"]}[site.kind]  # fmt: skip
        self.contents[names[site.phase] if len(names) > 1 else names[0]] += 1
        site.count += 1
        track.others += 1
        if now > 0:
            self.seen(now)

    def seen(self, now):
        if self.first_ns is None:
            self.first_ns = self.last_ns = now
        self.first_ns = min(self.first_ns, now)
        self.last_ns = max(self.last_ns, now)

    def wait(self, shape, words, index):
        """TRACK_SPAN, TRACK_EVENT, TRACK_COUNTER: until they can be put in order."""
        id, begin = words[index + 1 : index + 3]
        end = words[index + 3] if shape.kind == TRACK_SPAN else begin
        if id not in self.tracks:
            self.without_track += 1
            return
        if end < begin:
            end = begin
            self.adjusted += 1
        self.placed.append((id, begin, -end, len(self.placed), shape, words, index))
        self.placed_words += (shape.words or shape.words_at(words, index)) - shape.fixed
        if len(self.placed) == PLACED_MAX or self.placed_words >= PLACED_WORDS_MAX:
            self.place()

    def place(self):
        open_calls = []
        for id, begin, minus_end, _, shape, words, index in sorted(self.placed, key=lambda placed: placed[:4]):
            track, end = self.tracks[id], -minus_end
            while open_calls and (open_calls[-1].track is not track or open_calls[-1].end <= begin or open_calls[-1].end < end):
                self.finish(open_calls[-1], open_calls.pop().end, False)
            if shape.kind != TRACK_SPAN:
                self.other(track, shape.site, begin)
                continue
            parent = open_calls[-1] if open_calls else None
            open_calls.append(self.begin(track, shape.site, parent, None, begin, words, index + 4))
            open_calls[-1].end = end
        while open_calls:
            self.finish(open_calls[-1], open_calls.pop().end, False)
        self.placed, self.placed_words = [], 0

    def finish_all(self):
        for track in self.tracks.values():
            self.at_end += track.open
            while track.open:
                self.finish(track.open.pop(), track.last_ns, True)
        self.at_end += self.asyncs.values()
        for call in self.asyncs.values():
            self.finish(call, call.track.last_ns, True)


def full_depth(depth, expected):
    full = expected + (depth - expected + 128 & 255) - 128
    return full if full >= 0 else full + 256


def async_key(id, site):
    return id if id >> 63 else (id, site.name, site.target)


# ---- 6. Losses, 7. The ring file, and the reader itself -----------------------------------------------------------

ACTIVE, FULL = 1, 2
SEGMENT_BYTES, SEGMENT_HEADER_BYTES = 65536, 128


def larger(old, new):
    return [max(pair) for pair in zip(old, new)]


def from_boot(field):
    """Whether a PROCESS block's boot id can be that of this system."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return not any(field) or bytes.fromhex(file.read().strip().replace("-", "")) == field
    except OSError:
        return True


class Trace:
    """A trace that has been read."""

    def __init__(self, path, say):
        with open(path, "rb") as file:
            data = file.read()
        if len(data) < 64 or data[:8] != b"\x89PTRACE\n":
            raise ValueError("not a trace")
        version, begin, self.uuid, self.pid, self.realtime_ns = struct.unpack_from("<II16s4xIQ", data, 8)
        if version != 1:
            raise ValueError("not a trace of version 1")
        self.parent_uuid, self.parent_pid, self.process, self.executable = bytes(16), 0, b"", b""
        self.boot_id, self.monotonic_ns, self.started = bytes(16), 0, 0
        self.clock_kind, self.crash_safe = 0, False
        self.sites, self.shapes = {}, {}
        self.clock = Clock()
        self.calls = Calls(self.clock, say)
        self.tracks = self.calls.tracks
        self.lost = [0] * CAUSES
        self.ring_path = None
        self.finished = self.complete = self.damaged = False
        self.damaged_bytes = self.ring_bytes = self.left = 0
        self.records_told = 0
        for block in blocks(data, begin if 64 <= begin <= min(4096, len(data)) else 64, self.damage, self.incomplete):
            self.block(block)
            self.complete = block.kind == FINISH or block.kind == SYNC and block.words[:1] == [ALL_ONES]
        self.bytes = len(data) - self.left
        if not self.complete and not self.ring():
            self.damage(self.left)
        self.calls.batch(None)
        self.calls.finish_all()
        self.damaged |= self.calls.without_track > 0 or self.records_told > self.calls.records

    def damage(self, size):
        self.damaged_bytes += size
        self.damaged |= size > 0

    def incomplete(self, size):
        self.left = size

    def block(self, block):
        handler = self.HANDLERS.get(block.kind)
        try:
            if handler is not None:
                handler(self, block)
        except Damage:
            self.damaged = True

    def process_block(self, block):
        (self.parent_uuid, self.boot_id, self.monotonic_ns, self.realtime_ns, self.started, self.pid, self.parent_pid, clock, _, flags,
         *lengths) = block.fields("16s16sQQQIIBBHHH")  # fmt: skip
        self.crash_safe = flags & 1 == 0
        if not self.crash_safe:
            self.ring_path = None
        if self.clock.count == 0 and self.calls.records == 0:
            self.clock_kind = clock
            self.clock.known = self.clock.ticks_are_ns = clock == 2
        self.process, self.executable = block.texts(72, lengths)

    def site_block(self, block):
        site = Site(block)
        if not self.sites.setdefault(site.id, site).same_as(site):
            raise Damage("a site with an id that another one has")
        for kind in [site.kind] + [END] * (site.kind == BEGIN):
            self.shapes.setdefault(site.id << 4 | kind, Shape(kind, site))

    def track_block(self, block):
        id, kind, os_id, length = block.fields("IIQH6x")
        (name,) = block.texts(24, [length])
        if not 1 <= kind <= 4:
            raise Damage("a track of an unknown kind")
        track = self.tracks.setdefault(id, Track(id))
        track.kind, track.os_id, track.name = kind, os_id, name

    def clock_block(self, block):
        ticks, ns, _, error = block.fields("QQQI4x")
        self.clock.read(ticks, ns, error)

    def chunk_block(self, block):
        id, first, last, _, sequence, base, *lost = block.fields("IIIIQQ8Q")
        if first % 8 or last % 8 or first > last or len(block.payload) != 96 + last - first:
            raise Damage("a chunk whose range of bytes is not its size")
        track = self.tracks.get(id) or self.unknown_track(id)
        track.lost = larger(track.lost, lost)
        if (sequence, last) > (track.sequence, track.end) or track.sequence < 0:
            begin = max(track.end, first) if sequence == track.sequence else first
            _, base = decode(block.words, 12, 12 + (begin - first) // 8, base, self.shapes, [])
            self.take(track, block.words, 12 + (begin - first) // 8, len(block.words), base)
            track.sequence, track.end = sequence, last

    def unknown_track(self, id):
        """Records of a track that nothing tells of are still worth reading."""
        self.damaged = True
        track = self.tracks[id] = Track(id)
        return track

    def take(self, track, words, begin, end, base):
        """The records of words[begin:end] wait for their batch."""
        stop, _ = decode(words, begin, end, base, self.shapes, track.waiting)
        self.damage(8 * (end - stop))

    def sync_block(self, block):
        self.sync(*block.fields("QQ"))

    def sync(self, tick, flags):
        if not self.clock.known:
            return
        if tick == ALL_ONES:
            self.calls.batch(None)
        elif self.clock.ticks_are_ns:
            self.calls.batch(tick)
        else:
            tick = self.clock.straight(tick)
            self.calls.batch(tick if flags & 1 else min(tick, self.clock.readings[-1][0]))

    def loss_block(self, block):
        self.lost = larger(self.lost, block.fields("8Q"))

    def ring_block(self, block):
        (length,) = block.fields("H6x")
        (path,) = block.texts(8, [length])
        if not path.startswith(b"/") or b"\0" in path:
            raise Damage("a ring file without an absolute path")
        self.ring_path = path

    def end_block(self, block):
        self.records_told, tick = block.fields("QQ")
        self.finished = True
        self.sync(tick, 1)

    HANDLERS = {
        PROCESS: process_block, SITE: site_block, TRACK: track_block, CLOCK: clock_block, CHUNK: chunk_block,
        SYNC: sync_block, LOSS: loss_block, RING: ring_block, FINISH: end_block,
    }  # fmt: skip

    def ring(self):
        """What is left in the ring file. Whether there is one."""
        try:
            with open(self.ring_path or b"", "rb") as file:
                data = file.read()
            magic, version, _, uuid, at, _, used, segments, count, *lost = struct.unpack_from("<8sII16sQQQQQ8Q", data)
        except (OSError, struct.error):
            return False
        if magic != b"\x89PTRING\n" or version > 1 or uuid != self.uuid:
            return False
        metadata = data[at : at + used] if at + used <= len(data) else b""
        for block in blocks(metadata, 0, self.damage, lambda size: None):
            self.block(block)
        self.lost = larger(self.lost, lost)
        self.ring_reading(data)
        synced = 0
        for tick, segment in self.leftovers(data, segments, count):
            if tick > synced:
                self.sync(tick, 1)
            synced = max(tick, synced)
            self.segment(data, *segment)
        return True

    def ring_reading(self, data):
        """The newest reading of the clocks that the recorder left there, if the trace has none that is later."""
        if len(data) < 224:
            return
        (newest,) = struct.unpack_from("<I", data, 140)
        if newest in (1, 2):
            ticks, ns, _, error = struct.unpack_from("<QQQI", data, 144 + 40 * (newest - 1))
            if not self.clock.readings or ns > self.clock.readings[-1][1]:
                try:
                    self.clock.read(ticks, ns, error)
                except Damage:
                    self.damaged = True

    def leftovers(self, data, begin, count):
        """The segments that may hold something, each with the tick in whose order they are read."""
        found = []
        for offset in range(begin, min(begin + count * SEGMENT_BYTES, len(data) - SEGMENT_BYTES + 1), SEGMENT_BYTES):
            state, id, sequence, base, drained, end, *lost = struct.unpack_from("<IIQQII8Q", data, offset)
            if state in (ACTIVE, FULL):
                end = end if state == FULL and end < SEGMENT_BYTES - SEGMENT_HEADER_BYTES else None
                found.append((id, sequence, offset + SEGMENT_HEADER_BYTES, base, drained, end, lost))
        found.sort(key=lambda segment: segment[:2])
        ordered, ticks = [], {}
        for segment in found:
            id, sequence, _, base, *_ = segment
            ticks[id] = max(base, ticks.get(id, 0))
            ordered.append(((ticks[id], id, sequence), segment))
        ordered.sort(key=lambda entry: entry[0])
        return [(key[0], segment) for key, segment in ordered]

    def segment(self, data, id, sequence, offset, base, drained, end, lost):
        track = self.tracks.get(id)
        if any(lost) and track is None:
            track = self.unknown_track(id)
        if track is not None:
            track.lost = larger(track.lost, lost)
            if sequence <= track.sequence:
                drained = max(drained, track.end) if sequence == track.sequence else SEGMENT_BYTES
        size = SEGMENT_BYTES - SEGMENT_HEADER_BYTES if end is None else end // 8 * 8
        if drained >= size:
            return
        words = struct.unpack_from("<%dQ" % (size // 8), data, offset)
        start, base = decode(words, 0, drained // 8, base, self.shapes, [])
        if 8 * start != drained:
            self.damage(size - drained)
            return
        waiting = []
        stop, _ = decode(words, start, size // 8, base, self.shapes, waiting)
        if 8 * stop < size and (words[stop] != 0 or end is not None):
            self.damage(size - 8 * stop)
        if stop > start:
            track = track or self.unknown_track(id)
            track.waiting += waiting
            track.sequence, track.end = sequence, 8 * stop


def main(arguments):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "readers"))
    import show

    if len(arguments) != 2 or arguments[0] not in ("csv", "info"):
        sys.exit("usage: second_reader.py csv|info TRACE")
    show.show(arguments[0], arguments[1], sys.stdout.buffer)


if __name__ == "__main__":
    main(sys.argv[1:])
