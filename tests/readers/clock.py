"""The second reader's second part: section 4 of docs/trace_format.md, whose letters are those used here."""
import bisect

from blocks import ALL_ONES, Damage

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
        self.piece = 0, 0, 0, 1.0  # the last one that was needed
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
                self.piece = 0, 0, 0, 1.0
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
        self.piece = 0, 0, 0, 1.0
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
        """Of a straightened tick."""
        if self.ticks_are_ns:
            return u
        first, end, ns, slope = self.piece
        if not first <= u < end:
            first, end, ns, slope = self.piece = self.piece_of(u)
        time = ns + int(min(signed(u - first) * slope, 2.0**62))
        return time if time > 0 else 0

    def piece_of(self, u):
        """(u1, u2, n1, s) as they are called in the document. u1 ≤ u < u2, but before the first reading."""
        if not self.readings:
            return 0, ALL_ONES + 1, 0, 1.0
        at = max(bisect.bisect_right(self.readings, (u, ALL_ONES)), 1)
        u1, n1 = self.readings[at - 1]
        if at == len(self.readings):
            return u1, ALL_ONES + 1, n1, self.slope
        u2, n2 = self.readings[at]
        return u1, u2, n1, (n2 - n1) / signed(u2 - u1)
