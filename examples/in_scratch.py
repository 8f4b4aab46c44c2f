#!/usr/bin/env python3
"""in_scratch.py PROGRAM [ARGUMENT...]: runs a program in an empty folder, which then goes: some of the
examples write files into the folder they are run in."""
import pathlib
import subprocess
import sys
import tempfile

with tempfile.TemporaryDirectory() as folder:
    program = pathlib.Path(sys.argv[1]).resolve()
    sys.exit(subprocess.run([program, *sys.argv[2:]], cwd=folder, check=False).returncode)
