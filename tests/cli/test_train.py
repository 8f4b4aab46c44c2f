"""test_train.py: training from the command line: flags, output, what is written and when."""
import json
import os
import re
import signal
import subprocess
import time
import unittest

from support import CLASSES, FEW, LAMINA, SIDE, Case, environment, fit_fields, run

# A value each text option accepts.
WORDS = {
    "loss": "mean_squared_error",
    "optimizer": "sgd",
    "metrics": "accuracy,precision",
    "initializer": "normal:0.1",
    "callbacks": "",
    "monitor": "val_accuracy",
    "fill_mode": "reflect",
    "checkpoint_every": "3 steps",
}
# Options of images.
OF_IMAGES = {"width_shift", "height_shift", "rotation", "zoom", "shear", "horizontal_flip",
             "vertical_flip", "brightness"}
WRONG = {"checkpoint": ""}
# What an option has no effect without.
NEEDED = {"momentum": "--optimizer=sgd", "min_delta": "--patience=1", "monitor": "--patience=1",
          "fill_mode": "--zoom=0.1", "threshold": "--metrics=binary_accuracy",
          "tolerance": "--metrics=regression_accuracy"}
WITH_CHECKPOINTS = {"resume", "checkpoint_every", "keep"}
NUMBERS = {"float": "0.5", "double": "0.25", "size_t": "2", "uint64_t": "2", "bool": "true"}
REQUIRED = ["epoch", "loss", "data_loss", "regularization_loss", "learning_rate", "accuracy",
            "seconds"]


class Flags(Case):
    def test_every_option_is_taken(self):
        images = [self.data(), "--layers=8:relu,4:softmax", "--epochs=2"]
        for name, kind in fit_fields():
            data = images if name in OF_IMAGES | {"fill_mode"} else ["spiral", "--samples=60", *FEW]
            value = WORDS.get(name) if kind == "const char" else NUMBERS[kind]
            if name == "keep_optimizer":  # true needs a checkpoint: test_resume.py
                value = "false"
            for i, spelling in enumerate((name, name.replace("_", "-"))):
                with self.subTest(option=spelling):
                    folder = self.path(f"{name} {i}")  # a run begins in an empty one
                    if name == "checkpoint":
                        value = folder
                    more = [f"--checkpoint={folder}"] if name in WITH_CHECKPOINTS else []
                    more += [NEEDED[name]] if name in NEEDED else []
                    self.good("train", *data, "-o", self.path("m"), f"--{spelling}={value}",
                              *more)
            wrong = WRONG.get(name, "no such thing") if kind == "const char" else "x"
            with self.subTest(option=name, wrong=True):
                self.bad(2, "train", "spiral", "-o", self.path("n"), *FEW,
                         f"--{name}={wrong}")
        self.assertFalse(self.path("n").exists())

    def test_options_without_effect(self):
        for args, message in [
                (["--momentum=0.9"], "--momentum is an option of sgd, and the optimizer is adam"),
                (["--optimizer=sgd", "--beta-1=0.5"], "--beta-1 is an option of adam"),
                (["--monitor=accuracy"], "--monitor has no effect without early stopping"),
                (["--min-delta=0.5"], "--min-delta has no effect without early stopping: --patience is 0"),
                (["--fill-mode=wrap"], "--fill-mode has no effect without images that are moved: --width-shift, "
                 "--height-shift, --rotation, --zoom and --shear are 0"),
                (["--checkpoint-every=2 epochs"], "--checkpoint-every needs --checkpoint DIR"),
                (["--keep=3"], "--keep needs --checkpoint DIR")]:
            with self.subTest(args=args):
                self.assertIn(message, self.bad(2, "train", "spiral", "-o", self.path("n"), *FEW,
                                                *args))
        self.assertFalse(self.path("n").exists())

    def test_switches(self):
        shuffled, ordered = self.path("a"), self.path("b")
        self.good("train", "spiral", "-o", shuffled, *FEW, "--shuffle")
        self.good("train", "spiral", "-o", ordered, *FEW, "--no-shuffle")
        self.assertNotEqual(shuffled.read_bytes(), ordered.read_bytes())
        self.good("train", "spiral", "-o", shuffled, *FEW, "--shuffle=false")
        self.assertEqual(shuffled.read_bytes(), ordered.read_bytes())

    def test_spellings(self):
        files = []
        for i, args in enumerate([["--seed=5", "--init=orthogonal"],
                                  ["--seed", "5", "--initializer", "orthogonal"]]):
            files.append(self.path(str(i)))
            done = run("train", "spiral", f"-o{files[-1]}", *FEW, *args)
            if "LAPACK" in done.stderr:
                self.skipTest("orthogonal needs LAPACK")
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(files[0].read_bytes(), files[1].read_bytes())

    def test_a_file_named_like_an_option(self):
        self.good("train", "-o", "--quiet", *FEW, "--", "spiral", cwd=self.folder)
        self.assertTrue(self.path("--quiet").exists())


