#!/usr/bin/env python3
"""symbols.py: what the shared library exports, and what it calls.

    symbols.py NM LIBRARY ROOT             compare with tests/install/symbols.txt and the headers
    symbols.py --update NM LIBRARY ROOT    write symbols.txt anew, after a wanted change
"""
import pathlib
import re
import subprocess
import sys

# What a library that never prints, exits or changes global state has no business calling.
# (assert's own __assert_fail is there in builds with assertions.)
FORBIDDEN = {
    "printf", "vprintf", "puts", "putchar", "perror", "stdout", "stderr", "stdin",
    "__printf_chk", "__vprintf_chk", "exit", "_exit", "_Exit", "quick_exit", "abort", "atexit",
    "rand", "srand", "random", "srandom", "drand48", "setlocale", "signal", "sigaction",
    "fesetround", "fesetenv", "setenv", "putenv",
}

PUBLIC = re.compile(r"^lam_[a-z][a-z0-9_]*$")


def symbols(nm, library, which):
    """Names in the dynamic symbol table, without versions and the linker's own."""
    command = [nm, "-D", which, "--format=posix", library]
    if sys.platform == "darwin":
        command = [nm, "-gU" if which == "--defined-only" else "-gu", "-P", library]
    text = subprocess.run(command, text=True, check=True, stdout=subprocess.PIPE).stdout
    names = {line.split()[0].split("@")[0] for line in text.splitlines() if line.strip()}
    if sys.platform == "darwin":
        names = {name.removeprefix("_") for name in names}
    return names - {"_init", "_fini", "_edata", "_end", "__bss_start"}


def declared(root):
    """Every function the public headers declare with LAM_API."""
    names = set()
    for header in (root / "include" / "lamina").glob("*.h"):
        for text in re.findall(r"^LAM_API\b([^;(]*)\(", header.read_text(), re.M):
            names.add(re.split(r"[\s*]+", text.strip())[-1])
    return names


def main():
    arguments = sys.argv[1:]
    update = arguments[:1] == ["--update"]
    if len(arguments) != 3 + update:
        sys.exit(__doc__)
    nm, library, root = arguments[update:]
    root = pathlib.Path(root)
    listed_file = root / "tests" / "install" / "symbols.txt"
    exported = symbols(nm, library, "--defined-only")
    if update:
        listed_file.write_text("".join(f"{name}\n" for name in sorted(exported)))
        return

    listed = set(listed_file.read_text().split())
    called = symbols(nm, library, "--undefined-only")
    complaints = [
        ("exported but not in symbols.txt", exported - listed),
        ("in symbols.txt but not exported", listed - exported),
        ("exported but in no public header", exported - declared(root)),
        ("in a public header but not exported", declared(root) - exported),
        ("exported under a name that is not lam_ and lower case",
         {name for name in exported if not PUBLIC.match(name)}),
        ("ours, used, but defined nowhere", {n for n in called if n.startswith("lam")}),
        ("called, though the library never prints, exits or changes the process",
         called & FORBIDDEN),
    ]
    failed = not exported or not called
    for text, names in complaints:
        for name in sorted(names):
            print(f"{name}: {text}")
            failed = True
    print(f"{len(exported)} symbols exported by {library}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
