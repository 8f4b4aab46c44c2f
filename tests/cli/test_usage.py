"""test_usage.py: help, version, exit status, and misspelt words."""
import re
import unittest

from support import SOURCE, Case, fit_fields, run

COMMANDS = ["train", "data", "evaluate", "predict", "inspect", "convert"]


def options(text):
    """Names of the options a help text lists."""
    found = set()
    for line in text.splitlines():
        match = re.match(r"  (?:-\w, |    )(--.*)", line)
        if match:
            found.update(re.findall(r"--(?:\[no-\])?([a-z][a-z0-9-]*)", match.group(1)))
    return found


class Help(Case):
    def test_without_command(self):
        done = run()
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("Usage: lamina COMMAND", done.stderr)

    def test_overview(self):
        text = self.good("--help")
        self.assertEqual(text, self.good("help"))
        self.assertEqual(text, self.good("-h"))
        for command in COMMANDS:
            self.assertRegex(text, rf"(?m)^  {command} +\S")

    def test_commands(self):
        for command in COMMANDS:
            text = self.good(command, "--help")
            self.assertEqual(text, self.good("help", command))
            self.assertEqual(text, self.good(command, "whatever", "-h"))
            self.assertTrue(text.startswith(f"Usage: lamina {command} "))
            self.assertGreaterEqual(len(re.findall(rf"(?m)^  lamina {command} ", text)), 2)
            self.assertLessEqual(max(map(len, text.splitlines())), 100)

    def test_every_training_option(self):
        listed = options(self.good("train", "--help"))
        fields = [name.replace("_", "-") for name, _ in fit_fields()]
        self.assertGreater(len(fields), 20)
        self.assertEqual(set(fields) - listed, set())

    def test_own_options(self):
        expected = {
            "train": "output layers scale standardize init limit samples json quiet help",
            "evaluate": "split limit samples batch-size threads json help",
            "predict": "top limit threshold json help",
            "inspect": "json help",
        }
        for command, names in expected.items():
            self.assertEqual(set(names.split()) - options(self.good(command, "--help")), set())

    def test_what_can_be_named(self):
        text = self.good("train", "--help")
        for word in ["relu", "sigmoid", "tanh", "linear", "softmax", "categorical_crossentropy",
                     "binary_crossentropy", "mean_squared_error", "mean_absolute_error", "sgd",
                     "adam", "glorot_uniform", "orthogonal", "accuracy", "precision", "recall",
                     "dense", "dropout"]:
            self.assertRegex(text, rf"(?m)^  (\w+, )?{word}\b.*\S")

    def test_manual_names_every_option(self):
        manual = (SOURCE / "docs" / "lamina.1").read_text().replace("\\-", "-")
        for command in COMMANDS:
            for name in options(self.good(command, "--help")):
                self.assertRegex(manual, rf"--{name}\b")

    def test_version(self):
        text = self.good("--version")
        self.assertEqual(text, self.good("-V"))
        header = (SOURCE / "include" / "lamina" / "status.h").read_text()
        version = re.search(r'LAM_VERSION_STRING "(.+)"', header).group(1)
        self.assertEqual(text.splitlines()[0], f"lamina {version}")
        for key in ["blas", "instruction_set", "lapack", "gzip", "zip", "onnx", "images"]:
            self.assertRegex(text, rf"(?m)^{key} +\S")