class Output(Case):
    def test_one_plain_line_an_epoch(self):
        lines = self.good("train", "spiral", "-o", self.path("m"), *FEW).splitlines()
        self.assertEqual(len(lines), 2)
        for number, line in enumerate(lines, 1):
            self.assertRegex(line, rf"^epoch {number}/2  loss \d.*accuracy \d.*val_loss \d")
            self.assertNotIn("\x1b", line)

    def test_json_lines(self):
        lines = self.json_lines("train", "spiral", "-o", self.path("m"), *FEW, "--json", "--l2",
                                "1e-3", "--metrics", "accuracy,precision,recall")
        self.assertEqual([line["epoch"] for line in lines], [1, 2])
        for line in lines:
            for key in REQUIRED + ["precision", "recall", "val_loss", "val_data_loss",
                                   "val_regularization_loss", "val_accuracy", "val_recall"]:
                self.assertIsInstance(line[key], (int, float), key)
            self.assertGreater(line["regularization_loss"], 0)
            self.assertAlmostEqual(line["loss"], line["data_loss"] + line["regularization_loss"],
                                   delta=1e-6)

    def test_json_of_nothing_to_divide_by(self):
        # one output that never says yes: no positive decision, so no precision
        data = self.path("one")
        data.mkdir()
        from support import write_idx
        write_idx(data / "train-images-idx3-ubyte", [4, 1, 1], [0, 0, 0, 0])
        write_idx(data / "train-labels-idx1-ubyte", [4], [0, 0, 0, 1])
        line = self.json_lines("train", data, "-o", self.path("m"), "--json", "--epochs=1",
                               "--layers=1:sigmoid", "--threshold=0.999",
                               "--metrics=precision,recall")[0]
        self.assertIsNone(line["precision"])
        self.assertEqual(line["recall"], 0)

    def test_no_validation(self):
        for args in (["--validation-split=0"],):
            line = self.json_lines("train", "spiral", "-o", self.path("m"), *FEW, "--json", *args)
            self.assertFalse([key for key in line[0] if key.startswith("val_")])
        line = self.json_lines("train", "spiral", "-o", self.path("m"), *FEW, "--json",
                               "--samples=100", "--validation-split=0.25")[0]
        self.assertIn("val_loss", line)
        self.assertEqual(line["samples"], 75)

    def test_quiet(self):
        for more in ([], ["--json"]):
            self.assertEqual(self.good("train", "spiral", "-o", self.path("m"), *FEW, "-q", *more),
                             "")


