"""test_names.py: names that files bring with them: no control reaches the terminal, and JSON stays
JSON."""
import json
import os
import struct
import subprocess
import unittest

from support import FEW, LAMINA, Case, environment, write_idx

NAMES = {  # what a file may say, and how it is shown
    b"\x1b[31mred": "\\x1b[31mred",
    b"two\nlines": "two\\nlines",
    b"csi \xc2\x9b2J": "csi \\u009b2J",
    b"\x7fdel": "\\x7fdel",
    b"a\xe2\x80\xaetxt": "a\\u202etxt",
}
INVALID = {b"caf\xff": "caf\\xff", b"\x9b2J": "\\x9b2J", b"\xed\xa0\x80": "\\xed\\xa0\\x80"}


class Names(Case):
    def run_bytes(self, *args):
        done = subprocess.run([LAMINA, *args], stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=100, env=environment())
        for out in (done.stdout, done.stderr):
            text = out.decode("utf-8")  # valid in any case
            for c in text:
                self.assertTrue(c == "\n" or c.isprintable(), (args, text))
        return done

    def text(self, *args, status=0):
        done = self.run_bytes(*args)
        self.assertEqual(done.returncode, status, (args, done.stderr))
        return (done.stdout + done.stderr).decode()

    def json(self, *args, status=0):
        done = self.run_bytes(*args)
        self.assertEqual(done.returncode, status, (args, done.stderr))
        return [json.loads(line) for line in done.stdout.decode().splitlines()]

    def table(self, names):
        """A table whose columns and classes have the names."""
        cell = [b'"' + name + b'"' for name in names]
        rows = [b",".join(cell + [b"y"])]
        for r in range(6 * len(cell)):
            rows.append(b",".join([b"%d" % ((r * 7 + c) % 10) for c in range(len(cell))] +
                                  [cell[r % len(cell)]]))
        path = self.path("names.csv")
        path.write_bytes(b"\n".join(rows) + b"\n")
        return path

    def test_columns_and_classes(self):
        data, model = self.table(list(NAMES)), self.path("m.safetensors")
        self.text("train", data, "-o", model, "--epochs", "1", "--layers", "5:softmax", "-q")
        spoken = {name.decode() for name in NAMES}
        for args in (["data", data], ["inspect", model], ["predict", model, data]):
            shown = self.text(*args)
            found = self.json(*args, "--json")
            for how in NAMES.values():
                if args[0] != "predict":
                    self.assertIn(how, shown, args)
            if args[0] == "data":
                self.assertEqual({c["name"] for c in found[0]["input"]["columns"]}, spoken | {"y"})
                self.assertEqual({c["name"] for c in found[0]["classes"]}, spoken)
            elif args[0] == "inspect":
                self.assertEqual(set(found[0]["class_names"]), spoken)
            else:
                self.assertLessEqual({row["name"] for row in found}, spoken)
        self.needs("onnx")
        self.text("convert", model, self.path("m.onnx"))
        self.assertEqual(set(self.json("inspect", self.path("m.onnx"), "--json")[0]["class_names"]),
                         spoken)

    def test_names_that_are_no_utf8_are_refused_in_a_table(self):
        for name, how in INVALID.items():
            self.assertIn(how, self.text("data", self.table([name, b"b"]), status=1))

    def test_files(self):
        for i, (name, how) in enumerate({**NAMES, **INVALID}.items()):
            folder = os.fsencode(self.folder)
            model, data = folder + b"/" + name, folder + b"/data " + name
            self.text("train", "spiral", "-o", model, "-q", *FEW)
            with open(data, "wb") as out:
                out.write(b"1,2\n3,4\n")
            self.assertIn(how, self.text("inspect", model))
            self.assertIn(how, self.text("predict", model, data, data))
            self.assertIn(how, self.text("predict", model, data + b" missing", status=1))
            self.assertIn(how, self.text("data", data, "--target", ""))
            for row in self.json("predict", model, data, "--json"):
                self.assertTrue(row["file"].startswith(str(self.folder)))
            self.json("inspect", model, "--json")
            os.rename(model, folder + b"/%d" % i)

    def foreign(self, header):
        """A safetensors file with this header."""
        path = self.path("foreign.safetensors")
        header += b" " * (-len(header) % 8)
        path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(16))
        return path

    def test_metadata_and_tensors_of_other_programs(self):
        tensor = b'{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}'
        for escaped, how in ((b"\\u001b[2J", "\\x1b[2J"), (b"\\u009b2J", "\\u009b2J"),
                             (b"a\\nb", "a\\nb"), (b"\\u202e", "\\u202e"),
                             (b"\xc2\x9b", "\\u009b")):
            path = self.foreign(b'{"__metadata__":{"%s":"%s"},"%s":%s}' %
                                (escaped, escaped, escaped, tensor))
            self.assertEqual(self.text("inspect", path).count(how), 3)
            found = self.json("inspect", path, "--json")[0]
            self.assertIn(json.loads(b'"%s"' % escaped), found["facts"])
            self.assertEqual(found["arrays"][0]["name"], json.loads(b'"%s"' % escaped))
        for invalid in (b"\\ud800", b"\\udc00x", b"\xff", b"\\u0000"):
            path = self.foreign(b'{"%s":%s}' % (invalid, tensor))
            done = self.run_bytes("inspect", path)
            self.assertEqual(done.returncode, 1, done.stdout)

    def test_class_names_of_a_folder(self):
        folder = self.path("data")
        folder.mkdir()
        write_idx(folder / "train-images-idx3-ubyte", [4, 2, 2], range(16))
        write_idx(folder / "train-labels-idx1-ubyte", [4], [0, 1, 0, 1])
        (folder / "labels.txt").write_bytes(b"caf\xff\n\x1b[2J\n")
        shown = self.text("data", folder)
        self.assertIn("caf\\xff", shown)
        self.assertIn("\\x1b[2J", shown)
        self.assertEqual([c["name"] for c in self.json("data", folder, "--json")[0]["classes"]],
                         ["caf\ufffd", "\x1b[2J"])


if __name__ == "__main__":
    unittest.main()
