"""test_data.py: lamina data, and what train, evaluate and predict take as data."""
import json
import re
import struct
import subprocess
import unittest
import zlib

from support import LAMINA, Case, write_idx


def png(width, height, pixels, color=0):
    """A PNG of 8-bit gray (color 0) or RGB (color 2)."""
    def chunk(kind, body):
        return (struct.pack(">I", len(body)) + kind + body +
                struct.pack(">I", zlib.crc32(kind + body)))
    row = width * (3 if color == 2 else 1)
    lines = b"".join(b"\0" + bytes(pixels[y * row:(y + 1) * row]) for y in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, color,
                                                            0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))


# Content of one file and what the command says about it. A new reader adds its rows.
MALFORMED = [
    ("empty", b"", "an empty file"),
    ("unknown", b"\x7fELF\x02\x01\x01\x00", "a file of 8 bytes that begins with 7f 45 4c 46"),
    ("idx, truncated header", b"\0\0\x08\x03\0\0\0\x01\0\0", "truncated"),
    ("idx, truncated data", struct.pack(">HBBII", 0, 8, 2, 3, 4) + bytes(11), "truncated at byte"),
    ("idx, trailing bytes", struct.pack(">HBBII", 0, 8, 2, 3, 4) + bytes(13), "trailing bytes"),
    ("idx, huge", struct.pack(">HBBII", 0, 8, 2, 2**32 - 1, 2**32 - 1) + bytes(12), "truncated at byte 24"),
    ("idx, no samples", struct.pack(">HBBII", 0, 8, 2, 0, 4), "dimension 0 is 0"),
    ("idx, type", struct.pack(">HBBI", 0, 0x0C, 1, 1) + bytes(4), "32-bit integer"),
    ("idx, NaN", struct.pack(">HBBI2f", 0, 0x0D, 1, 2, 1.0, float("nan")), "not a finite number"),
    ("gzip, truncated", zlib.compress(bytes(100), wbits=31)[:20], None),
]


class Shown(Case):
    def shown(self, *args):
        return self.json_lines("data", *args, "--json")[0]

    def test_folder(self):
        data = self.data()
        shown = self.shown(data, "--split=test", "--rows=2")
        self.assertEqual((shown["format"], shown["samples"], shown["features"], shown["type"]),
                         ("idx-folder", 80, 36, "uint8"))
        self.assertTrue(shown["has_test_split"])
        self.assertEqual(shown["input"], {"kind": "image", "width": 6, "height": 6, "channels": 1,
                                          "invert": False})
        self.assertEqual(sum(c["samples"] for c in shown["classes"]), 80)
        self.assertEqual([len(row["x"]) for row in shown["rows"]], [36, 36])
        text = self.good("data", data)
        self.assertRegex(text, r"samples +240 of 36 values, bytes")
        self.assertRegex(text, r"images of 6 x 6 pixels, gray")

    def test_built_in(self):
        shown = self.shown("sine", "--rows=1")
        self.assertEqual((shown["format"], shown["classes"], len(shown["targets"])),
                         ("built-in", [], 1))
        self.assertAlmostEqual(shown["targets"][0]["highest"], 1, 4)
        self.assertEqual(shown["rows"][0]["x"], [0])

    def test_shares(self):
        """Disjoint, complete, stratified."""
        data = self.path("one")
        data.mkdir()
        labels = [0] * 60 + [1] * 30 + [2] * 10
        write_idx(data / "train-images-idx3-ubyte", [100, 1, 1], range(100))
        write_idx(data / "train-labels-idx1-ubyte", [100], labels)
        seen = []
        for split, counts in (("train", [48, 24, 8]), ("test", [12, 6, 2])):
            shown = self.shown(data, "--test-share=0.2", "--stratify", "--rows=100",
                               f"--split={split}")
            self.assertTrue(shown["has_test_split"])
            self.assertEqual([c["samples"] for c in shown["classes"]], counts)
            seen += [row["x"][0] for row in shown["rows"]]
        self.assertEqual(sorted(seen), list(range(100)))
        self.assertFalse(self.shown(data)["has_test_split"])

    def test_sheet(self):
        sheet = self.path("sheet.png")
        done = subprocess.run([LAMINA, "data", self.data(), "--sheet", sheet], capture_output=True,
                              text=True, timeout=60)
        if "libpng" in done.stderr:
            self.skipTest("no libpng")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(sheet.read_bytes().startswith(b"\x89PNG"))
        self.assertIn("images", self.bad_sheet("spiral"))

    def bad_sheet(self, data):
        done = subprocess.run([LAMINA, "data", data, "--sheet", self.path("x.png")],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 2)
        return done.stderr

    def test_malformed(self):
        for name, content, message in MALFORMED:
            with self.subTest(name):
                file = self.path("file")
                file.write_bytes(content)
                said = self.bad(1, "data", file)
                self.assertIn(str(file), said)
                self.assertIn(message or "", said)

    def test_malformed_folders(self):
        folder = self.path("folder")
        folder.mkdir()
        self.assertIn("an empty folder", self.bad(1, "data", folder))
        (folder / "notes.md").write_text("words")
        self.assertIn("a folder with 1 entry: notes.md", self.bad(1, "data", folder))
        message = self.bad(1, "data", self.path("none"))
        self.assertIn("no such file or folder", message)
        self.assertIn("a folder of IDX files", message)

    def test_wrong_options(self):
        for option, message in (("--color=grey", "--color is one of gray, rgb"),
                                ("--missing=zero", "mean, median or constant:X"),
                                ("--test-share=1", "--test-share must be"),
                                ("--header=maybe", "auto, yes, no"),
                                ("--separator=ab", "one character")):
            self.assertIn(message, self.bad(2, "data", "spiral", option))
        self.bad(2, "data")
        self.bad(2, "data", "a", "b")


