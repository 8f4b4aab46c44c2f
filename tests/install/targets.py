#!/usr/bin/env python3
"""targets.py: `meson install` builds what it installs: no test, benchmark or example.

    targets.py BUILD ROOT
"""
import json
import pathlib
import sys


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    build, root = map(pathlib.Path, sys.argv[1:])
    targets = json.loads((build / "meson-info" / "intro-targets.json").read_text())
    programs = [target for target in targets if target["type"] in (
        "executable", "static library", "shared library", "shared module")]
    elsewhere = [str(root / folder) for folder in ("tests", "bench", "examples")]
    own = [target for target in programs if any(
        target["defined_in"].startswith(folder) for folder in elsewhere)]
    if not own or len(own) == len(programs):
        sys.exit(f"{build}: {len(own)} of {len(programs)} programs are tests and the like")
    eager = [target["name"] for target in own if target["build_by_default"]]
    if eager:
        sys.exit("built by default: " + ", ".join(eager) + "; add build_by_default: false")


if __name__ == "__main__":
    main()
