"""An option of a command that nothing uses is an error or a note, before anything is printed."""
import unittest

from support import Case, run

TABLE = "a,b,y\n" + "".join(f"{i % 7},{i % 5},{'yes' if i % 7 > 3 else 'no'}\n" for i in range(40))


class Unused(Case):
    def setUp(self):
        super().setUp()
        self.table = self.path("t.csv")
        self.table.write_text(TABLE, encoding="utf-8")

    def trained(self, output, data="spiral", *more):
        return self.model("--epochs=1", f"--layers={output}", *more, data=data,
                          name=f"{output[2:]}.safetensors")

    def test_of_other_data(self):
        for command in (["train", self.table, "-o", self.path("m"), "-q"], ["data", self.table]):
            for option in ("--width=8", "--invert", "--samples=9", "--window=9", "--on-error=skip"):
                self.assertRegex(self.bad(2, *command, option),
                                 rf"^lamina: {option.split('=')[0]} has no effect on '.*t.csv', "
                                 "which is a table: it is for")
            self.assertIn("--stratify has no effect without --test-share",
                          self.bad(2, *command, "--stratify"))
            self.assertIn("--data-seed has no effect on", self.bad(2, *command, "--data-seed=1"))
        self.assertFalse(self.path("m").exists())
        self.assertIn("--samples says how many", self.bad(2, "data", "spiral", "--limit=3"))
        model = self.trained("2:softmax", self.table)
        for command in ("evaluate", "predict"):
            for option in "--height=8", "--task=regression", "--missing=mean":
                self.assertIn(f"{option.split('=')[0]} has no effect",
                              self.bad(2, command, model, self.table, option))
            self.assertIn("t.csv: --ignore names column 'a'",
                          self.bad(2, command, model, self.table, "--ignore=a"))
            self.assertIn("t.csv: --target: unknown column 'q'",
                          self.bad(2, command, model, self.table, "--target=q"))

    def test_names_of_options(self):
        """Messages of the library name options as the command does, and nothing else so."""
        out = ["-o", self.path("m")]
        for option in ("--batch-size=0", "--lr=-1", "--on-error=x", "--checkpoint-every=x",
                       "--optimizer=x", "--layers=8:x", "--missing=x", "--fill-mode=x"):
            name = {"--lr": "--learning-rate"}.get(option.split("=")[0], option.split("=")[0])
            self.assertRegex(self.bad(2, "train", self.table, *out, option), rf"^lamina: {name}\b")
        self.assertIn("--min-delta", self.bad(2, "train", "spiral", *out, "--min-delta=1"))
        odd = self.path("test_share")
        odd.write_text("a,b\n1,x\n", encoding="utf-8")
        for args in ["data", odd, "--target=batch_size"], ["evaluate", odd, "spiral"]:
            message = run(*args).stderr
            self.assertIn("test_share", message)
            self.assertNotIn("--test-share", message)
            self.assertNotIn("--batch-size", message)

    def test_predict_takes_files(self):
        """What predict never uses is no option of it."""
        model, help_ = self.trained("2:softmax", self.table), self.good("predict", "--help")
        for option in ("--samples=1", "--classes=2", "--data-seed=1", "--test-share=0.5",
                       "--stratify", "--multi-label", "--on-error=skip"):
            self.assertNotIn(f"{option.split('=')[0]} ", help_)
            self.assertIn("unknown option", self.bad(2, "predict", model, self.table, option))

    def test_own_test_split(self):
        note = "lamina: --test-share is not used: 'spiral' has its own test split\n"
        model = self.trained("3:softmax")
        for args in (["data", "spiral"], ["evaluate", model, "spiral"],
                     ["train", "spiral", "-o", self.path("m"), "-q", "--epochs=1"]):
            done = run(*args, "--test-share=0.2")
            self.assertEqual((done.returncode, done.stderr), (0, note))
            self.assertEqual(run(*args).stdout, done.stdout)

    def test_no_test_split(self):
        model = self.trained("2:softmax", self.table)
        for args in (["data", self.table], ["evaluate", model, self.table]):
            self.assertIn("t.csv' has no test split", self.bad(2, *args, "--split=test"))
            self.good(*args, "--split=test", "--test-share=0.2")
            self.good(*args, "--split=train")
            self.good(*args)

    def test_outputs_of_another_kind(self):
        """What the outputs mean decides which options predict and evaluate have."""
        for layers, data, top, threshold, tolerance in (
                ("3:softmax", "spiral", True, False, False),
                ("1:sigmoid", self.table, False, True, False),
                ("1:linear", "sine", False, False, True)):
            model = self.trained(layers, data)
            samples = self.path("samples.csv")
            features = 1 if data == "sine" else 2
            samples.write_text("1\n2\n" if features == 1 else "1,2\n3,4\n", encoding="utf-8")
            for option, used in ("--top=2", top), ("--threshold=0.3", threshold):
                args = "predict", model, samples, "--header=no", option
                if used:
                    self.good(*args)
                else:
                    self.assertIn(f"{option[:5]}", self.bad(2, *args))
            for option, used in ("--threshold=0.3", threshold), ("--tolerance=0.1", tolerance):
                if used:
                    self.good("evaluate", model, data, option)
                else:
                    self.assertIn("has no effect", self.bad(2, "evaluate", model, data, option))
            self.good("predict", model, samples, "--header=no", "--top=1", "--threshold=0.5")

    def test_beginnings(self):
        model = self.trained("3:softmax")
        self.assertIn("exclude each other", self.bad(
            2, "train", "spiral", "-o", self.path("m"), "--layers=3:softmax", "--init-from", model,
            "--initializer=normal:0.1"))

    def test_contact_sheet(self):
        for data in "spiral", self.table:
            self.assertIn("--sheet is for images", self.bad(2, "data", data, "--sheet",
                                                            self.path("s.png")))
        self.assertIn("--force applies to", self.bad(2, "data", "spiral", "--force"))

    def test_name_of_no_source(self):
        done = run("convert", self.trained("3:softmax"), self.path("m2.safetensors"), "--name=net")
        self.assertEqual(done.returncode, 2)
        self.assertIn("name 'net' applies to C source", done.stderr)
        self.assertFalse(self.path("m2.safetensors").exists())

    def test_words_too_many(self):
        for args in (["--version", "x"], ["help", "train", "x"]):
            self.assertIn("takes no arguments, but got 'x'", self.bad(2, *args))


if __name__ == "__main__":
    unittest.main()
