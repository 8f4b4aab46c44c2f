"""test_trouble.py: files that are not what they say, readers that go away, full disks."""
import json
import os
import signal
import struct
import subprocess
import unittest
import zlib

from support import FEW, LAMINA, Case, environment, run, write_idx


def with_header(model, change):
    """The bytes of a safetensors file after `change` of its header's text."""
    length = struct.unpack("<Q", model[:8])[0]
    header = change(model[8:8 + length].decode()).encode()
    return struct.pack("<Q", len(header)) + header + model[8 + length:]


def forged(model, change):
    """The same after `change` of the description of the model, the checksum made to fit."""
    length = struct.unpack("<Q", model[:8])[0]
    header, data = json.loads(model[8:8 + length]), model[8 + length:]
    meta = header["__metadata__"]
    before = zlib.crc32(data, zlib.crc32(meta["lamina"].encode()))
    assert meta["lamina_crc32"] == f"{before:08x}"
    meta["lamina"] = change(meta["lamina"])
    meta["lamina_crc32"] = f"{zlib.crc32(data, zlib.crc32(meta['lamina'].encode())):08x}"
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


class Models(Case):
    def refused(self, file):
        data = self.path("samples")
        write_idx(data, [1, 2], [1, 2])
        for args in (["inspect", file], ["inspect", file, "--json"], ["evaluate", file, "spiral"],
                     ["predict", file, data]):
            message = self.bad(1, *args)
            self.assertIn(str(file), message)
            self.assertNotIn("\x1b", message)

    def test_missing(self):
        self.refused(self.path("none.safetensors"))

    def test_folder(self):
        self.refused(self.folder)

    def test_unreadable(self):
        file = self.model()
        file.chmod(0)
        if os.access(file, os.R_OK):
            self.skipTest("root may read everything")
        self.refused(file)

    def test_not_a_model(self):
        good = self.model().read_bytes()
        file = self.path("bad")
        for bytes_ in [b"", b"\0", b"hello", good[:7], good[:100], good[:-1], good + b"\0",
                       struct.pack("<Q", 2 ** 63) + good[8:], struct.pack("<Q", 3) + b"{}}",
                       good[:len(good) - 40] + bytes(40),
                       with_header(good, lambda h: h.replace("relu", "rel\x1b")),
                       with_header(good, lambda h: h.replace("relu", "tanh")),
                       with_header(good, lambda h: h.replace("F32", "F64")),
                       with_header(good, lambda h: h.rstrip()[:-1])]:
            file.write_bytes(bytes_)
            self.refused(file)

    def test_a_forged_description(self):
        good = self.model().read_bytes()
        file = self.path("forged")
        file.write_bytes(forged(good, lambda text: text))
        self.good("inspect", file)
        for old, new in [('"units":8', '"units":800000000'), ('"units":8', '"units":-1'),
                         ('"features":2', '"features":18446744073709551615'),
                         ('"version":1', '"version":9'), ('"dense"', '"sparse"')]:
            file.write_bytes(forged(good, lambda text: text.replace(old, new)))
            self.refused(file)

    def test_forged_names(self):
        """They are shown as what they are, and only what needs them fails."""
        good, file, data = self.model().read_bytes(), self.path("forged"), self.path("samples")
        write_idx(data, [1, 2], [1, 2])
        for old, new, shown, loss in (
                ('"relu"', '"e vil"', "e vil", False),
                ('"relu"', '"rel\\u001b[2J"', "rel\\x1b[2J", False),
                ('"relu"', '"rel\\u202eu"', "rel\\u202eu", False),
                ('"categorical_crossentropy"', '"no such loss"', "no such loss", True),
                ('"categorical_crossentropy"', '"los\\u009bs"', "los\\u009bs", True)):
            file.write_bytes(forged(good, lambda text: text.replace(old, new)))
            self.assertIn(shown, self.good("inspect", file))
            self.assertTrue(self.good("inspect", file, "--json").rstrip("\n").isprintable())
            refusing = [["evaluate", file, "spiral"]] + ([] if loss else [["predict", file, data]])
            for args in refusing:
                done = run(*args)
                self.assertIn(done.returncode, (1, 2))
                self.assertIn(shown, done.stderr)
            if loss:
                self.good("predict", file, data)


