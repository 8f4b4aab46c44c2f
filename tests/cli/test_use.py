"""test_use.py: evaluate, predict and inspect what was trained."""
import gzip
import random
import struct
import unittest

from support import (CLASSES, SIDE, Case, has_gzip, rows_have_bits_of_their_own, write_idx,
                     write_split)

NAMES = ["T-shirt", "Höse \"9\"", "tab\tname", "last\\one"]


class RoundTrip(Case):
    def setUp(self):
        super().setUp()
        self.images = self.data()
        (self.images / "labels.txt").write_text("\n".join(NAMES) + "\n")
        self.trained = self.model("--epochs=15", data=self.images)
        self.test_file = self.images / "t10k-images-idx3-ubyte"

    def test_evaluate(self):
        scores = self.json_lines("evaluate", self.trained, self.images, "--json")[0]
        self.assertEqual(scores["samples"], 80)
        for key in ["loss", "data_loss", "regularization_loss", "accuracy", "precision", "recall"]:
            self.assertIsInstance(scores[key], (int, float), key)
        self.assertGreater(scores["accuracy"], 0.9)
        whole = self.json_lines("evaluate", self.trained, self.images, "--json", "--split=train",
                                "--batch-size=7", "--threads=2")[0]
        self.assertEqual(whole["samples"], 240)
        part = self.json_lines("evaluate", self.trained, self.images, "--json", "--limit=10")[0]
        self.assertEqual(part["samples"], 10)

    def test_evaluate_table(self):
        rows = dict(line.split() for line in
                    self.good("evaluate", self.trained, self.images).splitlines())
        self.assertEqual(rows["samples"], "80")
        scores = self.json_lines("evaluate", self.trained, self.images, "--json")[0]
        for key in ["loss", "accuracy", "precision", "recall"]:
            self.assertAlmostEqual(float(rows[key]), scores[key], delta=6e-5)

    def test_only_test_files(self):
        other = self.path("other")
        other.mkdir()
        write_split(other, "t10k", 30, 7)
        scores = self.json_lines("evaluate", self.trained, other, "--json")[0]
        self.assertEqual(scores["samples"], 30)
        self.bad(1, "evaluate", self.trained, other, "--split", "train")

    def test_predictions_match_the_accuracy(self):
        draw = random.Random(2)
        labels = [draw.randrange(CLASSES) for _ in range(80)]
        rows = self.json_lines("predict", self.trained, self.test_file, "--json")
        self.assertEqual([row["index"] for row in rows], list(range(80)))
        right = sum(row["class"] == label for row, label in zip(rows, labels))
        scores = self.json_lines("evaluate", self.trained, self.images, "--json")[0]
        self.assertAlmostEqual(right / 80, scores["accuracy"], delta=1e-9)
        for row in rows:
            self.assertEqual(row["name"], NAMES[row["class"]])
            self.assertTrue(0.25 <= row["probability"] <= 1)

    def test_the_order_of_many_classes(self):
        """Few are put in their places, many are sorted: the same order, equal ones by number."""
        table = self.path("many.csv")
        table.write_text("a,y\n" + "".join(f"{i % 9},c{i % 40}\n" for i in range(80)))
        model = self.model("--epochs", "1", "--layers", "40:softmax", data=table, name="many")
        orders = {}
        for top in (2, 16, 17, 40, 99):
            rows = self.json_lines("predict", model, table, "--json", "--top", str(top))
            orders[top] = [[entry["class"] for entry in row["top"]] for row in rows]
            for row in rows:
                keys = [(-entry["probability"], entry["class"]) for entry in row["top"]]
                self.assertEqual(keys, sorted(keys))
        self.assertEqual(orders[40], orders[99])
        for top in (2, 16, 17):
            self.assertEqual(orders[top], [row[:top] for row in orders[40]])

    def test_top(self):
        rows = self.json_lines("predict", self.trained, self.test_file, "--json", "--top=9",
                               "--limit=5")
        self.assertEqual(len(rows), 5)
        for row in rows:
            found = [entry["probability"] for entry in row["top"]]
            self.assertEqual(found, sorted(found, reverse=True))
            self.assertEqual(sorted(entry["class"] for entry in row["top"]), list(range(CLASSES)))
            self.assertAlmostEqual(sum(found), 1, delta=1e-5)
            self.assertEqual(row["top"][0]["class"], row["class"])
        two = self.json_lines("predict", self.trained, self.test_file, "--json", "--top=2",
                              "--limit=5")
        self.assertEqual([row["top"] for row in two], [row["top"][:2] for row in rows])

    def test_lines(self):
        lines = self.good("predict", self.trained, self.test_file, "--limit=300").splitlines()
        self.assertEqual(len(lines), 80)
        for index, line in enumerate(lines):
            number, rest = line.split(maxsplit=1)
            self.assertEqual(int(number), index)
            self.assertRegex(rest, r"\S +[01]\.\d{4}$")
            self.assertNotIn("\t", line)

    def test_several_files(self):
        lines = self.good("predict", self.trained, self.test_file, self.test_file,
                          "--limit=2").splitlines()
        self.assertEqual(lines[0], str(self.test_file))
        self.assertEqual(lines[:3], lines[3:])

    def test_more_rows_than_a_batch(self):
        many = self.path("many")
        many.mkdir()
        write_split(many, "t10k", 600, 3)
        file = many / "t10k-images-idx3-ubyte"
        rows = self.json_lines("predict", self.trained, file, "--json")
        again = self.json_lines("predict", self.trained, file, "--json", "--limit=300")
        if not rows_have_bits_of_their_own():
            for row, other in zip(rows, again):
                self.assertAlmostEqual(row.pop("probability"), other.pop("probability"), 6)
        self.assertEqual(rows[:300], again)
        self.assertEqual(rows[-1]["index"], 599)

    def test_gzip(self):
        if not has_gzip():
            self.skipTest("built without gzip")
        packed = self.path("packed.gz")
        packed.write_bytes(gzip.compress(self.test_file.read_bytes()))
        plain = self.good("predict", self.trained, self.test_file)
        self.assertEqual(self.good("predict", self.trained, packed), plain)
        folder = self.data("packed", packed=True)
        self.assertEqual(self.good("evaluate", self.trained, folder, "--json"),
                         self.good("evaluate", self.trained, self.images, "--json"))

    def test_wrong_features(self):
        file = self.path("small")
        write_idx(file, [2, 3], [1, 2, 3, 4, 5, 6])
        message = self.bad(1, "predict", self.trained, file)
        self.assertIn("3 values", message)
        self.assertIn(str(SIDE * SIDE), message)
        message = self.bad(1, "evaluate", self.trained, "spiral")
        self.assertIn(str(SIDE * SIDE), message)

    def test_inspect(self):
        shown = self.json_lines("inspect", self.trained, "--json")[0]
        self.assertEqual(shown["features"], SIDE * SIDE)
        self.assertEqual(shown["outputs"], CLASSES)
        self.assertEqual(shown["class_names"], NAMES)
        self.assertEqual(shown["loss"], "categorical_crossentropy")
        self.assertEqual(shown["bytes"], self.trained.stat().st_size)
        parameters = sum(layer["inputs"] * layer["outputs"] + layer["outputs"]
                         for layer in shown["layers"])
        self.assertEqual(shown["parameters"], parameters)
        text = self.good("inspect", self.trained)
        self.assertIn(f"{parameters:,}", text)
        for word in ["36 x 128", "relu", "softmax", "categorical_crossentropy", "T-shirt",
                     "scaled from 0..255 to -1..1"]:
            self.assertIn(word, text)
        self.assertNotIn("\t", text)


