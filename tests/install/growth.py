#!/usr/bin/env python3
"""growth.py: programs compiled with another version of the headers work with this library.

    growth.py ROOT LIBRARY -- COMPILER...

growth.c is compiled with the headers as they are, with headers whose structs lack their last fields
(a program from before these were added), and with headers whose structs have one more (a program
from after), and run with the shared library LIBRARY. Each struct that a caller makes is one of these
or named in FIXED.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# Structs that only the library makes, or that never grow: lamina/export.h says so.
FIXED = {"lam_scores"}
LIBRARY_MADE = {"lam_epoch", "lam_event", "lam_metric_rows", "lam_import_line", "lam_content_array",
                "lam_content_fact"}

STRUCT = re.compile(r"^typedef struct (lam_\w+) \{\n(.*?)^\} \1;\n", re.M | re.S)


def without_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def fields(body):
    """The declarations of a struct, in order."""
    return [line.strip() + ";" for line in without_comments(body).split(";") if line.strip()]


def growing(headers):
    return {found[1]: fields(found[2]) for header in headers
            for found in STRUCT.finditer(header.read_text())
            if found[1] not in FIXED | LIBRARY_MADE}


def rewritten(text, change):
    def struct(found):
        if found[1] in FIXED | LIBRARY_MADE:
            return found[0]
        return f"typedef struct {found[1]} {{\n{change(fields(found[2]))}\n}} {found[1]};\n"
    return STRUCT.sub(struct, text)


def last_name(declaration):
    """Of the last thing that a declaration of fields declares."""
    function = re.search(r"\(\*(\w+)\)", declaration)
    return function[1] if function else re.search(r"(\w+)(\[\w+\])?;$", declaration)[1]


def padding_checks(structs):
    """A field added to a struct must lie beyond its end, not in bytes that it already has."""
    return "#include <lamina/lamina.h>\n" + "".join(
        f'_Static_assert(offsetof({name}, {last_name(declared[-1])}) + '
        f'sizeof((({name} *)0)->{last_name(declared[-1])}) == sizeof({name}), '
        f'"{name} ends with padding");\n'
        for name, declared in structs.items() if not name.endswith("_info"))


def main():
    if len(sys.argv) < 5 or sys.argv[3] != "--":
        sys.exit(__doc__)
    root, library, compiler = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[4:]
    headers = sorted((root / "include" / "lamina").glob("*.h"))
    structs = growing(headers)
    versions = {
        "as it is": (lambda declared: "\n".join(declared), []),
        "shorter": (lambda declared: "\n".join(declared[:-1]), ["-DSHORTER"]),
        "longer": (lambda declared: "\n".join([*declared, "unsigned long long later;"]),
                   ["-DLATER"]),
    }
    source = root / "tests" / "install" / "growth.c"
    unused = [name for name in structs if f"GUARDED({name})" not in source.read_text()]
    if len(structs) < 20 or unused:
        sys.exit(f"{len(structs)} structs grow; growth.c does not use {unused}")
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "padding.c").write_text(padding_checks(structs))
        if sys.maxsize > 2 ** 32:
            subprocess.run([*compiler, "-std=c11", "-fsyntax-only", f"-I{root / 'include'}",
                            folder / "padding.c"], check=True)
        for version, (change, flags) in versions.items():
            place = folder / version.replace(" ", "_")
            (place / "include" / "lamina").mkdir(parents=True)
            for header in headers:
                (place / "include" / "lamina" / header.name).write_text(
                    rewritten(header.read_text(), change))
            shutil.copy(source, place)
            subprocess.run([*compiler, "-std=c11", "-O1", *flags, f"-I{place / 'include'}",
                            place / "growth.c", str(library), "-o", place / "growth"], check=True)
            run = subprocess.run([place / "growth", place], text=True, check=False,
                                 stdout=subprocess.PIPE, env={
                                     **os.environ, "LD_LIBRARY_PATH": str(library.parent)})
            print(f"headers {version}: {run.stdout.strip()}")
            failed |= run.returncode != 0 or run.stdout != "works\n"
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
