#!/usr/bin/env python3
"""structure.py: holds the source tree to its own rules, from the text of the files.

    structure.py CHECK ROOT     one of the checks below on a source tree
    structure.py itself ROOT    every check must find what is wrong with a bad tree made up here

Only the standard library is used. A check yields one line a violation.
"""
import pathlib
import re
import sys
import tempfile

# Headers of other libraries, and the rooms that alone may see them.
OF_ROOMS = {
    "cblas.h": ["kernels/blas"],
    "lapacke.h": ["kernels/blas"],
    "jansson.h": ["io/json", "formats/safetensors", "formats/keras", "fit/checkpoints"],
    "zlib.h": ["io", "formats/keras"],
    "png.h": ["data/readers/images"],
    "turbojpeg.h": ["data/readers/images"],
    "onnx.pb-c.h": ["formats/onnx"],
}

# The command sees public headers only, whatever room of it.
COMMAND = ["cli", "cli/commands"]

FILE_LINES = 500
FUNCTION_LINES = 80
FOLDER_FILES = 26

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def sources(root):
    """All C sources and headers of the rooms, in a fixed order."""
    return sorted(p for p in (root / "src").rglob("*.[ch]"))


def rooms_of(root):
    """The rooms, from the top of the layering to the bottom, as src/meson.build lists them: a room
    uses itself and the rooms before it. So no circle of rooms passes."""
    text = (root / "src" / "meson.build").read_text()
    block = re.search(r"foreach room : \[\n(.*?)\]", text, re.S)
    return re.findall(r"'([^']+)'", block.group(1)) + COMMAND


def room_of(root, path):
    return path.parent.relative_to(root / "src").as_posix()


def generated(root):
    """The name of the header that meson.build writes into the build folder."""
    match = re.search(r"configure_file\(output: '([^']+\.h)'", (root / "meson.build").read_text())
    return match.group(1) if match else None


def includes(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1), match.group(2)


def check_layering(root):
    """No #include goes down the list of rooms; the command sees the public headers only."""
    features = generated(root)
    rooms = rooms_of(root)
    for path in sources(root):
        room = room_of(root, path)
        if room not in rooms:
            yield f"{path}: {room} is no room: {' '.join(rooms)}"
            continue
        for number, quote, name in includes(path):
            where = f"{path}:{number}"
            owners = OF_ROOMS.get(name, [room])
            if room not in owners:
                yield f"{where}: <{name}> belongs to src/{', src/'.join(owners)} alone"
            if quote == "<":
                continue
            folder, slash, _ = name.rpartition("/")
            if name == features:
                if room in COMMAND:
                    yield f"{where}: the command sees public headers only, not {name}"
            elif not slash:
                if name not in OF_ROOMS and not (path.parent / name).exists():
                    yield f"{where}: {name} is not in src/{room}; write \"ROOM/FILE.h\""
            elif folder not in rooms:
                yield f"{where}: {folder} is no room"
            elif room in COMMAND and folder not in COMMAND:
                yield f"{where}: the command sees public headers only, not {name}"
            elif rooms.index(folder) > rooms.index(room):
                yield f"{where}: src/{room} may not use src/{folder}, which lies below it"
            elif not (root / "src" / name).exists():
                yield f"{where}: there is no src/{name}"


def check_folders(root):
    """A folder can be taken in at a glance."""
    for folder in sorted({path.parent for path in sources(root)}):
        count = len(list(folder.glob("*.[ch]")))
        if count > FOLDER_FILES:
            yield f"{folder}: {count} files, more than {FOLDER_FILES}"


def check_public(root):
    """Public headers include the C library and each other, nothing else."""
    for path in sorted((root / "include" / "lamina").glob("*.h")):
        for number, quote, name in includes(path):
            public = name.startswith("lamina/") and (root / "include" / name).exists()
            standard = name in ("stdbool.h", "stddef.h", "stdint.h")
            if quote != "<" or not (public or standard):
                yield f"{path}:{number}: a public header may not include {name}"


def check_names(root):
    """A file name occurs once, so that a name in a message or a talk says which file."""
    seen = {}
    for path in sources(root):
        if path.name in seen:
            yield f"{path}: the same name as {seen[path.name]}"
        seen.setdefault(path.name, path)


