#!/bin/sh
# Two readers of all kinds of traces, ours and the second one, find the same in them.
exec "$PERFTRACE_SOURCE/tests/readers/compare.py" "$@"
