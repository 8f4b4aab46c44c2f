"""test_images.py: training on folders of images."""
import json
import pathlib
import re
import resource
import struct
import unittest
import zlib

from support import Case, run, write_idx

SIDE = 8


def png(pixels, width, height, channels):
    """A PNG file of bytes, from its definition."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = width * channels
    rows = b"".join(b"\0" + bytes(pixels[y * row : (y + 1) * row]) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if channels == 1 else 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows))
            + chunk(b"IEND", b""))


def bmp(pixels, width, height):
    """A gray BMP file, rows from above."""
    palette = b"".join(bytes([i, i, i, 0]) for i in range(256))
    rows = b"".join(bytes(pixels[y * width : (y + 1) * width]) + b"\0" * (-width % 4) for y in range(height))
    info = struct.pack("<IiiHHIIiiII", 40, width, -height, 1, 8, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 1078 + len(rows), 0, 0, 1078) + info + palette + rows


def image(label, i):
    """Pixels in which bright rows tell the class."""
    return [(i * 31 + k * 7) % 90 + (150 if k // SIDE % 3 == label else 0) for k in range(SIDE * SIDE)]


def weights(path):
    """The parameters in a model file, as bytes."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    begin = 8 + length
    return {
        name: data[begin + entry["data_offsets"][0] : begin + entry["data_offsets"][1]]
        for name, entry in header.items()
        if name.startswith("layers.")
    }


def reads_png():
    return re.search(r"^images +yes$", run("--version").stdout, re.M) is not None


def limit_address_space():
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))


