#!/usr/bin/env python3
"""A second reader of traces, written from docs/trace_format.md alone to show that this document is enough. It is to be
read beside it, as what is said there is not repeated here: readers/blocks.py (sections 1 to 3), readers/clock.py (section 4),
readers/calls.py (section 5), and then this file (sections 6 and 7). readers/show.py prints what was read.

    second_reader.py csv TRACE      the calls, in the form of `perftrace convert --to csv`
    second_reader.py info TRACE     everything else, in the form of `perftrace info --format json --sites`

It changes nothing: what a killed program left in its ring file is read where it lies, and not folded into the trace. It is for
traces of programs that have ended. readers/compare.py, which the tests run, compares what it reads with what perftrace does.
"""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "readers"))
from blocks import (ALL_ONES, CAUSES, CHUNK, CLOCK, END, FINISH, LOSS, PROCESS, RECORDS_BYTES, RING, RING_MAGIC, SEARCHED_BYTES, SITE, SYNC,
                    TRACE_MAGIC, TRACK, BEGIN, Block, Damage, Shape, Site, any_block, block_at, blocks, decode, repaired)  # fmt: skip
from calls import Calls, Track
from clock import Clock

# ---- 6. Losses, 7. The ring file, and the reader itself -----------------------------------------------------------

FREE, ACTIVE, FULL, BEING_CLEARED = range(4)
SEGMENT_BYTES = 65536
FLIGHT_RECORDER = 2


class Segment:
    def __init__(self, data, offset):
        self.state, self.track, self.sequence, self.base, self.drained, end, *self.lost = struct.unpack_from(
            "<IIQQII8Q", data, offset)  # fmt: skip
        self.offset = offset + SEGMENT_BYTES - RECORDS_BYTES  # of the records
        self.end = end if self.state == FULL and end <= RECORDS_BYTES and end % 8 == 0 else None  # None: not told


def larger(old, new):
    return [max(pair) for pair in zip(old, new)]