def functions(lines):
    """(line number, length) of each function, by the braces in column 0 of our style."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            yield start, number - start + 1
            start = None


def check_length(root):
    """Files and functions stay small enough to be read at one sitting."""
    for path in sources(root):
        lines = path.read_text().splitlines()
        if len(lines) > FILE_LINES:
            yield f"{path}: {len(lines)} lines, more than {FILE_LINES}"
        for start, length in functions(lines):
            if length > FUNCTION_LINES:
                yield f"{path}:{start}: a function of {length} lines, more than {FUNCTION_LINES}"


def check_forks(root):
    """A mutex that outlives a call is watched, so that a forked child never waits for it."""
    for path in sources(root):
        text = path.read_text()
        if path.name in ("fork.c", "image_read.c"):  # its own; one that lasts for a call
            continue
        if re.search(r"PTHREAD_MUTEX_INITIALIZER|pthread_mutex_init", text) and \
                "lam__fork_watch" not in text:
            yield f"{path.relative_to(root)}: a mutex without lam__fork_watch"


def check_opening(root):
    """The first line says what a file is: /* name.c: ... */"""
    for path in sources(root) + sorted((root / "include" / "lamina").glob("*.h")):
        first = path.read_text().splitlines()[:1]
        if not first or not first[0].startswith(f"/* {path.name}: "):
            yield f"{path}:1: does not begin with \"/* {path.name}: \""


def check_comments(root):
    """Every public declaration has a comment right above it."""
    found = 0
    for path in sorted((root / "include" / "lamina").glob("*.h")):
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines, 1):
            if line.startswith("LAM_API"):
                found += 1
                if number < 2 or not lines[number - 2].rstrip().endswith("*/"):
                    yield f"{path}:{number}: no comment right above: {line}"
    if not found:
        yield f"{root}/include/lamina: not one LAM_API declaration found"


def check_version(root):
    """meson.build and status.h tell the same version."""
    meson = re.search(r"version:\s*'([^']+)'", (root / "meson.build").read_text())
    text = (root / "include" / "lamina" / "status.h").read_text()
    header = re.search(r'#define LAM_VERSION_STRING "([^"]+)"', text)
    parts = [re.search(rf"#define LAM_VERSION_{p} (\d+)", text) for p in ("MAJOR", "MINOR", "PATCH")]
    if not meson or not header or not all(parts):
        yield f"{root}: a version number is missing in meson.build or status.h"
    elif not meson.group(1) == header.group(1) == ".".join(p.group(1) for p in parts):
        yield (f"{root}: meson.build says {meson.group(1)}, status.h {header.group(1)} and "
               + ".".join(p.group(1) for p in parts))


def check_tests(root):
    """Every test program is built, and tests something: Criterion is content with no test at all."""
    for path in sorted((root / "tests").glob("*/test_*.c")):
        if not re.search(r"^\s*(Test|ParameterizedTest|Theory)\(|^int main\(", path.read_text(), re.M):
            yield f"{path}: not one test in it"
        build = path.parent / "meson.build"
        name = path.stem.removeprefix("test_")
        if not build.exists() or not re.search(rf"\b(test_)?{name}\b", build.read_text()):
            yield f"{path}: {build} does not build it"


# What makes a test fail on some machines only: pattern, why.
NOT_IN_TESTS = [
    (r"\bcr_log_(warn|error)\b|\bCR_LOG_(WARNING|ERROR)\b|\bcriterion_perror\b",
     "Criterion fails a program that warns, though all its tests pass: print to stderr"),
    (r'"/tmp/', "another user or run may have that file: scratch_make() in tests/support"),
]


def check_portable(root):
    """No test depends on what is installed, or on what others left, by accident."""
    for path in sorted((root / "tests").glob("*/*.[ch]")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for pattern, why in NOT_IN_TESTS:
                if re.search(pattern, line):
                    yield f"{path}:{number}: {why}"


def check_readme(root):
    """The program in README.md is the one in examples/, which the tests run."""
    blocks = re.findall(r"^```c\n(.*?)^```$", (root / "README.md").read_text(), re.M | re.S)
    program = (root / "examples" / "one_screen.c").read_text()
    if program not in blocks:
        yield f"{root}/README.md: no block of C is examples/one_screen.c as it stands"


def check_docs(root):
    """Names, paths and links in the documents exist."""
    code = "\n".join(p.read_text() for top in ("include", "src", "tests", "bench", "examples")
                     for p in sorted((root / top).rglob("*.[ch]")))
    known = set(re.findall(r"\blam__?[a-z0-9_]+", code))
    for path in sorted([*root.glob("*.md"), *root.glob("docs/*.md")]):
        text = path.read_text()
        for name in sorted(set(re.findall(r"`(lam__?[a-z0-9_]+)(?:\(\))?`", text)) - known):
            yield f"{path}: no such name: {name}"
        tops = "src|include|tests|bench|docs|examples|scripts"
        for name in sorted(set(re.findall(rf"`((?:{tops})/[\w./-]+)`", text))):
            if not (root / name).exists():
                yield f"{path}: no such file: {name}"
        for name in sorted(set(re.findall(r"\]\(([^)#:]+)\)", text))):
            if not (path.parent / name).exists():
                yield f"{path}: a link to nothing: {name}"


CHECKS = {
    "docs": check_docs,
    "layering": check_layering,
    "folders": check_folders,
    "public": check_public,
    "names": check_names,
    "length": check_length,
    "opening": check_opening,
    "forks": check_forks,
    "comments": check_comments,
    "version": check_version,
    "tests": check_tests,
    "portable": check_portable,
    "readme": check_readme,
}

# A tree in which every check has something to find: file, text, and check -> expected words.
BAD_TREE = {
    "meson.build": "project('x', version: '0.2.0')\nconfigure_file(output: 'made.h')\n",
    "include/lamina/status.h": '#include "base/error.h"\n#define LAM_VERSION_STRING "0.1.0"\n'
    "#define LAM_VERSION_MAJOR 0\n#define LAM_VERSION_MINOR 1\n#define LAM_VERSION_PATCH 0\n"
    "\nLAM_API int lam_bare(void);\n",
    "src/meson.build": "foreach room : [\n  'base',\n  'nn',\n  'full',\n]\nendforeach\n",
    **{f"src/full/f{i}.c": f"/* f{i}.c: x. */\n" for i in range(27)},
    "src/base/error.h": "/* error.h: x. */\n",
    "src/base/up.c": '/* up.c: x. */\n#include "nn/layers.h"\n#include <cblas.h>\n'
    "static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;\n",
    "src/nn/layers.h": "int nothing;\n",
    "src/nn/error.h": '/* error.h: x. */\n#include "base/absent.h"\n',
    "src/cli/main.c": '/* main.c: x. */\n#include "base/error.h"\n#include "made.h"\n',
    "src/attic/old.c": "/* old.c: x. */\n",
    "README.md": "```c\nint main(void);\n```\n`lam_absent()` [x](docs/absent.md) `src/gone.c`\n",
    "examples/one_screen.c": "int main(int argc, char **argv);\n",
    "tests/unit/meson.build": "unit_tests = ['empty', 'warns']\n",
    "tests/unit/test_empty.c": "/* Test(nothing, here) */\n",
    "tests/unit/test_lost.c": "Test(lost, found)\n{\n}\n",
    "tests/unit/test_warns.c": 'Test(a, b)\n{\n    cr_log_warn("no clang here");\n'
    '    cr_log(CR_LOG_ERROR, "x");\n    save("/tmp/model");\n}\n',
    "src/nn/long.c": "/* long.c: x. */\nvoid f(void)\n{\n" + "    ;\n" * 500 + "}\n",
}
BAD_FINDINGS = {
    "docs": ["no such name: lam_absent", "no such file: src/gone.c", "a link to nothing: docs/absent"],
    "layering": ["src/base may not use src/nn", "belongs to src/kernels/blas", "no src/base/absent.h",
                 "not base/error.h", "not made.h", "attic is no room"],
    "folders": ["src/full: 27 files"],
    "public": ["may not include base/error.h"],
    "names": ["the same name as"],
    "length": ["504 lines", "a function of 502 lines"],
    "forks": ["up.c: a mutex without"],
    "opening": ["layers.h:1: does not begin", "status.h:1: does not begin"],
    "comments": ["no comment right above: LAM_API int lam_bare"],
    "version": ["meson.build says 0.2.0, status.h 0.1.0"],
    "tests": ["test_empty.c: not one test", "test_lost.c: "],
    "portable": ["test_warns.c:3: Criterion", "test_warns.c:4: Criterion", "test_warns.c:5: another"],
    "readme": ["no block of C"],
}


def check_itself(_root):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in BAD_TREE.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for check, expected in BAD_FINDINGS.items():
            found = list(CHECKS[check](root))
            for words in expected:
                if sum(words in line for line in found) != 1:
                    yield f"{check}: not found exactly once: {words!r} in {found}"
            if len(found) != len(expected):
                yield f"{check}: {len(expected)} findings expected: {found}"
        if set(BAD_FINDINGS) != set(CHECKS):
            yield "a check has no bad tree"


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in {**CHECKS, "itself": None}:
        sys.exit(__doc__)
    check = CHECKS.get(sys.argv[1], check_itself)
    found = list(check(pathlib.Path(sys.argv[2])))
    for line in found:
        print(line)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
