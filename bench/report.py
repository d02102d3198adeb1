"""Rows of measurements, their verdicts, and the tables that show them."""

import dataclasses
import statistics

from machine import BUSY


@dataclasses.dataclass
class Row:
    """One line of a table. Where a field is None there was nothing to measure."""

    what: str
    name: str = ""  # of the bar: R1, A2 …
    ns: float | None = None
    ratio: float | None = None
    spread: tuple[float, float] | None = None  # the middle half of the ratios
    bar: float | None = None
    at_least: bool = False  # the bar is a lower limit
    digits: int = 2  # of the figure that is judged: it is rounded as the bar is given
    instructions: float | None = None
    bytes: float | None = None
    rate: float | None = None  # millions of spans a second
    megabytes: float | None = None  # a second
    peak: float | None = None  # megabytes of memory
    off: float | None = None  # how far a ratio is from 1
    alone_ns: float | None = None  # what the same loop shows without tracing …
    more_ns: float | None = None  # … and how much more it is with it
    lost: int | None = None
    busy: float | None = None  # processors that other programs used meanwhile
    note: str = ""  # why it could not be measured, or does not count
    judged: str = "ratio"  # the field that the bar is for

    def verdict(self) -> str:
        if self.note:
            return self.note
        value = getattr(self, self.judged)
        if self.bar is None or value is None:
            return ""
        value = round(value, self.digits)
        reached = value >= self.bar if self.at_least else value <= self.bar
        unsure = self.busy is not None and self.busy > BUSY
        return ("ok" if reached else "OVER") + ("?" if unsure else "")


def not_measured(what: str, why: str, name: str = "") -> Row:
    return Row(what=what, name=name, note=why)


def ratios(measured: dict) -> list[float]:
    """Each slice of the loop against the mean of the floor's slices before and after it."""
    floor, loop = measured["floor_ns"], measured["loop_ns"]
    return [2 * ns / (floor[i] + floor[i + 1]) for i, ns in enumerate(loop)]


def middle_half(values: list[float]) -> tuple[float, float]:
    quartiles = statistics.quantiles(values, n=4)
    return quartiles[0], quartiles[2]


def row_of(measured: dict, **fields) -> Row:
    each = ratios(measured)
    return Row(ns=statistics.median(measured["loop_ns"]), ratio=statistics.median(each), spread=middle_half(each),
               **fields)


def _number(format_: str):
    return lambda value: "" if value is None else format(value, format_)


# What a column shows: its heading, and how a row fills it.
COLUMNS = {
    "name": ("", lambda row: row.name),
    "what": ("", lambda row: row.what),
    "ns": ("ns", lambda row: _number(".2f")(row.ns)),
    "ratio": ("ratio", lambda row: _number(".3f")(row.ratio)),
    "spread": ("middle half", lambda row: f"{row.spread[0]:.3f}..{row.spread[1]:.3f}" if row.spread else ""),
    "bar": ("bar", lambda row: "" if row.bar is None else f"{'>=' if row.at_least else '<='} {row.bar:g}"),
    "verdict": ("", Row.verdict),
    "instructions": ("instr", lambda row: _number(".1f")(row.instructions)),
    "bytes": ("bytes", lambda row: _number(".1f")(row.bytes)),
    "rate": ("M spans/s", lambda row: _number(".2f")(row.rate)),
    "megabytes": ("MB/s", lambda row: _number(".0f")(row.megabytes)),
    "peak": ("MB peak", lambda row: _number(".1f")(row.peak)),
    "off": ("off 1", lambda row: _number(".3f")(row.off)),
    "alone": ("alone ns", lambda row: _number(".0f")(row.alone_ns)),
    "traced": ("traced ns", lambda row: _number(".0f")(row.ns)),
    "more": ("more ns", lambda row: _number(".0f")(row.more_ns)),
    "each": ("middle half", lambda row: f"{row.spread[0]:.0f}..{row.spread[1]:.0f}" if row.spread else ""),
    "lost": ("lost", lambda row: _number("d")(row.lost)),
}
LEFT = {"name", "what", "verdict"}


def table(title: str, columns: list[str], rows: list[Row]) -> str:
    cells = [[COLUMNS[column][0] for column in columns]]
    cells += [[COLUMNS[column][1](row) for column in columns] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    lines = [title]
    for line in cells:
        shown = [text.ljust(width) if column in LEFT else text.rjust(width)
                 for text, width, column in zip(line, widths, columns)]
        lines.append((" " + "  ".join(shown)).rstrip())
    return "\n".join(lines)
