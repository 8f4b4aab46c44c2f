"""support.py: what the tests of the command share: running it, small data sets, a scratch folder.

The environment names the command (LAMINA) and the source tree (LAMINA_SOURCE). Only the standard
library is used.
"""
import gzip
import json
import os
import pathlib
import random
import re
import shutil
import struct
import subprocess
import tempfile
import unittest

LAMINA = os.environ["LAMINA"]
SOURCE = pathlib.Path(os.environ["LAMINA_SOURCE"])
CLASSES = 4
SIDE = 6
FEW = ["--epochs", "2", "--layers", "8:relu,3:softmax"]  # a short run on the spiral


def environment(**more):
    env = dict(os.environ)
    env.update({key: value for key, value in more.items() if value is not None})
    return env


def run(*args, env=None, **more):
    """Runs the command; texts of its output and errors, and its exit status."""
    return subprocess.run([LAMINA, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=100, env=environment(**(env or {})), **more)


def write_idx(path, dimensions, values, packed=False):
    """An IDX file of unsigned bytes: 00 00 08 RANK, the dimensions big-endian, the values."""
    data = struct.pack(f">HBB{len(dimensions)}I", 0, 8, len(dimensions), *dimensions)
    data += bytes(values)
    path.write_bytes(gzip.compress(data, mtime=0) if packed else data)


def write_split(folder, prefix, samples, seed, packed=False):
    """Images of noise in which the bright row says the class; returns the labels."""
    draw = random.Random(seed)
    labels = [draw.randrange(CLASSES) for _ in range(samples)]
    pixels = []
    for label in labels:
        for row in range(SIDE):
            low, high = (160, 255) if row == label else (0, 120)
            pixels += [draw.randint(low, high) for _ in range(SIDE)]
    end = ".gz" if packed else ""
    write_idx(folder / f"{prefix}-images-idx3-ubyte{end}", [samples, SIDE, SIDE], pixels, packed)
    write_idx(folder / f"{prefix}-labels-idx1-ubyte{end}", [samples], labels, packed)
    return labels


def has_gzip():
    return re.search(r"^gzip +yes$", run("--version").stdout, re.M) is not None


def rows_have_bits_of_their_own():
    """Whether a row's outputs are the same bits in any batch: where the products are the library's
    own, as predictor.h says; a BLAS may sum in another order when there are more rows."""
    return re.search(r"^products +tiles$", run("--version").stdout, re.M) is not None


def fit_fields():
    """(name, type) of the options struct that can be set by text, from the public header."""
    text = (SOURCE / "include" / "lamina" / "fit.h").read_text()
    body = text[text.index("typedef struct lam_fit_options {"):text.index("} lam_fit_options;")]
    body = re.sub(r"/\*.*?\*/", "", body, flags=re.S)
    for kind, names in re.findall(r"^\s+(const char|float|double|size_t|uint64_t|bool) ([^;]+);",
                                  body, re.M):
        for name in names.split(","):
            if name != "struct_size":  # how large the program knows the struct: no option
                yield name.strip(" *"), kind


class Case(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lamina-cli-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return self.folder / name

    def data(self, name="data", packed=False, train=240, test=80):
        """A folder of images with both splits."""
        folder = self.path(name)
        folder.mkdir()
        write_split(folder, "train", train, 1, packed)
        write_split(folder, "t10k", test, 2, packed)
        return folder

    def has(self, part):
        """Whether the build has an optional part, by its name in --version."""
        return re.search(rf"(?m)^{part} +yes$", run("--version").stdout) is not None

    def needs(self, part):
        """Skips the test where the build lacks an optional part."""
        if not self.has(part):
            self.skipTest(f"a build without {part}")

    def good(self, *args, **more):
        """Output of a run that must succeed without a word on stderr."""
        done = run(*args, **more)
        self.assertEqual((done.returncode, done.stderr), (0, ""), args)
        return done.stdout

    def bad(self, status, *args, **more):
        """Messages of a run that must fail with this status and print no result."""
        done = run(*args, **more)
        self.assertEqual(done.returncode, status, (args, done.stdout, done.stderr))
        self.assertEqual(done.stdout, "", args)
        self.assertTrue(done.stderr.startswith("lamina: "), done.stderr)
        return done.stderr

    def json_lines(self, *args):
        return [json.loads(line) for line in self.good(*args).splitlines()]

    def model(self, *args, data="spiral", name="model.safetensors"):
        """A trained model; by default a small one of the spiral."""
        path = self.path(name)
        self.good("train", data, "-o", path, "--quiet", *(args or FEW))
        return path
