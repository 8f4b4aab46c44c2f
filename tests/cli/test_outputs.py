"""test_outputs.py: files that are written: none of the user's is lost, and neither is a model."""
import json
import os
import signal
import subprocess
import unittest

from support import FEW, LAMINA, Case, environment, run

TABLE = "a,b,y\n" + "".join(f"{i % 7},{i % 5},{'no' if i % 2 else 'yes'}\n" for i in range(40))
QUICK = ["--epochs", "1", "--layers", "2:softmax", "-q"]


def has_pictures():
    return "images           yes" in run("--version").stdout


class Outputs(Case):
    def setUp(self):
        super().setUp()
        self.table = self.path("p.csv")
        self.table.write_text(TABLE)

    def kept(self, path, content, status, said, *args, **more):
        """The command refuses, and the file is as it was."""
        before = os.stat(path).st_ino
        message = self.bad(status, *args, **more)
        self.assertIn(said, message)
        self.assertEqual(path.read_bytes(), content)
        self.assertEqual(os.stat(path).st_ino, before)
        return message

    def link(self, name, target, make=os.symlink):
        path = self.path(name)
        make(target, path)
        return path

    def pictures(self):
        """A folder of two classes of pictures, written by hand."""
        for name in "ab":
            (self.path("img") / name).mkdir(parents=True)
            for i in range(2):
                head = b"BM" + (54 + 4 * 4 * 3).to_bytes(4, "little") + bytes(4)
                head += (54).to_bytes(4, "little") + (40).to_bytes(4, "little")
                head += (4).to_bytes(4, "little") * 2 + b"\1\0\x18\0" + bytes(24)
                (self.path("img") / name / f"{i}.bmp").write_bytes(head + bytes([i]) * 48)
        return self.path("img")