class OwnData(Case):
    def table(self, name="points.csv", samples=400):
        """Points whose class is told by two columns, with a text column beside; some gaps."""
        draw = random.Random(3)
        rows = ["a,b,city,side"]
        for i in range(samples):
            a, b = draw.uniform(-1, 1), draw.uniform(-1, 1)
            side = "left" if a < b else "right"
            rows.append(f"{a:.3f},{b:.3f},\"{draw.choice(['Bonn', 'Ulm, old'])}\",{side}")
        rows[5] = ",0.5,Bonn,left"
        self.path(name).write_text("\n".join(rows) + "\n")
        return self.path(name)

    def test_table(self):
        table = self.table()
        message = self.bad(1, "train", table, "-o", self.path("m"))
        self.assertIn("line 6, column 1 ('a'): the value is missing", message)
        model = self.model("--epochs=30", "--missing=mean", "--test-share=0.25", data=table)
        scores = self.json_lines("evaluate", model, table, "--test-share", "0.25", "--json")[0]
        self.assertEqual(scores["samples"], 100)
        self.assertGreater(scores["accuracy"], 0.85)
        # a table without the target, columns in another order, a city nobody knows
        self.path("new.tsv").write_text("city\tb\ta\nBonn\t-1\t1\nKiel\t1\t-1\n\t0.9\t\n")
        answers = self.json_lines("predict", model, self.path("new.tsv"), "--json")
        self.assertEqual([answer["name"] for answer in answers[:2]], ["right", "left"])
        self.assertEqual(len(answers), 3)
        self.path("bad.csv").write_text("a,b\n1,2\n")
        self.assertIn("no column 'city'", self.bad(1, "predict", model, self.path("bad.csv")))

    def test_table_of_numbers_to_predict(self):
        rows = "".join(f"{i / 50},{i / 25 + 0.5},{i % 7}\n" for i in range(100))
        self.path("t.csv").write_text("x,y,noise\n" + rows)
        model = self.model("--epochs=60", "--target=y", "--ignore=noise", "--layers=16:tanh,1:linear",
                           data=self.path("t.csv"))
        answers = self.json_lines("predict", model, self.path("t.csv"), "--json", "--limit", "3")
        self.assertEqual([len(answer["values"]) for answer in answers], [1, 1, 1])
        self.assertIn("unknown column 'z'",
                      self.bad(2, "train", self.path("t.csv"), "--target=z", "-o", self.path("m")))

    def test_array(self):
        header = "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 2), }"
        self.path("x.npy").write_bytes(b"\x93NUMPY\1\0" + bytes([len(header), 0]) + header.encode()
                                       + bytes(range(6)))
        answers = self.json_lines("predict", self.model(), self.path("x.npy"), "--json")
        self.assertEqual(len(answers), 3)

    def test_labels_that_only_the_test_split_has(self):
        data = self.path("few")
        data.mkdir()
        for prefix, labels in (("train", [0, 1, 2]), ("t10k", [0, 3])):
            write_idx(data / f"{prefix}-images-idx3-ubyte", [len(labels), 2], range(2 * len(labels)))
            write_idx(data / f"{prefix}-labels-idx1-ubyte", [len(labels)], labels)
        model = self.model("--epochs=1", data=data)
        self.assertEqual(self.json_lines("inspect", model, "--json")[0]["outputs"], 4)

    def test_splits_of_different_width(self):
        data = self.path("widths")
        data.mkdir()
        for prefix, width in (("train", 3), ("t10k", 5)):
            write_idx(data / f"{prefix}-images-idx3-ubyte", [2, width], range(2 * width))
            write_idx(data / f"{prefix}-labels-idx1-ubyte", [2], [0, 1])
        message = self.bad(1, "train", data, "-o", self.path("m"))
        self.assertIn("samples have 3 values in the training split but 5 in the test split", message)

    def test_one_class(self):
        data = self.path("one")
        data.mkdir()
        write_idx(data / "train-images-idx3-ubyte", [2, 3], range(6))
        write_idx(data / "train-labels-idx1-ubyte", [2], [0, 0])
        self.assertIn("one class", self.bad(1, "train", data, "-o", self.path("m")))

    def test_predict_takes_files(self):
        model = self.model()
        data = self.data()
        self.assertIn(f"'{data}' is a folder", self.bad(1, "predict", model, data))
        self.assertIn("built-in", self.bad(1, "predict", model, "spiral", cwd=self.folder))


