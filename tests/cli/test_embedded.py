#!/usr/bin/env python3
"""test_embedded.py: examples/embedded: a program with a network compiled in, by its own Makefile."""
import os
import pathlib
import re
import shutil
import subprocess
import unittest

from support import Case


class Embedded(Case):
    def make(self, folder, *arguments):
        done = subprocess.run(["make", "check", f"LAMINA={os.environ['LAMINA']}", *arguments],
                              cwd=folder, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    @unittest.skipUnless(shutil.which("make"), "no make here")
    def test_example(self):
        folder = self.path("embedded")
        source = pathlib.Path(os.environ["LAMINA_SOURCE"]) / "examples" / "embedded"
        folder.mkdir()
        for name in ("Makefile", "main.c"):
            shutil.copy(source / name, folder)
        text = self.make(folder)
        self.assertTrue(all(letter * 3 in text for letter in "ABC"), text)
        self.assertRegex(text, re.compile(r"\d+ bytes of stack in floats, \d+ in bytes; \d+ of 861"))


if __name__ == "__main__":
    unittest.main()