class Inputs(Outputs):
    def test_data_is_never_the_model(self):
        content = TABLE.encode()
        plain = self.path("data")  # no extension gives it away
        plain.write_text(TABLE)
        for name, other in (("link", self.link("link", plain)),
                            ("hard", self.link("hard", plain, os.link)),
                            ("itself", plain), ("way around", self.path("../") / "./data")):
            other = plain if name == "way around" else other
            spelled = f"{self.folder}/../{self.folder.name}/./data" if name == "way around" else other
            self.kept(plain, content, 2, "input files are never replaced", "train", plain, "-o",
                      spelled, "--force", *QUICK)
            self.kept(plain, content, 2, "input files are never replaced", "train", spelled, "-o",
                      plain, *QUICK)

    def test_standard_input_is_never_the_model(self):
        content = TABLE.encode()
        plain = self.path("data")
        plain.write_text(TABLE)
        for args in (["train", "-", "-o", plain, "--force", *QUICK],
                     ["train", "-", "-o", self.link("link", plain), "--force", *QUICK],
                     ["data", "-", "--sheet", self.link("s.png", plain, os.link), "--force"]):
            with open(plain, "rb") as file:
                done = subprocess.run([LAMINA, *map(str, args)], stdin=file, timeout=100,
                                      stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("input files are never replaced", done.stderr)
            self.assertEqual(plain.read_bytes(), content)

    def test_a_file_in_the_folder_of_data_is_never_replaced(self):
        folder = self.pictures()
        picture = folder / "a" / "0.bmp"
        content = picture.read_bytes()
        outside = self.link("outside", picture, os.link)
        for path in (picture, outside):
            self.kept(picture, content, 2, "", "train", folder, "-o", path, "--force", *QUICK)
        self.kept(picture, content, 2, "input files are never replaced", "train", folder, "-o",
                  outside, "--force", *QUICK)

    def test_weights_to_begin_with_are_never_replaced(self):
        model = self.model()
        content = model.read_bytes()
        self.kept(model, content, 2, "input files are never replaced", "train", "spiral", "-o",
                  self.link("m", model), "--init-from", model, *FEW, "--force")

    def test_conversion_never_replaces_what_it_reads(self):
        model = self.model()
        content = model.read_bytes()
        for name in (model, self.link("same.safetensors", model),
                     self.link("hard.safetensors", model, os.link)):
            self.kept(model, content, 2, "input files are never replaced", "convert", model, name,
                      "--force")
        beside = self.path("model.safetensors.data")  # as values of ONNX lie beside the file
        beside.write_bytes(b"values")
        self.kept(beside, b"values", 2, "input files are never replaced", "convert", model, beside,
                  "--to", "safetensors", "--force")
        samples = self.path("calibrate.c")
        samples.write_text(TABLE)
        self.kept(samples, TABLE.encode(), 2, "input files are never replaced", "convert", model,
                  samples, "--quantize", "int8", "--calibrate", samples, "--force")

    def test_a_contact_sheet_never_replaces_data(self):
        self.kept(self.table, TABLE.encode(), 2, "name it", "data", self.table, "--sheet",
                  self.table)
        folder = self.pictures()
        picture = folder / "a" / "0.png"
        os.rename(folder / "a" / "0.bmp", picture)
        self.kept(picture, picture.read_bytes(), 2, "input files are never replaced", "data", folder,
                  "--sheet", picture, "--force")

    def test_standard_output_is_no_model(self):
        log = self.path("log")
        with open(log, "w") as out:
            done = subprocess.run([LAMINA, "train", "spiral", "-o", log, *FEW], stdout=out,
                                  stderr=subprocess.PIPE, text=True, timeout=100)
        self.assertEqual(done.returncode, 2)
        self.assertIn("standard output goes there", done.stderr)


    def test_standard_output_is_no_input(self):
        """lamina predict MODEL DATA >> DATA, and the like."""
        model = self.model()
        for path, args in ((self.table, ["data", self.table]),
                           (self.table, ["predict", model, self.table]),
                           (self.table, ["evaluate", model, self.table]),
                           (self.table, ["train", self.table, "-o", self.path("m"), *QUICK]),
                           (model, ["predict", model, self.table]), (model, ["inspect", model]),
                           (model, ["evaluate", model, "spiral"]),
                           (model, ["convert", model, self.path("m.c")])):
            before = path.read_bytes()
            with open(path, "ab") as out:
                done = subprocess.run([LAMINA, *map(str, args)], stdout=out,
                                      stderr=subprocess.PIPE, text=True, timeout=100)
            self.assertEqual(done.returncode, 2, args)
            self.assertIn("standard output goes there", done.stderr)
            self.assertEqual(path.read_bytes(), before)


class Strangers(Outputs):
    def test_files_of_others_need_force(self):
        mine = self.path("notes")
        mine.write_text("years of work")
        self.kept(mine, b"years of work", 1, "--force", "train", "spiral", "-o", mine, *FEW, "-q")
        self.kept(mine, b"years of work", 1, "--force", "train", "spiral", "-o",
                  self.link("link", mine), *FEW, "-q")
        model = self.model()
        for name in ("net.c", "net.onnx", "net.safetensors"):
            other = self.path(name)
            other.write_text("years of work")
            self.kept(other, b"years of work", 1, "--force", "convert", model, other)
        header = self.path("unit.h")  # written beside the C source
        header.write_text("years of work")
        self.kept(header, b"years of work", 1, "unit.h", "convert", model, self.path("unit.c"))
        self.assertFalse(self.path("unit.c").exists())
        self.good("train", "spiral", "-o", mine, *FEW, "-q", "--force")
        self.good("inspect", mine)

    def test_a_safetensors_file_of_others_needs_force(self):
        other = self.path("m.safetensors")
        header = b'{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
        content = len(header).to_bytes(8, "little") + header + bytes(4)
        other.write_bytes(content)
        self.kept(other, content, 1, "--force", "train", "spiral", "-o", other, *FEW, "-q")

    def test_own_files_are_replaced(self):
        model = self.model()
        self.model()
        names = ["net.c", "again.safetensors"] + ["net.onnx"] * self.has("onnx")
        for name in names:
            for _ in range(2):
                self.good("convert", model, self.path(name))
        empty = self.path("empty")  # as mktemp makes them
        empty.touch()
        self.model(name="empty")
        self.model("--epochs", "1", "--checkpoint", self.path("run"), name="other")
        newest = sorted(self.path("run").iterdir())[-1]
        self.good("train", "spiral", "-o", self.link("copy", newest, os.link), *FEW, "-q")

    @unittest.skipUnless(has_pictures(), "a build without pictures")
    def test_pictures(self):
        folder, sheet = self.pictures(), self.path("sheet.png")
        for _ in range(2):
            self.good("data", folder, "--sheet", sheet)
        photo = self.path("photo.png")
        content = sheet.read_bytes().replace(b"Lamina", b"Camera")
        photo.write_bytes(content)
        self.kept(photo, content, 1, "--force", "data", folder, "--sheet", photo)
        self.good("data", folder, "--sheet", photo, "--force")

    def test_a_write_protected_model_needs_force(self):
        model = self.model()
        model.chmod(0o444)
        self.kept(model, model.read_bytes(), 1, "write-protected", "train", "spiral", "-o", model,
                  *FEW, "-q")

    def test_checkpoints_keep_their_names(self):
        run_folder = self.path("run")
        self.bad(2, "train", "spiral", "-o", run_folder, "--checkpoint", run_folder, *FEW)
        self.model("--epochs", "1", "--checkpoint", run_folder)
        newest = sorted(run_folder.iterdir())[-1]
        self.kept(newest, newest.read_bytes(), 2, "checkpoints", "train", "spiral", "-o", newest,
                  "--checkpoint", run_folder, "--resume", "--force", *FEW)


class Names(Outputs):
    def test_extensions_of_other_formats(self):
        for name, said in (("m.onnx", "m.safetensors' '"), ("m.ONNX", "lamina convert"),
                           ("m.c", "lamina convert"), ("m.pt", "not written"),
                           ("m.pth", "not written"), ("m.keras", "not written"),
                           ("m.h5", "not written"), ("m.pkl", "not written"),
                           ("m.csv", "another kind"), ("m.npz", "another kind"),
                           ("m.png", "another kind"), ("m.json", "another kind"),
                           ("m.tar.gz", "another kind")):
            path = self.path(name)
            message = self.bad(2, "train", "spiral", "-o", path, "--force", *FEW)
            self.assertIn(said, message)
            self.assertIn(".safetensors'", message)
            self.assertFalse(path.exists())
        for name in ("m", "m.lamina", "m.v1.2", ".hidden"):
            self.model(name=name)

    def test_the_extension_and_the_format_asked_for(self):
        model = self.model()
        for name, to in (("x.c", "onnx"), ("x.csv", "onnx"), ("x.pt", "safetensors"),
                         ("x.onnx", "c"), ("x.h", "c")):
            self.bad(2, "convert", model, self.path(name), "--to", to)
            self.assertFalse(self.path(name).exists())
        self.bad(2, "data", self.pictures(), "--sheet", self.path("s.jpg"))

    def test_links(self):
        target, link = self.path("target"), self.link("link", self.path("target"))
        message = self.bad(1, "train", "spiral", "-o", link, *FEW)
        self.assertIn("does not exist", message)
        self.assertFalse(target.exists())
        target.touch()
        self.model(name="link")
        self.assertTrue(link.is_symlink())
        self.good("inspect", target)
        for name in ("a", "b"):
            self.link(name, self.path("b" if name == "a" else "a"))
        self.bad(1, "train", "spiral", "-o", self.path("a"), *FEW)

    @unittest.skipUnless(has_pictures(), "a build without pictures")
    def test_a_sheet_is_written_through_a_link(self):
        folder, target = self.pictures(), self.path("target")
        target.touch()
        link = self.link("link.png", target)
        self.good("data", folder, "--sheet", link)
        self.assertTrue(link.is_symlink())
        self.assertEqual(target.read_bytes()[:4], b"\x89PNG")

    def test_what_cannot_be_written_is_told_before_training(self):
        os.mkfifo(self.path("pipe"))
        for path in (self.path("missing") / "m", self.path("n" * 300), self.table / "m",
                     self.path("pipe"), "/dev/null", "/dev/stdout", self.folder, "/proc/m", ""):
            message = self.bad(1, "train", "spiral", "-o", path, "--epochs", "1000000")
            self.assertIn("cannot write", message)

    @unittest.skipIf(os.geteuid() == 0, "nothing is forbidden to root")
    def test_folders_without_permission_are_told_before_training(self):
        folder = self.path("locked")
        folder.mkdir()
        for mode in (0o500, 0o300, 0o600):
            folder.chmod(mode)
            self.bad(1, "train", "spiral", "-o", folder / "m", "--epochs", "1000000")
        folder.chmod(0o700)


class Lost(Outputs):
    def test_names_that_no_model_can_hold_are_told_before_training(self):
        folder = self.pictures()
        os.rename(os.fsencode(folder / "a"), os.fsencode(folder) + b"/caf\xff")
        message = self.bad(1, "train", folder, "-o", self.path("m"), "--epochs", "1000000")
        self.assertIn("'caf\\xff'", message)
        self.assertIn("UTF-8", message)

    def test_a_model_finds_another_place(self):
        """The folder goes while training runs: the model is saved elsewhere, and that is told."""
        out, here = self.path("out"), self.path("here")
        out.mkdir()
        here.mkdir()
        process = subprocess.Popen([LAMINA, "train", "spiral", "-o", out / "m", "--json",
                                    "--epochs", "1000000", "--layers", "4:relu,3:softmax"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   cwd=here, env=environment(TMPDIR=str(self.folder)))
        json.loads(process.stdout.readline())
        out.rename(self.path("gone"))
        process.send_signal(signal.SIGINT)
        errors = process.communicate(timeout=60)[1]
        self.assertNotEqual(process.returncode, 0)
        self.assertIn("cannot", errors)
        saved = list(here.iterdir())
        self.assertEqual(len(saved), 1)
        self.assertIn(saved[0].name, errors)
        self.good("inspect", saved[0])


if __name__ == "__main__":
    unittest.main()
