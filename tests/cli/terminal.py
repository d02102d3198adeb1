#!/usr/bin/env python3
"""Runs a command with a terminal as standard error (and nothing else), and keeps what it writes there: terminal.py FILE COMMAND..."""

import os
import pty
import subprocess
import sys

main, side = pty.openpty()
child = subprocess.Popen(sys.argv[2:], stderr=side)
os.close(side)
with open(sys.argv[1], "wb") as screen:
    while True:
        try:
            piece = os.read(main, 65536)
        except OSError:  # nobody has it open any more
            break
        if not piece:
            break
        screen.write(piece)
sys.exit(child.wait())
