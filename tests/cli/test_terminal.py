"""test_terminal.py: what a person at a terminal sees."""
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import unittest

from support import LAMINA, Case, environment


def on_terminal(columns, *args, term="xterm"):
    """Runs the command on a terminal of its own; all it wrote, and its exit status."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([LAMINA, *map(str, args)], stdin=subprocess.DEVNULL, stdout=theirs,
                               stderr=theirs, env=environment(TERM=term))
    os.close(theirs)
    written = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux: EIO once the other side is closed
            part = b""
        if not part:
            break
        written += part
    os.close(ours)
    return written.decode().replace("\r\n", "\n"), process.wait(timeout=60)


class Terminal(Case):
    def train(self, columns, *more, term="xterm"):
        text, status = on_terminal(columns, "train", self.data(), "-o", self.path("m"),
                                   "--epochs=3", *more, term=term)
        self.assertEqual(status, 0, text)
        return text

    def test_bar(self):
        text = self.train(120)
        bars = re.findall(r"\r([^\r\n\x1b]*)\x1b\[K", text)
        self.assertTrue(any(re.match(r"epoch 1/3  \[=*>? *\]  +\d+%  loss .*accuracy .*samples/s"
                                     r".* left$", bar) for bar in bars), bars)
        lines = re.findall(r"(?m)(?:^|\x1b\[K)(epoch \d/3  loss .*)$", text)
        self.assertEqual([line[:9] for line in lines], ["epoch 1/3", "epoch 2/3", "epoch 3/3"])
        self.assertIn("240 samples of 36 values, 80 for validation", text)
        self.assertRegex(text.splitlines()[-1], r"^saved .*m: 21,\d+ parameters, \d+ kB, after")

    def test_names_are_shown(self):
        """Nothing that a file is called reaches the terminal as a command to it."""
        data, out = self.path("d\x1b[31m\u202e.csv"), self.path("m\x1b[31m\u202e.safetensors")
        data.write_text("a,y\x1b[31m\n" + "".join(f"{i},{'uv'[i % 2]}\x1b[2J\n" for i in range(20)))
        text, status = on_terminal(200, "train", data, "-o", out, "--epochs=1")
        self.assertEqual(status, 0, text)
        self.assertIn("d\\x1b[31m\\u202e.csv: 20 samples", text)
        self.assertRegex(text, r"saved .*/m\\x1b\[31m\\u202e\.safetensors: ")
        self.assertNotIn("\x1b[31m", text)
        self.assertNotIn("\u202e", text)

    def test_the_bar_fits(self):
        for columns in (120, 70, 40, 12):
            self.tearDown()
            self.doCleanups()
            self.setUp()
            for bar in re.findall(r"\r([^\r\n\x1b]*)\x1b\[K", self.train(columns)):
                self.assertLess(len(bar), columns)

    def test_dumb_terminal(self):
        text = self.train(80, term="dumb")
        self.assertNotIn("\r", text)
        self.assertEqual(len(text.splitlines()), 3)

    def test_json_and_quiet(self):
        self.assertNotIn("\x1b", self.train(80, "--json"))
        self.tearDown()
        self.doCleanups()
        self.setUp()
        self.assertEqual(self.train(80, "--quiet"), "")

    def test_help_uses_the_width(self):
        for columns in (60, 100):
            text, status = on_terminal(columns, "train", "--help")
            self.assertEqual(status, 0)
            options = text[text.index("Options"):text.index("Examples")]
            self.assertLessEqual(max(map(len, options.splitlines())), columns)


if __name__ == "__main__":
    unittest.main()
