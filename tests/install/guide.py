#!/usr/bin/env python3
"""guide.py: does to a copy of the tree what an example of CONTRIBUTING.md says, and tests that.

    guide.py ROOT FOLDER [HEADING...] [-- MESON...]

An example begins with **HEADING** (such as "A layer, from start to end") and ends where the next
one or the next chapter does. The first line of each of its blocks of code says where the block goes:

    ```c src/nn/layers/scale.c                          a new file
    ```c src/nn/layers/layers.h after=X(dropout)        after the one line that holds the text

The copy is made in FOLDER, which is emptied first. Prints the files touched.
"""
import pathlib
import re
import shutil
import subprocess
import sys

BLOCK = re.compile(r"^( *)```\w* (\S+)(?: after=([^\n]*))?\n(.*?)^\1```$", re.M | re.S)

# Each example: the most files of src it may touch, the programs that try it, and texts that the
# command must know afterwards.
EXAMPLES = {
    "A layer, from start to end": (
        8,
        ["kernels/test_kernels", "unit/test_layers", "unit/test_c_source", "unit/test_quantize",
         "unit/test_onnx", "unit/test_model"],
        ["--layers=6:relu,scale:tanh"]),
}


def example(text, heading):
    """The part of CONTRIBUTING.md under a heading."""
    start = text.index(f"**{heading}**")
    end = re.compile(r"^(?:\*\*|## )", re.M).search(text, start + 2)
    return text[start:end.start() if end else len(text)]


def blocks(text):
    """File, text of the line before or None, and lines of each block."""
    for indent, path, after, body in BLOCK.findall(text):
        lines = [line[len(indent):] if line.startswith(indent) else line
                 for line in body.split("\n")]
        yield path, after or None, "\n".join(lines)


def apply(copy, path, after, body):
    """Makes a file, or puts a block into one."""
    file = copy / path
    if after is None:
        if file.exists():
            sys.exit(f"{path} is there already")
        file.write_text(body)
        return
    lines = file.read_text().splitlines(keepends=True)
    found = [i for i, line in enumerate(lines) if after in line]
    if len(found) != 1:
        sys.exit(f"{path}: {len(found)} lines hold '{after}', not one")
    lines.insert(found[0] + 1, body)
    file.write_text("".join(lines))


def left_out(folder, names):
    """What is no part of the tree: the repository, and folders that Meson builds in."""
    return [name for name in names if name in (".git", "__pycache__") or
            (pathlib.Path(folder) / name / "meson-private").exists()]


def run(*command, cwd):
    """Runs a command; what it printed when it fails."""
    done = subprocess.run(command, cwd=cwd, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout[-8000:]}")
    return done.stdout


def follow(root, folder, heading, meson):
    """One example."""
    most, programs, flags = EXAMPLES[heading]
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(root, folder, ignore=left_out)
    touched = {}
    for path, after, body in blocks(example((root / "CONTRIBUTING.md").read_text(), heading)):
        apply(folder, path, after, body)
        touched[path] = touched.get(path, 0) + body.count("\n")
    if not touched:
        sys.exit(f"no block of code under '{heading}'")
    print(f"{heading}: {len(touched)} files")
    for path, lines in touched.items():
        print(f"  {path} +{lines}")
    if len(touched) > most:
        sys.exit(f"more than {most}")
    run(*meson, "setup", "build", "-Dwerror=true", cwd=folder)
    run("ninja", "-C", "build", "-j2", "src/cli/lamina", *(f"tests/{p}" for p in programs),
        cwd=folder)
    for program in programs:
        told = run(folder / "build/tests" / program, cwd=folder / "build")
        print(f"  {program}: {told.strip()[-90:]}")
    for flag in flags:
        run(folder / "build/src/cli/lamina", "train", "spiral", flag, "--epochs=1", "-o",
            folder / "model.safetensors", cwd=folder)
        print(run(folder / "build/src/cli/lamina", "inspect", folder / "model.safetensors",
                  cwd=folder))


def main():
    """Command line."""
    given = sys.argv[1:]
    meson = ["meson"]
    if "--" in given:
        meson = given[given.index("--") + 1:]
        given = given[:given.index("--")]
    root, folder = pathlib.Path(given[0]).resolve(), pathlib.Path(given[1]).resolve()
    for heading in given[2:] or EXAMPLES:
        follow(root, folder, heading, meson)


if __name__ == "__main__":
    main()
