"""The second reader's third part: section 5 of docs/trace_format.md, beside which it is to be read."""
import bisect
import itertools

from blocks import (ALL_ONES, ASYNC_BEGIN, ASYNC_END, BEGIN, CAUSES, COUNTER, END, EVENT, FLOW, FRAME, MEMORY, METRIC, TRACK_COUNTER,
                    TRACK_EVENT, TRACK_SPAN)  # fmt: skip

PLACED_MAX, PLACED_WORDS_MAX = 16384, 131072
METRIC_SITES_MAX = 64
CONTENTS = "span event counter_value frame async_span flow_start flow_step flow_end allocation free".split()


class Track:
    def __init__(self, id):
        self.id, self.kind, self.os_id, self.name = id, 1, 0, b""
        self.sequence, self.end = -1, 0  # up to where its records have been read
        self.gap = False  # whether some are missing then
        self.lost = [0] * CAUSES
        self.waiting = []
        self.last_ns = 0
        self.open = []  # spans, outermost first
        self.spans = self.others = 0


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
        self.first_ns, self.last_ns = ALL_ONES, 0
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

    def record(self, track, tick, shape, depth, words, index, gap):
        kind, site = shape.kind, shape.site
        before = track.last_ns
        while gap and track.open:
            self.finish(track.open.pop(), before, True)
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
            self.seen(call.begin, call.end)
        self.say(call, unfinished)

    def other(self, track, site, now):
        names = {EVENT: ["event"], COUNTER: ["counter_value"], FRAME: ["frame"], TRACK_EVENT: ["event"],
                 TRACK_COUNTER: ["counter_value"], FLOW: ["", "flow_start", "flow_step", "flow_end"],
                 MEMORY: ["", "allocation", "", "free"]}[site.kind]  # fmt: skip
        self.contents[names[site.phase] if len(names) > 1 else names[0]] += 1
        site.count += 1
        track.others += 1
        if now > 0:
            self.seen(now, now)

    def seen(self, begin, end):
        if begin < self.first_ns:
            self.first_ns = begin
        if end > self.last_ns:
            self.last_ns = end

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
