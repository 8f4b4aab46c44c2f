"""test_resume.py: checkpoints, interruption and resuming, as a user meets them."""
import fcntl
import os
import pathlib
import shlex
import signal
import subprocess
import time
import unittest

from support import LAMINA, Case, run

SMALL = ["--layers", "16:relu,dropout:0.1,3:softmax", "--samples", "400", "--quiet"]


class Resume(Case):
    def train(self, output, epochs, *more):
        return ["train", "spiral", "-o", self.path(output), *SMALL, "--epochs", epochs, *more]

    def checkpoints(self, folder="run"):
        return sorted(self.path(folder).iterdir())

    def test_more_epochs(self):
        self.good(*self.train("whole", 6, "--seed=3"))
        keep = ["--seed=3", "--checkpoint", self.path("run"), "--resume", "--checkpoint-every=1"]
        for epochs in (2, 4, 6, 6):
            self.good(*self.train("parts", epochs, *keep, "--threads", epochs // 2))
        self.assertEqual(self.path("whole").read_bytes(), self.path("parts").read_bytes())
        self.assertLessEqual(len(self.checkpoints()), 3)
        text = self.bad(1, *self.train("parts", 5, *keep))
        self.assertIn("6 epochs are done, more than the 5 asked for", text)

    def test_keep(self):
        self.good(*self.train("m", 8, "--checkpoint", self.path("run"), "--keep=1"))
        self.assertEqual(len(self.checkpoints()), 1)

    def test_damaged(self):
        """The newest is cut short, the one before it altered, the first is taken."""
        whole = self.path("whole")
        self.good(*self.train("whole", 5))
        args = ["--checkpoint", self.path("run"), "--resume", "--keep", "9"]
        for epochs in (1, 2, 3):
            self.good(*self.train("parts", epochs, *args))
        first, second, third = self.checkpoints()[-3:]
        third.write_bytes(third.read_bytes()[:-1])
        data = bytearray(second.read_bytes())
        data[-100] ^= 1
        second.write_bytes(data)
        done = run(*self.train("parts", 5, *args))
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stderr.splitlines()
        self.assertIn(third.name, lines[0])
        self.assertIn("damaged", lines[1])
        self.assertIn(second.name, lines[1])
        self.assertEqual(len(lines), 2)
        self.assertEqual(whole.read_bytes(), self.path("parts").read_bytes())
        for path in self.checkpoints():
            path.write_bytes(b"nothing")
        text = self.bad(1, *self.train("parts", 5, *args))
        self.assertRegex(text, r"none of \d+ checkpoints can be read")

    def interrupt(self, number):
        folder, output = self.path("run"), self.path("parts")
        args = ["train", "spiral", "-o", output, "--epochs", "2000", "--checkpoint", folder,
                "--checkpoint-every", "50 steps", "--quiet"]
        process = subprocess.Popen([LAMINA, *map(str, args)], stderr=subprocess.PIPE, text=True)
        while not list(folder.glob("checkpoint-*")):
            time.sleep(0.01)
            self.assertIsNone(process.poll())
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, -number, errors)
        self.assertIn("interrupted in epoch", errors)
        command = errors.splitlines()[-1].partition("to continue: ")[2]
        self.assertTrue(command.startswith("lamina train spiral"), errors)
        self.assertTrue(command.endswith("--resume"), command)
        self.assertIn("'50 steps'", command)
        return shlex.split(command)[1:]

    def test_signals(self):
        """Ctrl-C, then the command it names; SIGTERM; and the end is as if nothing had been."""
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number):
                command = self.interrupt(number)
                place = self.checkpoints()[-1]
                facts = run("inspect", place, "--json").stdout
                done = int(place.name.split("-")[1].split(".")[0])
                self.assertIn(f'"steps": {done}', facts.replace('":', '": ').replace(":  ", ": "))
                command[command.index("2000")] = str(done // 94 + 2)
                self.good(*command)
                whole = [word for word in command if word != "--resume"]
                whole[whole.index(str(self.path("parts")))] = str(self.path("whole"))
                whole[whole.index(str(self.path("run")))] = str(self.path("another"))
                self.good(*whole)
                self.assertEqual(self.path("whole").read_bytes(), self.path("parts").read_bytes())
                for folder in ("run", "another"):
                    for path in self.checkpoints(folder):
                        path.unlink()

    def test_refused(self):
        args = ["--checkpoint", self.path("run"), "--resume"]
        self.good(*self.train("m", 2, *args))
        for more, words in (
            (["--seed=9"], "another option: --seed is \"9\" here and \"1\" in the checkpoint"),
            (["--optimizer=sgd"], "another optimizer"),
            (["--data-seed=9"], "another data set: data.crc32c"),
            (["--samples=300"], "data.samples is 300 here and 400 in the checkpoint"),
            (["--layers=8:relu,3:softmax"], "another network: layers[0].units is 8 here and 16"),
            (["--layers=16:tanh,dropout:0.1,3:softmax"], "layers[0].activation"),
            (["--scale=0,1"], "another network: transform"),
            (["--l2=0.1"], "l2 is"),
            (["--batch-size=7"], "--batch-size is"),
            (["--patience=3"], "another rule of early stopping"),
            (["--validation-split=0.5"], "--validation-split is"),
        ):
            with self.subTest(more=more):
                text = self.bad(1, *self.train("m", 4, *args, *more))
                self.assertIn(words, text)
        self.assertIn("names no folder", self.bad(2, *self.train("m", 2, "--resume")))
        text = self.bad(1, *self.train("m", 4, "--checkpoint", self.path("run")))
        self.assertIn("is of an earlier run", text)

    def test_weights_alone(self):
        args = ["--checkpoint", self.path("run")]
        self.good(*self.train("m", 2, *args))
        newest = self.checkpoints()[-1]
        for source in (newest, self.path("m")):
            self.good(*self.train("n", 1, "--optimizer=sgd", "--learning-rate=1e-30",
                                  "--init-from", source))
            a, b = (self.good("evaluate", path, "spiral") for path in (self.path("n"), newest))
            self.assertEqual(a, b)
        text = self.bad(1, *self.train("n", 1, "--layers=8:relu,3:softmax", "--init-from", newest))
        self.assertIn("layers.0.weight is 2 x 16 there", text)

    def test_optimizer_of_a_checkpoint(self):
        self.good(*self.train("whole", 4))
        self.good(*self.train("half", 2, "--checkpoint", self.path("run")))
        newest = self.checkpoints()[-1]
        self.good(*self.train("n", 2, "--init-from", newest, "--keep-optimizer"))
        self.assertEqual(self.path("n").read_bytes(), self.path("whole").read_bytes())
        self.good(*self.train("n", 2, "--init-from", newest))
        self.assertNotEqual(self.path("n").read_bytes(), self.path("whole").read_bytes())
        text = self.bad(1, *self.train("n", 2, "--init-from", self.path("half"),
                                       "--keep-optimizer"))
        self.assertIn("not a checkpoint", text)
        text = self.bad(2, *self.train("n", 2, "--init-from", newest, "--keep-optimizer",
                                       "--optimizer=sgd"))
        self.assertIn("the moments of adam, and the optimizer is sgd", text)
        text = self.bad(2, *self.train("n", 2, "--keep-optimizer"))
        self.assertIn("--keep-optimizer needs --init-from CHECKPOINT", text)

    def test_checkpoint_is_a_model(self):
        self.good(*self.train("m", 3, "--checkpoint", self.path("run"), "--patience=2"))
        newest = self.checkpoints()[-1]
        text = self.good("inspect", newest)
        self.assertIn("checkpoint  of a run, after ", text)
        self.assertIn("3 epochs done", text)
        self.assertIn("optimizer adam", text)
        self.assertIn('"checkpoint": null', self.good("inspect", self.path("m"), "--json"))
        self.good("evaluate", newest, "spiral")

    def test_folders(self):
        taken = self.path("taken")
        taken.mkdir()
        lock = os.open(taken, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        text = self.bad(1, *self.train("m", 1, "--checkpoint", taken))
        self.assertIn("another run writes", text)
        os.close(lock)
        self.path("file").write_text("x")
        self.bad(1, *self.train("m", 1, "--checkpoint", self.path("file")))
        self.bad(1, *self.train("m", 1, "--checkpoint", self.path("no") / "such"))
        if os.geteuid() != 0:
            taken.chmod(0o500)
            self.assertIn("cannot write to", self.bad(1, *self.train("m", 1, "--checkpoint", taken)))
        self.assertFalse(self.path("m").exists())

    @unittest.skipUnless(pathlib.Path("/dev/full").exists(), "no /dev/full")
    def test_vanished_folder(self):
        """The folder goes away during training: said, and the model is saved all the same."""
        folder = self.path("run")
        args = ["train", "spiral", "-o", self.path("m"), "--epochs", "300", "--checkpoint", folder,
                "--quiet"]
        process = subprocess.Popen([LAMINA, *map(str, args)], stderr=subprocess.PIPE, text=True)
        while not list(folder.glob("checkpoint-*")):
            time.sleep(0.01)
        folder.rename(self.path("elsewhere"))
        self.path("elsewhere").rename(folder)  # the open folder follows
        for path in folder.iterdir():
            path.unlink(missing_ok=True)
        while True:
            try:
                folder.rmdir()
                break
            except OSError:
                for path in folder.iterdir():
                    path.unlink(missing_ok=True)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1, errors)
        self.assertIn("training continues", errors)
        self.assertIn("No such file or directory", errors)
        self.assertTrue(self.path("m").exists())


if __name__ == "__main__":
    unittest.main()
