#!/usr/bin/env python3
"""test_formats_table.py: the table of layers and activations against model formats in
docs/formats.md: each cell is held by a conversion, or by a committed file of the other program.

"out": a model with that layer or activation is converted; where the format can also be read, convert
reads the file back and compares. "in" of a format that is only read: a file in tests/golden/data has
it, as `lamina inspect` says; that such files compute the right thing, the golden tests see to.
"""
import json
import re
import unittest

from support import SOURCE, Case, run

LAYERS = {"dense": "4:relu,3:softmax", "dropout": "4:relu,dropout:0.2,3:softmax",
          "layer_norm": "4,layer_norm:relu,3:softmax"}
ENDINGS = {".pt", ".pth", ".pkl", ".keras", ".h5", ".onnx"}


def listed(text, title):
    """Names of a list in the help."""
    part = text[re.search(rf"(?m)^{title}\b.*$", text).end():]
    return re.findall(r"(?m)^  (\w+)\b", part.split("\n\n")[0])


def read_table():
    """(row, column) -> set of "in", "out"."""
    text = (SOURCE / "docs" / "formats.md").read_text()
    lines = text[text.index("| layer or activation |"):].split("\n\n")[0].splitlines()
    split = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]
    names = split[0][1:]
    return {(row[0], name): set(cell.replace("-", "").replace(",", " ").split())
            for row in split[2:] for name, cell in zip(names, row[1:])}


def committed():
    """(format, layer or activation) of everything in the committed files of other programs."""
    found = set()
    for file in sorted((SOURCE / "tests" / "golden" / "data").rglob("*")):
        if file.suffix not in ENDINGS:
            continue
        done = run("inspect", file, "--json")
        about = json.loads(done.stdout) if done.returncode == 0 else {}
        for layer in about.get("layers", []):
            found.add((about["format"], layer["type"]))
            found.add((about["format"], layer.get("activation")))
    return found


class Table(Case):
    def test_each_cell(self):
        self.needs("zip")  # most committed files are archives
        cells, help_text = read_table(), run("train", "--help").stdout
        rows = listed(help_text, "Layers") + listed(help_text, "Activations")
        formats = listed(run("convert", "--help").stdout, "Formats")
        self.assertEqual({row for row, _ in cells}, set(rows))
        missing = set(formats) - {name for _, name in cells}
        self.assertEqual(missing, set(), "columns that docs/formats.md lacks")
        files = committed()
        for row in rows:
            layers = LAYERS.get(row, f"4:{row},3:softmax" if row != "softmax" else "4:tanh,3:softmax")
            model = self.model("--layers", layers, "--epochs", "1", name=f"{row}.safetensors")
            for name in formats:
                self.check(row, name, cells[row, name], model, files)

    def check(self, row, name, cell, model, files):
        with self.subTest(row=row, format=name):
            out = self.path(f"{row}_as_{name}.c" if name == "c" else f"{row}_as_{name}")
            done = run("convert", model, out, "--to", name)
            if "this build of Lamina" in done.stderr:
                return
            self.assertEqual(done.returncode == 0, "out" in cell, done.stderr)
            read_back = "largest difference" in done.stdout
            if "out" not in cell:
                self.assertEqual((name, row) in files, "in" in cell, "no committed file has it")
            elif read_back:
                self.assertIn("in", cell)
            else:
                self.assertNotIn("in", cell)


if __name__ == "__main__":
    unittest.main()
