#!/usr/bin/env python3
"""headers.py: every public header compiles alone, without a warning.

    headers.py INCLUDE-DIR LANGUAGE-FLAGS... -- COMPILER...

Each header is included twice in a file of its own, first thing, so that it needs no other header
before it and survives being included again.
"""
import pathlib
import subprocess
import sys
import tempfile


def compiles(compiler, flags, include, text, suffix):
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "alone" + suffix)
        source.write_text(text)
        command = [*compiler, *flags, "-Wall", "-Wextra", "-pedantic", "-Werror",
                   "-fsyntax-only", "-I", str(include), str(source)]
        return subprocess.run(command, text=True, stderr=subprocess.PIPE, check=False)


def main():
    if "--" not in sys.argv or len(sys.argv) < 5:
        sys.exit(__doc__)
    split = sys.argv.index("--")
    include, flags, compiler = pathlib.Path(sys.argv[1]), sys.argv[2:split], sys.argv[split + 1:]
    suffix = ".cpp" if any("c++" in flag for flag in flags) else ".c"
    headers = sorted(include.glob("lamina/*.h"))
    failed = not headers
    for header in headers:
        text = f"#include <lamina/{header.name}>\n" * 2 + "int alone(void);\n"
        run = compiles(compiler, flags, include, text, suffix)
        if run.returncode:
            failed = True
            print(f"{header} does not compile alone with {' '.join(flags)}:\n{run.stderr}")
    # The check must notice a header that leans on another.
    if compiles(compiler, flags, include, "size_t leaning(void);\n", suffix).returncode == 0:
        failed = True
        print("a file that uses size_t without a header compiled: the check sees nothing")
    print(f"{len(headers)} headers, {' '.join(flags)}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
