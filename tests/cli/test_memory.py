"""test_memory.py: the command under limits of memory: a container's, the shell's and its own option."""
import gzip
import json
import math
import os
import pathlib
import resource
import struct
import subprocess
import unittest

from support import LAMINA, Case, has_gzip, rows_have_bits_of_their_own, run

FEW = ["--epochs", "1", "--layers", "2:softmax", "--threads", "1"]
MB = 1 << 20


def write_npy(path, descr, shape, values=None):
    """An array of NumPy's; zeros, as a sparse file, without values."""
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * ((-len(header) - 11) % 64) + b"\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header)
        if values is None:
            count = int(descr[-1])
            for side in shape:
                count *= side
            file.truncate(file.tell() + count)
        else:
            file.write(values)


class Group:
    """A control group with a limit of memory, where this process may make one; else `path` is None."""

    def __init__(self, limit):
        self.path = None
        mine = pathlib.Path("/proc/self/cgroup")
        own = dict(line.split(":", 2)[1:] for line in
                   (mine.read_text().splitlines() if mine.exists() else []))
        for mount, controller, file in (("/sys/fs/cgroup/memory", "memory", "memory.limit_in_bytes"),
                                        ("/sys/fs/cgroup", "", "memory.max")):
            around = pathlib.Path(mount + own.get(controller, "/"))
            for parent in (around, pathlib.Path(mount)):
                path = parent / f"lamina-test-{os.getpid()}"
                try:
                    path.mkdir()
                except OSError:
                    continue
                try:
                    (path / file).write_text(str(limit))
                    self.path = path
                    return
                except OSError:
                    path.rmdir()

    def enter(self):
        (self.path / "cgroup.procs").write_text(str(os.getpid()))

    def remove(self):
        if self.path:
            self.path.rmdir()


def starts(limit):
    """Whether the command does under a limit: not under a sanitizer, and the OpenBLAS of Debian 13
    asks without end for the buffers of its threads."""
    try:
        return subprocess.run([LAMINA, "--version"], preexec_fn=limit, capture_output=True,
                              timeout=30).returncode == 0
    except subprocess.TimeoutExpired:
        return False