class OtherOutputs(Case):
    def floats(self, *values):
        """An IDX file of one 32-bit float a sample."""
        file = self.path("x")
        file.write_bytes(struct.pack(f">HBBI{len(values)}f", 0, 13, 1, len(values), *values))
        return file

    def test_regression(self):
        model = self.model("--validation-split=0", data="sine")
        file = self.floats(0.25, 0.5, 0.75)
        rows = self.json_lines("predict", model, file, "--json")
        for row, expected in zip(rows, [1, 0, -1]):
            self.assertEqual(len(row["values"]), 1)
            self.assertAlmostEqual(row["values"][0], expected, delta=0.15)
        lines = self.good("predict", model, file).splitlines()
        self.assertAlmostEqual(float(lines[0].split()[1]), rows[0]["values"][0], delta=1e-5)

    def test_decisions(self):
        images = self.data()
        model = self.model("--epochs=10", f"--layers=16:relu,{CLASSES}:sigmoid", data=images)
        file = images / "t10k-images-idx3-ubyte"
        rows = self.json_lines("predict", model, file, "--json", "--threshold=0.3")
        seen = set()
        for row in rows:
            self.assertEqual(row["decisions"], [int(p > 0.3) for p in row["probabilities"]])
            seen.update(row["decisions"])
        self.assertEqual(seen, {0, 1})
        self.assertEqual(len(self.good("predict", model, file).split("\n")[0].split()),
                         1 + 2 * CLASSES)


if __name__ == "__main__":
    unittest.main()