class Threads(Case):
    """The same bytes with any number of threads, on every instruction set."""

    def same(self, data, *args):
        for cpu in (None, "baseline", "avx2", "avx512"):
            written = set()
            for threads in (1, 2, 3, 8):
                self.good("train", data, "-o", self.path("m"), "--threads", threads, "--seed=1",
                          "--quiet", *args, env={"LAMINA_CPU": cpu})
                written.add(self.path("m").read_bytes())
            self.assertEqual(len(written), 1, cpu)

    def test_evaluation(self):
        data = self.data(test=700)
        model = self.model("--epochs=1", f"--layers=200:relu,70:relu,{CLASSES}:softmax", data=data)
        seen = {self.good("evaluate", model, data, "--json", "--threads", threads)
                for threads in (1, 2, 3, 8) for _ in range(3)}
        self.assertEqual(len(seen), 1)

    def test_spiral(self):
        # 400 rows x 4547 parameters: enough for threads to share a step
        self.same("spiral", "--epochs=3", "--batch-size=400")

    def test_images(self):
        self.same(self.data(train=500), "--epochs=2", "--layers",
                  f"150:relu,dropout:0.2,70:tanh,{CLASSES}:softmax", "--l1=1e-4")


class Defaults(Case):
    def test_spiral_is_solved(self):
        self.good("train", "spiral", "-o", self.path("m"))
        scores = self.json_lines("evaluate", self.path("m"), "spiral", "--json")[0]
        # noise makes the arms overlap: the best possible rule is right on 0.91 of them
        self.assertGreater(scores["accuracy"], 0.87)

    def test_sine_is_solved(self):
        self.good("train", "sine", "-o", self.path("m"))
        scores = self.json_lines("evaluate", self.path("m"), "sine", "--json")[0]
        self.assertLess(scores["mean_absolute_error"], 0.03)
        self.assertIsNone(scores["precision"])

    def test_images(self):
        lines = self.json_lines("train", self.data(), "-o", self.path("m"), "--json")
        self.assertEqual(len(lines), 10)
        self.assertGreater(lines[-1]["val_accuracy"], 0.9)
        shown = self.json_lines("inspect", self.path("m"), "--json")[0]
        self.assertEqual([(layer["outputs"], layer["activation"]) for layer in shown["layers"]],
                         [(128, "relu"), (128, "relu"), (CLASSES, "softmax")])
        self.assertEqual(shown["transform"], {"kind": "scale", "from_lo": 0, "from_hi": 255,
                                              "to_lo": -1, "to_hi": 1})

    def test_transforms(self):
        kinds = {}
        data = self.data()
        for source, args in [("spiral", []), ("spiral", ["--no-standardize"]),
                             ("spiral", ["--scale=none"]), ("spiral", ["--scale=-2,2"]),
                             (data, ["--scale=none"]), (data, ["--standardize"]),
                             (data, ["--scale=0,1"])]:
            self.good("train", source, "-o", self.path("m"), "--epochs=1", "--quiet", *args)
            shown = self.json_lines("inspect", self.path("m"), "--json")[0]["transform"]
            kinds[(str(source == "spiral"), *args)] = shown
        self.assertEqual(kinds[("True",)]["kind"], "standardize")
        self.assertEqual(kinds[("True", "--no-standardize")]["kind"], "none")
        self.assertEqual(kinds[("True", "--scale=none")]["kind"], "none")
        self.assertEqual(kinds[("True", "--scale=-2,2")]["to_lo"], -2)
        self.assertLess(kinds[("True", "--scale=-2,2")]["from_lo"], -0.5)
        self.assertEqual(kinds[("False", "--scale=none")]["kind"], "none")
        self.assertEqual(len(kinds[("False", "--standardize")]["mean"]), SIDE * SIDE)
        self.assertEqual(kinds[("False", "--scale=0,1")]["to_hi"], 1)


