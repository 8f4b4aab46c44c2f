#!/usr/bin/env python3
"""elsewhere.py: what the library asks of the system is there on macOS and the BSDs as well.

    elsewhere.py ROOT BUILD -- COMPILER...

Each file of src/ that includes headers of the system is compiled, for its errors alone, with
elsewhere.h before it: without what only Linux has.
"""
import json
import pathlib
import re
import shlex
import subprocess
import sys

SYSTEM = re.compile(r"^#include <(unistd|fcntl|sched|pthread|dirent|dlfcn|signal|sys/.+)\.h>", re.M)


def flags(build, source):
    """-I and -D of a file, as the build has them."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["directory"], entry["file"]).resolve()
        if path == source.resolve():
            words = shlex.split(entry["command"])
            return [word for i, word in enumerate(words) if re.match(r"-[ID]|-isystem|-std", word)
                    or words[i - 1] == "-isystem"]
    return None


def main():
    if len(sys.argv) < 5 or sys.argv[3] != "--":
        sys.exit(__doc__)
    root, build, compiler = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[4:]
    header = root / "tests" / "install" / "elsewhere.h"
    tried, bad = 0, []
    for source in sorted((root / "src").rglob("*.c")):
        if not SYSTEM.search(source.read_text()):
            continue
        options = flags(build, source)
        if options is None: # of an option that is off
            continue
        tried += 1
        # X/Open's calls are there on all of them; elsewhere.h comes before a file could ask for them
        done = subprocess.run([*compiler, *options, "-D_XOPEN_SOURCE=700", "-U__linux__",
                               "-U__linux", "-U__gnu_linux__", "-include", header, "-fsyntax-only",
                               "-Werror=implicit-function-declaration", source],
                              cwd=build, text=True, stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            bad.append(str(source))
            print(done.stderr)
    if bad or not tried:
        sys.exit(f"of {tried} files {len(bad)} need what only Linux has: {' '.join(bad)}")
    print(f"{tried} files")


if __name__ == "__main__":
    main()