class NotANumber(Case):
    def test_is_no_class(self):
        self.good("train", "spiral", "-o", self.path("m"), *FEW)
        samples = self.path("x.npy")
        header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }"
        header += b" " * (117 - len(header)) + b"\n"
        samples.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header +
                            struct.pack("<4f", 3e38, -3e38, 0.2, 0.1))  # beyond the floats once scaled
        lines = self.good("predict", self.path("m"), samples).splitlines()
        self.assertEqual(lines[0].split(), ["0", "nan"])
        self.assertNotIn("nan", lines[1])
        first, second = map(json.loads,
                            self.good("predict", self.path("m"), samples, "--json").splitlines())
        self.assertEqual([first[key] for key in ("class", "name", "probability")], [None] * 3)
        self.assertIn(second["class"], range(3))


class Samples(Case):
    def test_not_samples(self):
        model, file = self.model(), self.path("x")
        for bytes_ in [b"", b"\0\0\x08", struct.pack(">HBBII", 0, 8, 2, 2 ** 32 - 1, 2),
                       struct.pack(">HBBII", 0, 8, 2, 3, 2) + bytes(5),
                       struct.pack(">HBBII", 0, 8, 2, 3, 2) + bytes(7)]:
            file.write_bytes(bytes_)
            self.assertIn(str(file), self.bad(1, "predict", model, file))
        self.bad(1, "predict", model, self.path("none"))

    def test_labels_and_images_disagree(self):
        data = self.data()
        write_idx(data / "t10k-labels-idx1-ubyte", [3], [0, 1, 2])
        self.assertIn("t10k", self.bad(1, "train", data, "-o", self.path("m")))
        self.assertFalse(self.path("m").exists())

    def test_a_later_file_fails(self):
        model, file = self.model(), self.path("x")
        write_idx(file, [1, 2], [1, 2])
        done = subprocess.run([LAMINA, "predict", model, file, self.path("none")],
                              capture_output=True, text=True, timeout=60, env=environment())
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(self.path("none")), done.stderr)


class Readers(Case):
    def closed_early(self, *args, lines=1):
        """Starts the command, reads some lines, closes the pipe; status and messages."""
        with subprocess.Popen([LAMINA, *map(str, args)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=environment()) as process:
            for _ in range(lines):
                process.stdout.readline()
            process.stdout.close()
            errors = process.stderr.read()
            process.wait(timeout=60)
        return process.returncode, errors

    def test_predict_ends_quietly(self):
        file = self.path("x")
        write_idx(file, [20000, 2], [7] * 40000)
        status, errors = self.closed_early("predict", self.model(), file, "--json")
        self.assertEqual((status, errors), (-signal.SIGPIPE, ""))

    def test_training_goes_on(self):
        out = self.path("m")
        status, errors = self.closed_early("train", "spiral", "-o", out, *FEW, "--epochs=200")
        self.assertEqual((status, errors), (0, ""))
        self.good("inspect", out)

    def test_full_disk(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full here")
        model = self.model()
        for args in (["inspect", model], ["help", "train"], ["evaluate", model, "spiral"],
                     ["train", "spiral", "-o", self.path("n"), *FEW]):
            with open("/dev/full", "w") as full:
                done = subprocess.run([LAMINA, *map(str, args)], stdout=full,
                                      stderr=subprocess.PIPE, text=True, timeout=60,
                                      env=environment())
            self.assertEqual(done.returncode, 1, args)
            self.assertIn("standard output", done.stderr)
        self.good("inspect", self.path("n"))


if __name__ == "__main__":
    unittest.main()