class Written(Case):
    def test_folder_missing(self):
        message = self.bad(1, "train", "spiral", "-o", self.path("none/m"), "--epochs=100000000")
        self.assertIn("No such file or directory", message)

    def test_not_a_folder(self):
        self.path("file").write_text("x")
        self.assertIn("Not a directory",
                      self.bad(1, "train", "spiral", "-o", self.path("file/m"),
                               "--epochs=100000000"))

    def test_folder_not_writable(self):
        self.path("locked").mkdir(mode=0o555)
        if os.access(self.path("locked"), os.W_OK):
            self.skipTest("root may write everywhere")
        self.assertIn("Permission denied",
                      self.bad(1, "train", "spiral", "-o", self.path("locked/m"),
                               "--epochs=100000000"))

    def test_not_a_file(self):
        self.assertIn("a folder", self.bad(1, "train", "spiral", "-o", self.folder))
        self.assertIn("not a regular file", self.bad(1, "train", "spiral", "-o", "/dev/null"))
        self.bad(1, "train", "spiral", "-o", "")

    def test_failure_keeps_the_old_file(self):
        old = self.model()
        before = old.read_bytes()
        done = run("train", "spiral", "-o", old, "--epochs=500", "--optimizer=sgd",
                   "--learning-rate=1e30", "--layers=8:relu,3:linear")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("finite", done.stderr)
        self.assertEqual(old.read_bytes(), before)
        self.assertEqual(os.listdir(self.folder), [old.name])

    def test_wrong_width(self):
        message = self.bad(1, "train", "spiral", "-o", self.path("m"), "--layers=8:relu,2:softmax")
        self.assertIn("2", message)
        self.assertIn("3", message)
        self.assertFalse(self.path("m").exists())

    def test_data_without_targets(self):
        file, model = self.path("samples.csv"), self.path("m")
        file.write_text("a,b\n1,2\n3,4\n")
        self.assertIn("have no targets", self.bad(1, "train", file, "--target", "", "-o", model))

    def test_data_without_training_files(self):
        data = self.data()
        for file in data.glob("train-*"):
            file.unlink()
        self.assertIn("train-labels-idx1-ubyte",
                      self.bad(1, "train", data, "-o", self.path("m")))


def fill_pipe(end):
    """Writes to a pipe until it takes no more."""
    os.set_blocking(end, False)
    for size in (4096, 1):
        try:
            while True:
                os.write(end, b"x" * size)
        except BlockingIOError:
            pass
    os.set_blocking(end, True)


def wait_until_asleep(case, process):
    """Returns once the process has slept for a while."""
    asleep, state = 0, f"/proc/{process.pid}/stat"
    if not os.path.exists(state):
        process.kill()
        case.skipTest("no /proc here")
    for _ in range(1000):
        with open(state) as file:
            asleep = asleep + 1 if file.read().rsplit(")", 1)[1].split()[0] == "S" else 0
        if asleep == 10:
            return
        time.sleep(0.02)
    process.kill()
    case.fail("never waited")


class Signals(Case):
    def stopped_by(self, number):
        out = self.path("m")
        with subprocess.Popen([LAMINA, "train", "spiral", "-o", out, "--epochs=1000000", "--json"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env=environment()) as process:
            first = json.loads(process.stdout.readline())
            process.send_signal(number)
            rest, errors = process.communicate(timeout=60)
        self.assertEqual(first["epoch"], 1)
        for line in rest.splitlines():
            json.loads(line)
        self.assertEqual(process.returncode, -number)
        self.assertRegex(errors, r"^lamina: interrupted in epoch \d+ of 1000000, .*saved")
        self.good("inspect", out)

    def test_after_the_last_batch(self):
        """Training is complete: the model is saved and the command succeeds. The signal comes while
        the line of the last epoch waits for a reader."""
        out = self.path("m")
        ours, theirs = os.pipe()
        fill_pipe(theirs)
        with subprocess.Popen([LAMINA, "train", "spiral", "-o", out, "--epochs=1", "--threads=1"],
                              stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE,
                              text=True, env=environment()) as process:
            os.close(theirs)
            wait_until_asleep(self, process)
            process.send_signal(signal.SIGINT)
            with os.fdopen(ours, "rb") as reader:
                lines = reader.read().lstrip(b"x").decode().splitlines()
            errors = process.communicate(timeout=60)[1]
        self.assertEqual((process.returncode, errors), (0, ""))
        self.assertEqual([line[:9] for line in lines], ["epoch 1/1"])
        self.good("inspect", out)

    def test_interrupt(self):
        self.stopped_by(signal.SIGINT)

    def test_terminate(self):
        self.stopped_by(signal.SIGTERM)


if __name__ == "__main__":
    unittest.main()
