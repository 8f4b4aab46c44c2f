"""test_limits.py: signals and limits: what they do to training, to its model and to the output."""
import re
import resource
import signal
import subprocess
import time
import unittest

from support import LAMINA, Case, environment

LONG = ["--epochs", "100000", "--layers", "8:relu,3:softmax", "--threads", "1"]


def limited(*limits):
    """A function for preexec_fn that sets (resource, soft, hard)."""
    def set_limits():
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        for name, soft, hard in limits:
            resource.setrlimit(name, (soft, hard))
    return set_limits


class Signals(Case):
    def start(self, *args, **more):
        return subprocess.Popen([LAMINA, *map(str, args)], stdin=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True, env=environment(), **more)

    def ended_by(self, number, times):
        """Training is ended by a signal: the model is saved, and the status is the signal's."""
        out = self.path(f"m{number}")

        def listen():  # whatever the tests themselves run under, nohup for one
            signal.signal(number, signal.SIG_DFL)
        with self.start("train", "spiral", "-o", out, *LONG, stdout=subprocess.PIPE,
                        preexec_fn=listen) as process:
            self.assertIn("epoch", process.stdout.readline())
            for i in range(times):
                time.sleep(0.0005 * i)  # else the second may be one with the first
                process.send_signal(number)
            process.stdout.close()
            errors = process.stderr.read()
            process.wait(timeout=60)
        self.assertEqual(process.returncode, -number, errors)
        self.assertIn("the model so far was saved", errors)
        self.good("inspect", out)

    def test_ended(self):
        self.ended_by(signal.SIGINT, 1)
        self.ended_by(signal.SIGTERM, 1)
        for _ in range(4):  # timeout(1) sends it to the process and to its group: one request
            self.ended_by(signal.SIGINT, 2)
            self.ended_by(signal.SIGTERM, 2)
        self.ended_by(signal.SIGHUP, 3)  # a terminal that closes sends it more than once

    def test_ignored(self):
        """As under nohup."""
        out = self.path("m")

        def ignore():
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with self.start("train", "spiral", "-o", out, *LONG[:1], "40", *LONG[2:],
                        stdout=subprocess.PIPE, preexec_fn=ignore) as process:
            process.stdout.readline()
            process.send_signal(signal.SIGHUP)
            process.stdout.read()
            self.assertEqual((process.stderr.read(), process.wait(timeout=60)), ("", 0))

    def test_processor_time(self):
        """The limit's signal and, where that is the last word, the second before it."""
        out = self.path("m")
        limit = (resource.RLIMIT_CPU, 2, 2)
        with self.start("train", "spiral", "-o", out, "-q", *LONG,
                        preexec_fn=limited(limit)) as process:
            errors = process.stderr.read()
            process.wait(timeout=60)
        self.assertEqual(process.returncode, -signal.SIGXCPU, errors)
        self.assertIn("the model so far was saved", errors)
        self.good("inspect", out)


class Memory(Case):
    def test_little_address_space(self):
        """The command ends although the threads of a BLAS find no room for their buffers. How much
        that is depends on the number of cores: some of these limits lie below, some above."""
        blas = re.search(r"OpenBLAS (\d+)\.(\d+)\.(\d+)", self.good("--version"))
        if blas and tuple(map(int, blas.groups())) > (0, 3, 21):
            self.skipTest("this OpenBLAS waits for room before the command begins")
        ended = []
        for size in (64, 96, 128, 192, 256, 512):
            limit = (resource.RLIMIT_AS, size << 20, size << 20)
            done = subprocess.run([LAMINA, "--version"], stdin=subprocess.DEVNULL, timeout=20,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  env=environment(), preexec_fn=limited(limit))
            ended.append(done.returncode == 0 and "lamina" in done.stdout)
        if True not in ended:
            self.skipTest("a command that is not built to live in 512 MB")


class Files(Case):
    def limited(self, size, *args, **more):
        return subprocess.run([LAMINA, *map(str, args)], stdin=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, timeout=60, env=environment(),
                              preexec_fn=limited((resource.RLIMIT_FSIZE, size, size)), **more)

    def test_model(self):
        """No file may be so large: an error, and the model that was there stays."""
        out = self.model()
        before = out.read_bytes()
        done = self.limited(4096, "train", "spiral", "-o", out, "-q", "--epochs=1",
                            "--layers=500:relu,3:softmax")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("File too large", done.stderr)
        self.assertEqual(out.read_bytes(), before)

    def test_checkpoints(self):
        """They fail and are told of; training continues."""
        out = self.path("m")
        done = self.limited(15000, "train", "spiral", "-o", out, "-q", "--epochs=3",
                            "--layers=300:relu,3:softmax", "--checkpoint", self.path("run"))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("File too large", done.stderr)
        self.assertIn("training continues", done.stderr)
        self.assertEqual(list(self.path("run").iterdir()), [])

    def test_output(self):
        with open(self.path("out"), "w", encoding="utf-8") as file:
            done = self.limited(1024, "help", "train", stdout=file)
        self.assertEqual(done.returncode, 1)
        self.assertIn("standard output: File too large", done.stderr)

    def test_closed_output(self):
        """Nothing else gets the number of standard output, and what is meant for it."""
        out = self.path("m")
        for args in (["train", "spiral", "-o", out, "--epochs=3", "--checkpoint", self.path("run"),
                      "--checkpoint-every", "1 steps"], ["inspect", out]):
            done = subprocess.run(["sh", "-c", 'exec "$0" "$@" >&- <&-', LAMINA, *map(str, args)],
                                  stderr=subprocess.PIPE, text=True, timeout=60, env=environment())
            self.assertEqual(done.returncode, 1, args)
            self.assertEqual(done.stderr,
                             "lamina: cannot write to standard output: Bad file descriptor\n")
        self.good("inspect", out)
        for place in self.path("run").iterdir():
            self.good("inspect", place)
        self.good("train", "spiral", "-o", out, "--epochs=3", "-q", "--checkpoint",
                  self.path("run"), "--resume")


if __name__ == "__main__":
    unittest.main()
