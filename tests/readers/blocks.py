"""The second reader's first part: sections 1 to 3 of docs/trace_format.md, beside which it is to be read."""
import itertools
import struct

ALL_ONES = 2**64 - 1


class Damage(Exception):
    """Something that makes no sense: it is passed over, together with what depends on it."""


# ---- 1. The file, 2. Blocks -------------------------------------------------------------------------------------

PROCESS, MODULE, SITE, TRACK, CLOCK, CHUNK, SYNC, LOSS, RING, FINISH = range(1, 11)  # FINISH: END, which is a record too
TRACE_MAGIC, RING_MAGIC, MARKER = b"\x89PTRACE\n", b"\x89PTRING\n", b"PBLK"
SEARCHED_BYTES = 1 << 20  # so much of the beginning may be damaged
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


def any_block(data, begin, end):
    """Whether an intact block begins at one of these offsets."""
    while begin < end and begin + HEADER_BYTES <= len(data):
        begin = next_candidate(data, begin)
        if begin < end and isinstance(block_at(data, begin), Block):
            return True
        begin += 1
    return False


def blocks(data, offset, damaged, incomplete):
    """All intact blocks. damaged(bytes) is told of what lies between them, and incomplete(bytes) of what is left at the end."""
    skipped = 0
    while offset < len(data):
        block = block_at(data, offset)
        if block is INCOMPLETE and not any_block(data, offset + 1, len(data)):
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


def repaired(header, magic, covered, checksum_at):
    """The header, and whether its checksum is right, with one flipped bit put right if that explains why it was not.
    covered(header): the bytes that the checksum is of."""

    def fits(header):
        data = covered(header)
        return struct.unpack_from("<I", header, checksum_at) == (crc32c(struct.unpack("<%dQ" % (len(data) // 8), data)),)

    if header[checksum_at : checksum_at + 4] == bytes(4) or fits(header):
        return header, True
    for bit in range(8 * len(header)):
        changed = bytearray(header)
        changed[bit // 8] ^= 1 << bit % 8
        if changed.startswith(magic) and fits(changed):
            return bytes(changed), True
    return header, False


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


# ---- 3. Records -------------------------------------------------------------------------------------------------

(BEGIN, END, EVENT, COUNTER, FRAME, METRIC, ASYNC_BEGIN, ASYNC_END, FLOW, MEMORY, TRACK_SPAN, TRACK_EVENT,
 TRACK_COUNTER, REBASE, EXTENDED) = range(1, 16)  # fmt: skip
WORDS_BEFORE_ARGUMENTS = {ASYNC_BEGIN: 1, ASYNC_END: 1, FLOW: 1, MEMORY: 2, TRACK_SPAN: 3, TRACK_EVENT: 2, TRACK_COUNTER: 2}
SIGNED, UNSIGNED, DOUBLE, BOOLEAN, TEXT, ADDRESS = range(1, 7)
PARAMETER, A_METRIC = 1, 2
NULL_POINTER = 1 << 33
RECORDS_BYTES = 65408  # that a segment has at most


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
        return length if 8 * length <= RECORDS_BYTES else len(words)


def decode(words, index, end, base, shapes, records, gap=False):
    """Appends the records of words[index:end] as (tick, shape, depth, words, index, gap): whether records before it are
    missing. Returns where it stopped, which is the end unless there is no record, and the base tick in force there."""
    while index < end:
        word = words[index]
        shape = shapes.get(word >> 8 & 0xFFFFFF)
        if shape is not None:
            length = shape.words or shape.words_at(words, index)
            if index + length > end:
                break
            records.append((base + (word >> 32) & ALL_ONES, shape, word & 255, words, index, gap))
            gap = False
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