class Trace:
    """A trace that has been read."""

    def __init__(self, path, say):
        with open(path, "rb") as file:
            data = file.read()
        self.damaged, self.damaged_bytes = False, 0
        begin = self.header(data)
        self.parent_uuid, self.parent_pid, self.process, self.executable = bytes(16), 0, b"", b""
        self.boot_id, self.monotonic_ns, self.started = bytes(16), 0, 0
        self.clock_kind, self.mode, self.crash_safe = 0, 0, False
        self.sites, self.shapes = {}, {}
        self.clock = Clock()
        self.calls = Calls(self.clock, say)
        self.tracks = self.calls.tracks
        self.lost = [0] * CAUSES
        self.ring_path = None
        self.finished = self.complete = self.holes = False  # holes: some of the trace is damaged
        self.left = 0
        self.records_told = 0
        for block in blocks(data, begin, self.hole, self.incomplete):
            self.block(block)
            self.complete = block.kind == FINISH or block.kind == SYNC and block.words[:1] == [ALL_ONES]
        self.bytes = len(data) - self.left
        if not self.complete and not self.ring():
            self.damage(self.left)
        self.calls.batch(None)
        self.calls.finish_all()
        self.damaged |= self.calls.without_track > 0 or self.records_told > self.calls.records

    def header(self, data):
        """Where the first block is looked for."""

        def covered(header):
            return header[:48] + bytes(4) + header[52:64]

        if len(data) < 64:
            raise ValueError("not a trace")
        header, right = repaired(data[:64], TRACE_MAGIC, covered, 48)
        magic, version, begin, self.uuid, self.pid, self.realtime_ns = struct.unpack_from("<8sII16s4xIQ", header)
        if magic != TRACE_MAGIC:
            if not any_block(data, 0, SEARCHED_BYTES):
                raise ValueError("not a trace")
            self.uuid, self.pid, self.realtime_ns = bytes(16), 0, 0
            return 0
        if version != 1:
            raise ValueError("not a trace of version 1")
        self.damage(0 if right else 64)
        return begin if 64 <= begin <= min(4096, len(data)) and not isinstance(block_at(data, 64), Block) else 64

    def hole(self, size):
        self.holes = True
        self.damage(size)

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
        (self.parent_uuid, self.boot_id, self.monotonic_ns, self.realtime_ns, self.started, self.pid, self.parent_pid, clock, self.mode, flags,
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
        id, first, last, flags, sequence, base, *lost = block.fields("IIIIQQ8Q")
        if first % 8 or last % 8 or not first <= last <= RECORDS_BYTES or len(block.payload) != 96 + last - first:
            raise Damage("a chunk whose range of bytes is not its size")
        self.chunk(id, sequence, first, last, flags, base, lost, block.words, 12)

    def chunk(self, id, sequence, first, last, flags, base, lost, words, index):
        """Records that lie at words[index]."""
        track = self.tracks.get(id)
        if track is None:  # they are still worth reading
            self.damaged = True
            track = self.tracks[id] = Track(id)
        track.lost = larger(track.lost, lost)
        if track.sequence >= 0:
            if (sequence, last) <= (track.sequence, track.end):
                return
            goes_on = first <= track.end if sequence == track.sequence else sequence == track.sequence + 1 and first == 0
            track.gap |= flags & 1 == 1 or not goes_on
        begin = index + (max(track.end - first, 0) // 8 if sequence == track.sequence else 0)
        end = index + (last - first) // 8
        waiting = len(track.waiting)
        _, base = decode(words, index, begin, base, self.shapes, [])
        stop, _ = decode(words, begin, end, base, self.shapes, track.waiting, track.gap)
        if len(track.waiting) > waiting:
            track.gap = False
        if stop < end:
            self.damage(8 * (end - stop))
            track.gap = True
        track.sequence, track.end = sequence, last

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
            header, _ = repaired(data[:144], RING_MAGIC, lambda header: header[:48] + header[56:64], 136)
            magic, version, _, uuid, at, reserved, used, segments, count, *lost = struct.unpack_from("<8sII16sQQQQQ8Q", header)
        except (OSError, struct.error):
            return False
        if magic != RING_MAGIC or version > 1 or uuid != self.uuid:
            return False
        metadata = list(blocks(data[at : at + min(used, reserved)], 0, self.damage, lambda size: None))
        last = {block.payload[:4]: block for block in metadata if block.kind == TRACK}
        for block in metadata:
            if block.kind != TRACK or last[block.payload[:4]] is block:
                self.block(block)
        self.lost = larger(self.lost, lost)
        disk_was_full = lost[1] > 0
        self.newest_reading(data)
        synced = 0
        for tick, segment in self.leftovers(data, segments, count):
            if tick > synced:
                self.sync(tick, 1)
                synced = tick
            self.segment(data, segment, disk_was_full)
        return True

    def newest_reading(self, data):
        if len(data) < 224:
            return
        (which,) = struct.unpack_from("<I", data, 140)
        if which in (1, 2):
            ticks, ns, _, error = struct.unpack_from("<QQQI", data, 144 + 40 * (which - 1))
            if not self.clock.readings or ns > self.clock.readings[-1][1]:
                try:
                    self.clock.read(ticks, ns, error)
                except Damage:
                    self.damaged = True

    def leftovers(self, data, begin, count):
        """The segments that may hold something, in the order in which they are read, each with its tick for that."""
        starts = range(begin + count * SEGMENT_BYTES, len(data) - SEGMENT_BYTES + 1, SEGMENT_BYTES)
        if any(any(data[start : start + SEGMENT_BYTES - RECORDS_BYTES]) for start in starts):
            count = len(data)
        segments = []
        for offset in range(begin, min(begin + count * SEGMENT_BYTES, len(data) - SEGMENT_BYTES + 1), SEGMENT_BYTES):
            segment = Segment(data, offset)
            if segment.state in (ACTIVE, FULL):
                segments.append(segment)
            elif segment.state not in (FREE, BEING_CLEARED):
                self.damage(RECORDS_BYTES)
        segments.sort(key=lambda segment: (segment.track, segment.sequence))
        ticks, last = [], None
        for segment in segments:
            same = last is not None and last.track == segment.track
            segment.follows = same and last.sequence + 1 == segment.sequence
            ticks.append(max(segment.base, ticks[-1]) if same else segment.base)
            last = segment
        return sorted(zip(ticks, segments), key=lambda pair: (pair[0], pair[1].track, pair[1].sequence))

    def segment(self, data, segment, disk_was_full):
        track = self.tracks.get(segment.track)
        told = 0
        if track is not None and segment.sequence <= track.sequence:
            told = track.end if segment.sequence == track.sequence else RECORDS_BYTES
        first = told
        if told < segment.drained <= RECORDS_BYTES and (disk_was_full or not self.holes):
            self.damage(0 if disk_was_full else segment.drained - told)
            first = segment.drained
        end = RECORDS_BYTES if segment.end is None else segment.end
        words = struct.unpack_from("<%dQ" % (RECORDS_BYTES // 8), data, segment.offset)
        if first < end and segment.end is not None and end < RECORDS_BYTES and words[end // 8] != 0:
            end, segment.end = RECORDS_BYTES, None
        last, base = first, segment.base
        if first < end:
            start, base = decode(words, 0, first // 8, base, self.shapes, [])
            if 8 * start == first:
                last = 8 * decode(words, start, end // 8, base, self.shapes, [])[0]
            if last < end and (segment.end is not None or 8 * start != first or words[last // 8] != 0):
                self.damage(end - last)
        if last == first:
            first = last = 0
        nothing = segment.state == FULL and segment.drained == 0
        if last > first or nothing or any(new > old for new, old in zip(segment.lost, track.lost if track else [0] * CAUSES)):
            flags = 1 if self.mode == FLIGHT_RECORDER and not segment.follows else 0
            self.chunk(segment.track, segment.sequence, first, last, flags, base, segment.lost, words, first // 8)


def main(arguments):
    import show

    if len(arguments) != 2 or arguments[0] not in ("csv", "info"):
        sys.exit("usage: second_reader.py csv|info TRACE")
    show.show(arguments[0], arguments[1], sys.stdout.buffer)


if __name__ == "__main__":
    main(sys.argv[1:])