class Recognized(Case):
    """Tables whose names do not say so."""

    def format_of(self, name, text):
        file = self.path(name)
        file.write_text(text)
        return json.loads(self.good("data", file, "--json"))["format"]

    def test_tables_by_content(self):
        rows = "".join(f"{i},{i * i},{'ab'[i % 2]}\n" for i in range(3000))
        for name in ("iris.data", "iris.txt", "iris"):
            self.assertEqual(self.format_of(name, rows), "csv")
        self.assertEqual(self.format_of("x.txt", "a;b\n1;2\n3;4"), "csv")
        self.assertEqual(self.format_of("x.dat", "a, b\n1, 2\r\n3, 4\r\n"), "csv")

    def test_other_text(self):
        for text in ("Dear reader,\nthis is none, is it\n", "a line, of prose\n", "words\nalone\n", '{"a": [1, 2]}\n',
                     "1,2\n3,4,5\n", '1,"2\n'):
            file = self.path("text.txt")
            file.write_text(text)
            self.assertIn("is not a known kind of data set", self.bad(1, "data", file))

    def test_a_column_from_standard_input(self):
        model = self.model("--epochs=2", data="sine")
        done = subprocess.run([LAMINA, "predict", model, "-"], input=b"0.25\n0.5\n", timeout=60, capture_output=True)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(len(done.stdout.splitlines()), 2)


class Predicted(Case):
    def setUp(self):
        super().setUp()
        self.folder_of_images = self.data()
        self.trained = self.model("--epochs=20", data=self.folder_of_images)

    def picture(self, name, scale, color):
        """The bright row 2 of a 6 x 6 picture, larger and in colour."""
        pixels = []
        for y in range(6 * scale):
            for _ in range(6 * scale):
                pixels += [200 if y // scale == 2 else 60] * (3 if color == 2 else 1)
        file = self.path(name)
        file.write_bytes(png(6 * scale, 6 * scale, pixels, color))
        return file

    def test_pictures(self):
        files = [self.picture("gray.png", 1, 0), self.picture("large.png", 7, 2)]
        done = subprocess.run([LAMINA, "predict", self.trained, *files, "--json"],
                              capture_output=True, text=True, timeout=60)
        if "libpng" in done.stderr:
            self.skipTest("no libpng")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([row["class"] for row in rows], [2, 2])
        self.assertEqual([row["file"] for row in rows], [str(file) for file in files])
        lines = self.good("predict", self.trained, *files).splitlines()
        self.assertEqual(len(lines), len(files))
        for line, file in zip(lines, files):
            self.assertRegex(line, rf"^ *{re.escape(str(file))} +2\b")

    def test_standard_input(self):
        file = self.folder_of_images / "t10k-images-idx3-ubyte"
        plain = self.good("predict", self.trained, file)
        with open(file, "rb") as opened:
            for how in ({"stdin": opened}, {"input": file.read_bytes()}):
                done = subprocess.run([LAMINA, "predict", self.trained, "-"], capture_output=True,
                                      timeout=60, **how)
                self.assertEqual((done.returncode, done.stderr), (0, b""))
                self.assertEqual(done.stdout.decode(), plain)
        done = subprocess.run([LAMINA, "predict", self.trained, "-"], input=b"", timeout=60,
                              capture_output=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"/dev/stdin", done.stderr)
        table = self.path("table.csv")
        table.write_text("width,color,kind\n" + "".join(
            f"{i},{'red' if i % 3 else 'blue'},{'wide' if i > 20 else 'slim'}\n" for i in range(40)))
        model = self.model("--epochs=30", data=table, name="table.safetensors")
        rows = b"color,width\nred,39\nblue,1\n"
        done = subprocess.run([LAMINA, "predict", model, "-", "--json"], input=rows, timeout=60,
                              capture_output=True)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual([json.loads(line)["name"] for line in done.stdout.splitlines()],
                         ["wide", "slim"])
        self.assertIn("once", self.bad(2, "predict", self.trained, "-", "-"))


if __name__ == "__main__":
    unittest.main()
