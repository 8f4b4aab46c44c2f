#!/usr/bin/env python3
"""test_convert.py: lamina convert."""
import shutil
import subprocess
import unittest

from support import Case, run


class Convert(Case):
    def test_a_copy_has_the_same_bytes(self):
        model = self.model("--layers", "8:relu,dropout:0.1,3:softmax", "--epochs", "2")
        copy = self.path("copy.safetensors")
        text = self.good("convert", model, copy)
        self.assertEqual(copy.read_bytes(), model.read_bytes())
        self.assertRegex(text, r"(?m)^read +.*model\.safetensors, safetensors, ")
        self.assertRegex(text, r"(?m)^network +2 -> 8 relu -> 3 softmax, 51 parameters$")
        self.assertRegex(text, r"(?m)^compared +largest difference of an output 0, over 256 random")

    def test_the_format_is_told_by_content_and_named_by_options(self):
        model = self.model()
        plain = self.path("plain")
        plain.write_bytes(model.read_bytes())
        self.assertIn("safetensors", self.good("convert", plain, self.path("a.SafeTensors")))
        self.good("convert", plain, self.path("b"), "--to", "safetensors", "--from", "safetensors")
        self.assertEqual(self.path("b").read_bytes(), model.read_bytes())

    def test_trouble(self):
        model = self.model()
        out = self.path("out.safetensors")
        self.assertIn("two files", self.bad(2, "convert", model))
        self.assertIn("tells no model format", self.bad(2, "convert", model, self.path("out.xyz")))
        self.assertIn("did you mean 'safetensors'",
                      self.bad(2, "convert", model, out, "--to", "safetensor"))
        self.assertIn("No such file", self.bad(1, "convert", self.path("none"), out))
        junk = self.path("junk")
        junk.write_bytes(b"junk")
        self.assertIn("neither its content nor its extension", self.bad(1, "convert", junk, out))
        self.assertIn("folder", self.bad(1, "convert", model, self.path("no/such/out.safetensors")))
        self.assertFalse(out.exists())

    def test_c_source_compiles_and_passes_its_own_test(self):
        model = self.model("--layers", "8:tanh,3:softmax")
        source = self.path("spiral_net.c")
        self.assertIn("can only be written", self.good("convert", model, source))
        self.assertIn("#define SPIRAL_NET_OUTPUTS 3\n", self.path("spiral_net.h").read_text())
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        self.assertIsNotNone(compiler)
        program = self.path("self_test")
        subprocess.run([compiler, "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                        "-DSPIRAL_NET_SELF_TEST", source, "-o", program, "-lm"], check=True)
        self.assertEqual(subprocess.run([program]).returncode, 0)
        self.good("convert", model, source, "--name", "other")
        self.assertIn("void other_predict(", source.read_text())
        done = run("convert", model, source, "--name", "a-b")
        self.assertEqual(done.returncode, 2)
        self.assertIn("no identifier", done.stderr)

    def test_help_lists_the_formats(self):
        text = run("convert", "--help").stdout
        self.assertRegex(text, r"(?ms)^Formats.*^  safetensors .*IN and OUT; \.safetensors\)")


if __name__ == "__main__":
    unittest.main()
