"""test_model_sizes.py: what wide and deep models take in memory, beside the size of their file."""
import json
import os
import pathlib
import struct
import sys
import unittest
import zipfile
import zlib

from support import LAMINA, Case, run

MB = 1 << 20


def write_model(path, description, tensors, more=()):
    """A file of Lamina's; tensors are (name, shape, values of one float each)."""
    text = json.dumps(description, separators=(",", ":"))
    data, header, at = [], {}, 0
    for name, shape, value in tensors:
        count = 1
        for side in shape:
            count *= side
        data.append(struct.pack("<f", value) * count)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + 4 * count]}
        at += 4 * count
    crc = 0
    for part in [text.encode(), *data]:
        crc = zlib.crc32(part, crc)
    metadata = {"lamina": text, "lamina_crc32": f"{crc:08x}", **dict(more)}
    head = json.dumps({"__metadata__": metadata, **header}, separators=(",", ":")).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(head)) + head)
        file.writelines(data)


def table(columns, features, outputs=1, **more):
    """A model of one layer for the rows of a table."""
    layer = {"type": "dense", "units": outputs, "activation": "linear"}
    description = {"version": 2, "features": features, "layers": [layer],
                   "transform": {"kind": "standardize"}, **more,
                   "input": {"kind": "table", "header": True, "columns": columns}}
    return description, [("layers.0.weight", [features, outputs], 0.5),
                         ("layers.0.bias", [outputs], 0.5), ("transform.mean", [features], 0.5),
                         ("transform.std", [features], 1.0)]


def numbers(count):
    return table([{"name": f"x{i}", "kind": "number"} for i in range(count)], count)


def texts(count):
    return table([{"name": f"t{i}", "kind": "text", "categories": ["a", "b"]}
                  for i in range(count)], 2 * count)


def categories(count):
    return table([{"name": "c", "kind": "text", "categories": [f"k{i}" for i in range(count)]}],
                 count)


def ignored(count):
    columns = [{"name": f"x{i}", "kind": "ignored"} for i in range(count)]
    return table([{"name": "x", "kind": "number"}, *columns], 1)


def classes(count):
    return table([{"name": "x", "kind": "number"}], 1, count,
                 class_names=[f"k{i}" for i in range(count)])


def deep(layers):
    dense = {"type": "dense", "units": 1, "activation": "linear"}
    tensors = [(f"layers.{i}.{what}", shape, 0.5) for i in range(layers)
               for what, shape in (("weight", [1, 1]), ("bias", [1]))]
    return {"version": 1, "features": 1, "layers": [dense] * layers}, tensors


SMALL = deep(1)


class Sizes(Case):
    def peak(self, *args):
        """The largest resident size of a command that works."""
        pid = os.fork()
        if pid == 0:
            nothing = os.open(os.devnull, os.O_RDWR)
            os.dup2(nothing, 1)
            os.dup2(nothing, 2)
            os.execv(LAMINA, [LAMINA, *map(str, args)])
        _, status, used = os.wait4(pid, 0)
        self.assertEqual(os.waitstatus_to_exitcode(status), 0, args)
        return used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)

    def setUp(self):
        super().setUp()
        self.small = self.folder / "small.safetensors"
        write_model(self.small, *SMALL)
        if b"__asan_init" in pathlib.Path(LAMINA).read_bytes():
            self.skipTest("AddressSanitizer keeps what is released for a while")
        if self.peak("inspect", self.small) > 64 * MB:
            self.skipTest("a BLAS takes more than what is counted here")

    def hold(self, limit, model, *args, more=()):
        """A command takes at most `limit` times the file more than for a small model, and 4 MB."""
        path = self.folder / "model.safetensors"
        write_model(path, *model, more)
        command = [path if a == "MODEL" else a for a in args]
        without = self.peak(*[self.small if a == "MODEL" else a for a in args])
        taken, size = self.peak(*command) - without, path.stat().st_size
        self.assertLess(taken, limit * size + 4 * MB,
                        f"{args}: {taken / size:.1f} times a file of {size} bytes")

    def test_inspect(self):
        for model in (numbers(80000), texts(50000), categories(150000), ignored(80000),
                      classes(100000), deep(10000)):
            with self.subTest(model[0]["features"]):
                self.hold(4, model, "inspect", "MODEL")

    def test_long_metadata(self):
        self.hold(4, SMALL, "inspect", "MODEL", more=[("note", "n\n" * 2000000)])
        pairs = [(f"k{i}", "") for i in range(99990)]
        self.hold(4, SMALL, "inspect", "MODEL", more=pairs)

    def test_convert(self):
        for model in (numbers(80000), classes(100000), deep(10000)):
            with self.subTest(model[0]["features"]):
                self.hold(4, model, "convert", "MODEL", self.folder / "out.safetensors", "--force")

    def test_large_archive_of_torch(self):
        self.needs("zip")
        """Its arrays are told without their values."""
        source = pathlib.Path(os.environ["LAMINA_SOURCE"]) / "tests/fuzz/corpus/foreign/torch"
        large = self.folder / "large.pt"
        with zipfile.ZipFile(source) as old, zipfile.ZipFile(large, "w") as new:
            names = old.namelist()
            for name in names:
                new.writestr(name, old.read(name))
            new.writestr(names[0].replace("data.pkl", "data/99"), bytes(66 * MB))
        taken = self.peak("inspect", large) - self.peak("inspect", self.small)
        self.assertLess(taken, 8 * MB, "the values have been read")
        told = self.good("inspect", large)
        for text in ("F32       3 x 2                 0.weight", "see --check"):
            self.assertIn(text, told)
        status = run("inspect", "--check", large)
        self.assertEqual(status.returncode, 0, status.stderr)
        self.assertIn("bare weights", status.stdout)

    def test_predict(self):
        row = self.folder / "row.csv"
        row.write_text("x\n1\n")
        for model in (classes(100000), deep(10000)):
            with self.subTest(model[0]["features"]):
                self.hold(4, model, "predict", "MODEL", row)


if __name__ == "__main__":
    unittest.main()