class Misspelt(Case):
    def near(self, wrong, right, *args):
        message = self.bad(2, *args)
        self.assertIn(f"'{wrong}'", message)
        self.assertRegex(message, rf"did you mean '{re.escape(right)}'\?")

    def test_command(self):
        self.near("trian", "train", "trian", "spiral")
        self.near("inspekt", "inspect", "help", "inspekt")
        self.near("--versoin", "--version", "--versoin")
        self.assertNotIn("did you mean", self.bad(2, "xyzzy"))

    def test_option(self):
        self.near("--epoch", "--epochs", "train", "spiral", "-o", "x", "--epoch", "3")
        self.near("--learning-rat", "--learning-rate", "train", "spiral", "--learning-rat=3")
        self.near("--splt", "--split", "evaluate", "m", "spiral", "--splt", "test")
        self.near("--tpo", "--top", "predict", "m", "f", "--tpo", "2")
        self.near("--jsn", "--json", "inspect", "m", "--jsn")
        self.near("--hlep", "--help", "inspect", "--hlep")
        message = self.bad(2, "train", "spiral", "--epoch", "3")
        self.assertEqual(message.splitlines()[0],
                         "lamina: unknown option '--epoch'; did you mean '--epochs'?")

    def test_short_names(self):
        self.good("train", "spiral", "-o", self.path("m"), "--epochs=1", "--lr", "0.1")
        self.assertIn("--learning-rate", self.bad(2, "train", "spiral", "-o", "m", "--lr", "-1"))
        message = self.bad(2, "train", "spiral", "-o", "m", "--callbacks=x")
        self.assertIn("known: none", message)

    def test_prefixes_are_no_options(self):
        for option in ["--epo", "--quie", "--js", "--out"]:
            self.bad(2, "train", "spiral", "-o", self.path("m"), option, "3")

    def test_names(self):
        out = ["-o", self.path("m")]
        self.near("rellu", "relu", "train", "spiral", *out, "--layers", "8:rellu,3:softmax")
        self.near("adm", "adam", "train", "spiral", *out, "--optimizer", "adm")
        self.near("mean_squared_eror", "mean_squared_error", "train", "spiral", *out, "--loss",
                  "mean_squared_eror")
        self.near("glorot_unifrm", "glorot_uniform", "train", "spiral", *out, "--init",
                  "glorot_unifrm")
        self.near("acuracy", "accuracy", "train", "spiral", *out, "--metrics", "acuracy")
        self.near("tets", "test", "evaluate", "m", "spiral", "--split", "tets")
        self.assertFalse(self.path("m").exists())

    def test_data(self):
        message = self.bad(1, "train", "sprial", "-o", self.path("m"))
        self.assertIn("'sprial'", message)
        self.assertIn("'spiral'?", message)
        message = self.bad(2, "train", "spiral", "-o", self.path("m"), "--samples=2")
        self.assertNotIn("did you mean", message)
        self.assertIn("known: train, test", self.bad(2, "evaluate", "m", "spiral", "--split=valid"))


class Usage(Case):
    def test_operands(self):
        self.assertIn("data", self.bad(2, "train"))
        self.assertIn("-o MODEL", self.bad(2, "train", "spiral"))
        self.assertIn("'sine'", self.bad(2, "train", "spiral", "sine", "-o", self.path("m")))
        self.bad(2, "evaluate", "model")
        self.bad(2, "evaluate", "model", "a", "b")
        self.bad(2, "predict", "model")
        self.bad(2, "inspect")
        self.bad(2, "inspect", "a", "b")

    def test_values(self):
        out = ["-o", self.path("m")]
        for wrong in [["--epochs", "0"], ["--epochs", "-1"], ["--epochs", "ten"], ["--epochs="],
                      ["--epochs"], ["--learning-rate", "-1"], ["--learning-rate", "1e-3x"],
                      ["--learning-rate", "nan"], ["--learning-rate", "0,5"],
                      ["--validation-split", "1"], ["--batch-size", "0"], ["--limit", "-3"],
                      ["--samples", "1e3"], ["--scale", "1"], ["--scale", "1,1"],
                      ["--scale", "0,inf"], ["--layers", "0:relu"], ["--layers", "3:softmax,"],
                      ["--layers", "dropout:1,3:softmax"], ["--json=perhaps"], ["-x"], ["-qx"],
                      ["--scale=0,1", "--standardize"], ["--no-epochs"]]:
            message = self.bad(2, "train", "spiral", *out, *wrong)
            self.assertIn("Try 'lamina train --help'.", message)
        self.bad(2, "predict", "m", "f", "--top", "0")
        self.bad(2, "predict", "m", "f", "--threshold", "half")
        self.assertFalse(self.path("m").exists())

    def test_two_dashes_end_options(self):
        self.assertIn("'--quiet'", self.bad(1, "inspect", "--", "--quiet"))
        self.bad(2, "inspect", "--", "a", "--json")


if __name__ == "__main__":
    unittest.main()
