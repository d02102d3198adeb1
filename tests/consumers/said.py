#!/usr/bin/env python3
"""What perftrace itself says of a trace: said.py TRACE writes it as JSON, in the form in which the read_* programs
write what others have made of the Chrome file, so that compare.py can compare the two.

  spans        of each span: track (its name), name, parent (a name, "" for none), depth, begin_ns, elapsed_ns
               (-1: it has no end)
  async        of each async span: name, elapsed_ns
  totals       how many events, frames, counter values and flow arrows there are
  warnings     what there was to complain about

It takes this from `perftrace convert --to csv` and `perftrace info --format json`; the command is $PERFTRACE. An async
span is told by its name, which begins with "async": the CSV does not say.
"""
import csv
import io
import json
import os
import subprocess
import sys


def perftrace(*arguments):
    result = subprocess.run([os.environ.get("PERFTRACE", "perftrace"), *arguments], stdout=subprocess.PIPE, check=True)
    return result.stdout.decode("utf-8", "replace")


def span(row):
    return {
        "track": row["thread_name"],
        "name": row["function"],
        "parent": "" if row["caller"] == "unknown" else row["caller"],
        "depth": int(row["depth"]),
        "begin_ns": int(row["start_ns"]),
        "elapsed_ns": -1 if row["unfinished"] == "1" else int(row["elapsed_ns"]),
    }


def main(trace):
    contents = json.loads(perftrace("info", "--format", "json", trace))["contents"]
    table = perftrace("convert", "--to", "csv", "--output", "-", trace)
    calls = [span(row) for row in csv.DictReader(io.StringIO(table, newline=""))]
    spans = [call for call in calls if not call["name"].startswith("async")]
    asynchronous = [call for call in calls if call["name"].startswith("async")]
    warnings = []
    if (len(spans), len(asynchronous)) != (contents["span"], contents["async_span"]):
        warnings.append("info and CSV disagree: %d and %d rows, %s" % (len(spans), len(asynchronous), contents))
    said = {
        "spans": spans,
        "async": [{key: call[key] for key in ("name", "elapsed_ns")} for call in asynchronous],
        "totals": {
            "events": contents["event"],
            "frames": contents["frame"],
            "counter_values": contents["counter_value"] + contents["allocation"] + contents["free"],
            "flow_arrows": contents["flow_step"] + contents["flow_end"],
        },
        "warnings": warnings,
    }
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
