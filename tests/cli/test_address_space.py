"""test_address_space.py: every reader under limits of address space: an answer or an error, no crash."""
import os
import pathlib
import resource
import struct
import subprocess
import unittest

from support import LAMINA, Case, run

CORPUS = pathlib.Path(os.environ["LAMINA_SOURCE"]) / "tests/fuzz/corpus"
KB = 1 << 10
MODELS = ("checkpoint", "foreign", "keras", "model", "onnx")
DATA = ("csv", "idx", "npy", "npz")


def limited(kilobytes, *args):
    """A command with so much address space; None when it hangs."""
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (kilobytes * KB, kilobytes * KB))
    try:
        return subprocess.run([LAMINA, *map(str, args)], preexec_fn=limit, capture_output=True,
                              timeout=60)
    except subprocess.TimeoutExpired:
        return None


def least():
    """The least address space in which the command starts, in kB; None: more than 400 MB, as a
    sanitizer takes, or where OpenBLAS waits for buffers of its threads (Debian 13)."""
    low, high = 0, 400 << 10
    while high - low > 500:
        middle = (low + high) // 2
        done = limited(middle, "--version")
        if done is None:
            return None
        low, high = (low, middle) if done.returncode == 0 else (middle, high)
    return high if high < 400 << 10 else None


def some_of(reader):
    """Files of a corpus: one as it should be, and those that claim more than they hold."""
    files = sorted((CORPUS / reader).iterdir())
    sound = [f for f in files if not f.name.startswith("hostile-")]
    return sound[:1] + [f for f in files if f.name.startswith("hostile-")][::3]


class AddressSpace(Case):
    def setUp(self):
        super().setUp()
        self.start = least()
        if self.start is None:
            self.skipTest("the command does not start under such a limit here")

    def hold(self, *args):
        for more in (300, 3000, 30000):
            done = limited(self.start + more, *args)
            self.assertIsNotNone(done, f"{args}: hangs with {self.start + more} kB")
            self.assertIn(done.returncode, (0, 1, 2), f"{args}: {self.start + more} kB, {done}")
            self.assertTrue(done.stdout or done.stderr, f"{args}: not a word")

    def test_models(self):
        for reader in MODELS:
            for file in some_of(reader) if (CORPUS / reader).exists() else ():
                self.hold("inspect", file)

    def test_data(self):
        for reader in DATA:
            for file in some_of(reader):
                self.hold("data", file)

    def test_images(self):
        model = self.folder / "m.safetensors"
        folder = self.folder / "images"
        for name, value in (("a", 0), ("b", 255)):
            (folder / name).mkdir(parents=True)
            for i in range(2):
                (folder / name / f"{i}.bmp").write_bytes(
                    b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54 + 8, 0, 0, 54, 40, 2, 1, 1, 24, 0, 8,
                                        0, 0, 0, 0) + bytes([value, value, 9]) * 2 + b"\0\0")
        done = run("train", folder, "-o", model, "--layers", "2:softmax", "--epochs", "1",
                   "--threads", "1", "--test-share", "0")
        if done.returncode != 0:
            self.skipTest("no images here: " + done.stderr)
        for file in some_of("image"):
            self.hold("predict", model, file)

    def test_large(self):
        """Enough that it does not fit: what is missing is named."""
        table = self.folder / "wide.csv"
        table.write_text(",".join(f"x{i}" for i in range(200000)) + "\n" + "1," * 199999 + "1\n")
        done = limited(self.start + 5000, "data", table)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn(b"memory", done.stderr)


if __name__ == "__main__":
    unittest.main()
