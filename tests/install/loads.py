#!/usr/bin/env python3
"""loads.py: what a program that uses the library loads when it starts.

    loads.py READELF LDD LIBRARY BLAS full|core

That is what the library names itself, each a library behind an option of the build, and what the
BLAS brings along; nothing that comes with another one. A library for zip archives once brought
libcrypto, and starting took twice as long. Of the core it is BLAS, JSON, gzip and the C library alone.
"""
import re
import subprocess
import sys


def output(*command):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout


def named(readelf, library):
    """The sonames a library asks for itself."""
    return set(re.findall(r"\(NEEDED\).*\[(.+)\]", output(readelf, "-d", library)))


def loaded(ldd, library):
    """soname: path of everything that is loaded for a library."""
    return dict(re.findall(r"^\s*(\S+) => (\S+)", output(ldd, library), re.M))


def main():
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    readelf, ldd, library, blas, profile = sys.argv[1:]
    asked, loads = named(readelf, library), loaded(ldd, library)
    expected = asked | {name for name in loads if re.match(r"(ld-|linux-vdso|libc\.|libgcc_s)", name)}
    of_blas = [name for name in asked if name.startswith(f"lib{blas}")]
    if not loads or not of_blas:
        sys.exit(f"{library}: cannot tell what it loads: {loads or asked}")
    for name in of_blas:
        expected |= set(loaded(ldd, loads[name]))
    if profile == "core":
        core = re.compile(rf"(lib({blas}|jansson|z|m|c|pthread|dl)\.so|lib{blas}|ld-)")
        beyond = sorted(name for name in asked if not core.match(name))
        if beyond:
            sys.exit(f"{library}, built for the core, asks for {', '.join(beyond)}")
    luggage = sorted(set(loads) - expected)
    if luggage:
        sys.exit(f"{library} also loads {', '.join(luggage)}")
    print(f"{len(asked)} libraries asked for, {len(loads)} loaded")


if __name__ == "__main__":
    main()