class Folders(Case):
    def folder_of(self, name="images", per_class=30, write=bmp):
        folder = self.path(name)
        for split, begin in (("train", 0), ("test", 1000)):
            for label in range(3):
                place = folder / split / str(label)
                place.mkdir(parents=True)
                for i in range(begin, begin + per_class):
                    ending = "png" if write is png else "bmp"
                    args = (SIDE, SIDE, 1) if write is png else (SIDE, SIDE)
                    (place / f"{i:05}.{ending}").write_bytes(write(image(label, i), *args))
        return folder

    def idx_of(self, per_class=30):
        folder = self.path("idx")
        folder.mkdir()
        for prefix, begin in (("train", 0), ("t10k", 1000)):
            samples = [(c, i) for c in range(3) for i in range(begin, begin + per_class)]
            pixels = [value for c, i in samples for value in image(c, i)]
            write_idx(folder / f"{prefix}-images-idx3-ubyte", [len(samples), SIDE, SIDE], pixels)
            write_idx(folder / f"{prefix}-labels-idx1-ubyte", [len(samples)], [c for c, _ in samples])
        return folder

    def train(self, data, name, *args):
        path = self.path(name)
        self.good("train", data, "-o", path, "--quiet", "--epochs", "3", "--batch-size", "32", *args)
        return weights(path)

    def test_the_same_weights_as_from_idx_files(self):
        expected = self.train(self.idx_of(), "idx.safetensors")
        self.assertEqual(self.train(self.folder_of(), "bmp.safetensors"), expected)
        if reads_png():
            self.assertEqual(self.train(self.folder_of("png", write=png), "png.safetensors"), expected)

    def test_the_exporter_of_the_examples(self):
        exporter = pathlib.Path(self.lamina_folder()) / "examples" / "example_fashion_to_png"
        if not exporter.exists() or not reads_png():
            self.skipTest("no exporter, or no PNG")
        import subprocess

        folder = self.path("exported")
        subprocess.run([exporter, self.idx_of(), folder], check=True, stdout=subprocess.DEVNULL)
        self.assertEqual(len(list(folder.glob("png/*/*/*.png"))), 180)
        self.assertEqual(self.train(folder / "png", "a.safetensors"),
                         self.train(folder / "idx", "b.safetensors"))

    def lamina_folder(self):
        from support import LAMINA

        return pathlib.Path(LAMINA).resolve().parents[2]

    def test_learns_and_evaluates(self):
        folder = self.folder_of()
        model = self.model("--epochs", "20", data=folder)
        figures = json.loads(self.good("evaluate", model, folder, "--json"))
        self.assertEqual(figures["samples"], 90)
        self.assertGreater(figures["accuracy"], 0.9)

    def test_images_that_are_far_larger_than_their_files(self):
        """Whole ones are read; of one that is cut the rows are missed before there is room for
        them; a chunk that claims 2 GB is no more than its file."""
        if not reads_png():
            self.skipTest("no PNG")
        flat = png(bytes([7]) * 3000 * 3000, 3000, 3000, 1)
        cut = png(bytes([7]) * 3000 * 2999, 3000, 2999, 1).replace(
            struct.pack(">II", 3000, 2999), struct.pack(">II", 3000, 3000))
        claims = png(b"\7", 1, 1, 1)
        claims = claims[:33] + struct.pack(">I", 0x7fffffff) + b"sPLTa\0" + claims[33:]
        for name, data in (("whole", flat), ("cut", cut), ("claims", claims)):
            folder = self.path(name)
            for kind in "ab":
                (folder / kind).mkdir(parents=True)
                (folder / kind / "1.png").write_bytes(data if kind == "b" else flat)
        small = ["--width", "4", "--height", "4"]
        self.assertIn("7 to 7, mean 7", self.good("data", self.path("whole"), *small))
        lives = run("--version", preexec_fn=limit_address_space).returncode == 0
        limits = {"preexec_fn": limit_address_space} if lives else {}  # not under a sanitizer
        for name in "cut", "claims":
            self.assertIn("damaged PNG", self.bad(1, "data", self.path(name), *small, **limits))

    def test_evaluates_images_of_another_size_by_the_names_of_classes(self):
        model = self.model("--epochs", "20", data=self.folder_of())
        for label in (1, 2):  # class 0 is missing
            place = self.path("others") / str(label)
            place.mkdir(parents=True)
            for i in range(50):
                rows = [image(label, i)[y * SIDE : (y + 1) * SIDE] for y in range(SIDE)]
                large = [value for row in rows for _ in range(2) for v in row for value in (v, v)]
                (place / f"{i}.bmp").write_bytes(bmp(large, 2 * SIDE, 2 * SIDE))
        figures = json.loads(self.good("evaluate", model, self.path("others"), "--json"))
        self.assertEqual(figures["samples"], 100)
        self.assertGreater(figures["accuracy"], 0.9)

    def test_skipped_files_are_told(self):
        folder = self.folder_of()
        (folder / "train" / "1" / "00003.bmp").write_bytes(b"BM, but no more")
        message = self.bad(1, "train", folder, "-o", self.path("m"), "--quiet")
        self.assertIn("1/00003.bmp: truncated", message)
        done = run("train", folder, "-o", self.path("m"), "--quiet", "--on-error", "skip", "--epochs", "1")
        self.assertEqual(done.returncode, 0)
        self.assertIn("skipped: ", done.stderr)
        self.assertIn("1 file could not be read and was skipped, 89 samples are left", done.stderr)
        done = run("train", folder / "train", "-o", self.path("m"), "--quiet", "--on-error", "skip", "--epochs", "1",
                   "--test-share", "0.2")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stderr.count("1 file could not be read"), 1)

    def test_several_classes_a_sample(self):
        folder = self.path("many")
        for i in range(60):
            pixels = [20] * (SIDE * SIDE)
            labels = []
            for label in range(3):
                if (i * 5 + i // 7) >> label & 1:
                    labels.append(label)
                    pixels[label * SIDE : (label + 1) * SIDE] = [200 + i % 30] * SIDE
            for label in labels:
                (folder / f"row{label}").mkdir(parents=True, exist_ok=True)
                (folder / f"row{label}" / f"{i}.bmp").write_bytes(bmp(pixels, SIDE, SIDE))
        model = self.path("many.safetensors")
        lines = self.json_lines("train", folder, "-o", model, "--multi-label", "--epochs", "60", "--json",
                                "--batch-size", "16")
        self.assertGreater(lines[-1]["precision"], 0.95)
        self.assertGreater(lines[-1]["recall"], 0.95)
        described = json.loads(self.good("inspect", model, "--json"))
        self.assertIn("sigmoid", json.dumps(described))
        self.assertIn("binary_crossentropy", json.dumps(described))
        self.assertIn("row2", json.dumps(described))

    def test_changes_of_training_images(self):
        folder = self.folder_of()
        plain = self.train(folder, "plain.safetensors")
        changed = ["--rotation", "10", "--width-shift", "0.1", "--zoom", "0.1", "--horizontal-flip"]
        one = self.train(folder, "one.safetensors", *changed, "--threads", "1")
        two = self.train(folder, "two.safetensors", *changed, "--threads", "2")
        self.assertEqual(one, two)
        self.assertNotEqual(one, plain)
        self.assertEqual(self.train(folder, "none.safetensors", "--rotation", "0"), plain)

    def test_what_is_no_folder_of_classes(self):
        folder = self.path("flat")
        folder.mkdir()
        (folder / "a.bmp").write_bytes(bmp(image(0, 0), SIDE, SIDE))
        self.assertIn("a folder of images for each class",
                      self.bad(1, "train", folder, "-o", self.path("m")))
        (folder / "a.bmp").unlink()
        (folder / "empty").mkdir()
        self.assertIn("has no images", self.bad(1, "train", folder, "-o", self.path("m")))


class Photograph(Case):
    """Trousers in brown before a light wall, 300 x 270 pixels (make_photo.py); the images of
    Fashion-MNIST are light before black."""

    def test_a_garment_in_colour(self):
        data = pathlib.Path("/usr/share/datasets/fashion-mnist")
        if not data.is_dir() or not reads_png():
            self.skipTest("no Fashion-MNIST, or no JPEG")
        model = self.path("fashion.safetensors")
        self.good("train", data, "-o", model, "--quiet", "--limit", "6000", "--epochs", "3",
                  "--validation-split", "0")
        photo = pathlib.Path(__file__).resolve().parent / "garment.jpg"
        (line,) = self.json_lines("predict", model, photo, "--invert", "--json")
        self.assertEqual(line["name"], "Trouser")
        self.assertIn("Trouser", self.good("predict", model, photo, "--invert"))
        (other,) = self.json_lines("predict", model, photo, "--json")
        self.assertNotEqual(other["probability"], line["probability"])

    def test_any_size_and_what_is_no_image(self):
        model = self.path("m")
        folder = self.path("images")
        for label in range(3):
            (folder / str(label)).mkdir(parents=True)
            for i in range(30):
                (folder / str(label) / f"{i}.bmp").write_bytes(bmp(image(label, i), SIDE, SIDE))
        self.good("train", folder, "-o", model, "--quiet", "--epochs", "30", "--batch-size", "16")
        large = [value for row in range(3 * SIDE) for value in
                 sum(([v] * 3 for v in image(2, 7)[row // 3 * SIDE : (row // 3 + 1) * SIDE]), [])]
        self.path("large.bmp").write_bytes(bmp(large, 3 * SIDE, 3 * SIDE))
        (line,) = self.json_lines("predict", model, self.path("large.bmp"), "--json")
        self.assertEqual((line["class"], line["name"]), (2, "2"))
        self.path("cut.bmp").write_bytes(bmp(large, 3 * SIDE, 3 * SIDE)[:1200])
        self.assertIn("cut.bmp: truncated", self.bad(1, "predict", model, self.path("cut.bmp")))


if __name__ == "__main__":
    unittest.main()