class Limits(Case):
    def samples(self):
        """120 MB of samples and their classes."""
        folder = self.folder / "set"
        folder.mkdir()
        write_npy(folder / "x.npy", "<f4", (3000, 10000))
        write_npy(folder / "y.npy", "|u1", (3000,), bytes(i % 2 for i in range(3000)))
        return folder

    def train(self, data, *more, **how):
        return run("train", data, "-o", self.folder / "m.safetensors", *FEW, *more, **how)

    def test_a_group_of_less_than_the_samples(self):
        group = Group(100 * MB)
        if not group.path:
            self.skipTest("no control group can be made here")
        try:
            done = self.train(self.samples(), preexec_fn=group.enter)
        finally:
            group.remove()
        self.assertEqual(done.returncode, 0, done)

    def test_address_space_of_less_than_the_samples(self):
        if not rows_have_bits_of_their_own():
            self.skipTest("a BLAS that makes the products takes as much for itself")
        # of the address space libraries take a good part, of the data next to nothing
        for kind, bytes_ in (resource.RLIMIT_AS, 240 * MB), (resource.RLIMIT_DATA, 180 * MB):
            def limit():
                resource.setrlimit(kind, (bytes_, bytes_))
            if not starts(limit):
                self.skipTest("the command does not start in so little")
            done = self.train(self.samples() if kind == resource.RLIMIT_AS else self.folder / "set",
                              preexec_fn=limit)
            self.assertEqual(done.returncode, 0, done)

    def refused(self, data, *more):
        done = self.train(data, *more)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("option memory", done.stderr)
        return done.stderr

    def test_a_table_that_does_not_fit(self):
        rows = "".join(f"{i},{i % 7},{i % 2}\n" for i in range(110000))  # 1.1 MB of text, 1.3 of cells
        table = self.folder / "t.csv"
        table.write_text("a,b,y\n" + rows)
        said = self.refused(table, "--memory", "1")
        self.assertRegex(said, r"a table of 1 MB takes about [23] MB .* may take 1 MB")
        self.refused(table, "--memory", "2")
        self.assertEqual(self.train(table, "--memory", "4").returncode, 0)
        self.assertEqual(self.train(table, "--memory", "2", "--limit", "100").returncode, 0)
        if has_gzip():
            packed = self.folder / "t.csv.gz"
            packed.write_bytes(gzip.compress(table.read_bytes()))
            self.assertIn("the text of the table takes more than the 1 MB",
                          self.refused(packed, "--memory", "1"))
            self.assertIn("110001 rows of 3 numbers", self.refused(packed, "--memory", "2"))
            self.assertEqual(self.train(packed, "--memory", "4").returncode, 0)

    def test_categories_that_do_not_fit(self):
        table = self.folder / "t.csv"  # 900 categories: 3,600 bytes for each row of 7
        table.write_text("a,y\n" + "".join(f"n{i % 900},{i % 2}\n" for i in range(9000)))
        self.assertRegex(self.refused(table, "--memory", "9"), r"9000 rows of 900 numbers take 32 MB")
        self.assertEqual(self.train(table, "--memory", "40").returncode, 0)

    def test_arrays_that_cannot_stay_in_their_file(self):
        plain = self.folder / "x.npy"
        write_npy(plain, "<f4", (1000, 1000))
        self.assertEqual(run("data", plain, "--memory", "3").returncode, 0)
        if has_gzip():
            packed = self.folder / "p.npy"
            packed.write_bytes(gzip.compress(plain.read_bytes()))
            done = run("data", packed, "--memory", "3")
            self.assertIn("1000 samples of 1000 values take 4 MB", done.stderr)
            self.assertEqual(run("data", packed, "--memory", "4").returncode, 0)


class LargeModels(Case):
    """Files of gigabytes that have a header and a hole: what inspect reads of them is little."""

    def large(self, *metadata):
        wide = 30000
        tensors, at = {}, 0
        for name, shape in (("layers.0.weight", [4, wide]), ("layers.0.bias", [wide]),
                            ("layers.1.weight", [wide, wide]), ("layers.1.bias", [wide]),
                            ("layers.2.weight", [wide, 2]), ("layers.2.bias", [2])):
            size = 4 * math.prod(shape)
            tensors[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
            at += size
        if metadata:
            tensors["__metadata__"] = dict(metadata)
        header = json.dumps(tensors).encode()
        file = self.folder / "large.safetensors"
        with open(file, "wb") as out:
            out.write(struct.pack("<Q", len(header)) + header)
            out.truncate(8 + len(header) + at)
        return file

    def inspect(self, *arguments):
        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (500 * MB, 500 * MB))
        if run("--version", preexec_fn=limit).returncode != 0:
            self.skipTest("the command does not start in so little")  # under a sanitizer
        done = run("inspect", *arguments, preexec_fn=limit)
        self.assertEqual(done.returncode, 0, done)
        return done.stdout

    def test_own(self):
        wide = {"type": "dense", "units": 30000, "activation": "relu"}
        last = {"type": "dense", "units": 2, "activation": "softmax"}
        text = json.dumps({"version": 1, "features": 4, "layers": [wide, wide, last]})
        file = self.large(("lamina", text), ("lamina_crc32", "00000000"))
        said = self.inspect(file)
        self.assertIn("900,240,002", said)
        self.assertIn("--check", said)
        told = json.loads(self.inspect(file, "--json"))
        self.assertEqual((told["parameters"], told["checked"]), (900240002, False))

    def test_bare_weights(self):
        said = self.inspect(self.large())
        self.assertIn("30000 x 30000", said)
        self.assertIn("--layers", said)


if __name__ == "__main__":
    unittest.main()
