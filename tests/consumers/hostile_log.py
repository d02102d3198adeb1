#!/usr/bin/env python3
"""Writes a log whose names try to be more than names when somebody shows them on a page."""
import sys

NAMES = [
    "</script><img src=x onerror=hit=1>",
    "<!--<script>hit=1",
    "]]></style><svg onload=hit=1>",
    "\"'`; hit=1; //",
    "\u202egnp.exe\u2066\u200b\u2028hit=1\u2029",
    "__proto__",
    "constructor",
    "{{hit=1}} ${hit=1} %3Cscript%3E &lt;b&gt; &#60;i&#62;",
    "javascript:hit=1",
    "a\\u003c/script\\u003e",
    "\U0001f600\U000e0041",
    "x" * 1000000,
]

out = sys.stdout.buffer
number = 0
for turn in range(3):
    for name in NAMES:
        for caller in ("main", name[:2000]):
            number += 1
            text = "PERF_TRACE|%d|%s|caller=%s|__proto__=%s|elapsed_ms=%d|%s=1\n" % (
                number, name, caller, name[:2000], turn + 1, "polluted")
            out.write(text.encode())
out.write(b"PERF_TRACE|1000|\xff\xfe\xed\xa0\x80|caller=\xc3\x28|elapsed_ms=1\n")
out.write(b"PERF_TRACE|18446744073709551615|last|caller=main|elapsed_ms=1000000\n")
