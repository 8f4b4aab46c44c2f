"""test_pipes.py: data from standard input and pipes, environment variables, another machine's run."""
import os
import subprocess
import threading
import unittest

from support import FEW, LAMINA, Case, environment, run

TABLE = "a,b,y\n" + "".join(f"{i % 7},{i % 5},{'xyz'[i % 3]}\n" for i in range(60))


class Pipes(Case):
    def setUp(self):
        super().setUp()
        self.table = self.path("t.csv")
        self.table.write_text(TABLE)

    def train(self, name, data, **more):
        out = self.path(name)
        done = subprocess.run([LAMINA, "train", data, "-o", out, "-q", "--epochs=2"],
                              capture_output=True, text=True, timeout=60, env=environment(), **more)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return out.read_bytes()

    def from_fifo(self, *args):
        """Runs the command with a named pipe in the place of `None`."""
        fifo = self.path("fifo")
        if not fifo.exists():
            os.mkfifo(fifo)
        writer = threading.Thread(target=lambda: fifo.write_text(TABLE))
        writer.start()
        done = run(*(fifo if arg is None else arg for arg in args))
        writer.join()
        return done

    def test_train(self):
        expected = self.train("file", self.table)
        self.assertEqual(self.train("input", "-", input=TABLE), expected)
        self.from_fifo("train", None, "-o", self.path("m"), "-q", "--epochs=2")
        self.assertEqual(self.path("m").read_bytes(), expected)
        shell = f'"$0" train <(cat "$1") -o "$2" -q --epochs=2 && cmp "$2" "$3"'
        done = subprocess.run(["bash", "-c", shell, LAMINA, self.table, self.path("sub"),
                               self.path("file")], capture_output=True, text=True, timeout=60,
                              env=environment())
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        with open(self.table, encoding="utf-8") as file:
            self.assertEqual(self.train("redirected", "-", stdin=file), expected)

    def test_others(self):
        model = self.path("m")
        self.train("m", self.table)
        for args in (["data", None], ["evaluate", model, None, "--split=train"],
                     ["predict", model, None, "--json"]):
            expected = run(*(self.table if arg is None else arg for arg in args))
            done = subprocess.run([LAMINA, *("-" if arg is None else str(arg) for arg in args)],
                                  input=TABLE, capture_output=True, text=True, timeout=60,
                                  env=environment())
            fifo = self.from_fifo(*args)
            for got in done, fifo:
                self.assertEqual((got.returncode, got.stderr), (expected.returncode, ""), args)
                lines = zip(got.stdout.splitlines(), expected.stdout.splitlines())
                for line, other in lines:
                    if str(self.table) not in other:
                        self.assertEqual(line, other)
                self.assertEqual(got.stdout.count("\n"), expected.stdout.count("\n"))

    def test_models(self):
        """Models, weights to begin with and calibration data come from pipes as data do."""
        model, out = self.path("m"), self.path("n.safetensors")
        self.train("m", self.table)
        integers = "--quantize=int8", "--calibrate"
        for args, operand in ((["inspect", None, "--json"], model),
                              (["evaluate", None, self.table, "--split=train"], model),
                              (["predict", None, self.table], model),
                              (["convert", None, out, "--force"], model),
                              (["train", self.table, "-o", out, "-q", "--epochs=1", "--init-from",
                                None], model),
                              (["convert", model, self.path("n.c"), *integers, None], self.table),
                              (["convert", model, self.path("n.c"), *integers, self.table,
                                "--evaluate", None], self.table)):
            def words(path):
                return [LAMINA, *(path if arg is None else str(arg) for arg in args)]
            def stored():
                return [p.read_bytes() for p in (out, self.path("n.c")) if p.exists()]
            expected = run(*words(str(operand))[1:])
            files = stored()
            self.assertEqual((expected.returncode, expected.stderr), (0, ""), args)
            with open(operand, "rb") as file:
                input_ = subprocess.run(words("-"), stdin=file, capture_output=True, text=True,
                                        timeout=60, env=environment())
            piped = subprocess.run(words("-"), input=operand.read_bytes(), capture_output=True,
                                   timeout=60, env=environment())
            shell = 'file=$1; shift; exec "$@" < <(cat "$file")'
            fifo = subprocess.run(["bash", "-c", shell, "bash", operand, *words("-")],
                                  capture_output=True, text=True, timeout=60, env=environment())
            named = subprocess.run(["bash", "-c", 'exec 9< <(cat "$0"); exec "$@"', operand,
                                    *words("/dev/fd/9")], capture_output=True, text=True,
                                   timeout=60, env=environment())
            text = expected.stdout.replace(str(operand), "FILE")
            for path, got, printed in (("/dev/stdin", input_, input_.stdout),
                                       ("/dev/stdin", piped, piped.stdout.decode()),
                                       ("/dev/stdin", fifo, fifo.stdout),
                                       (None, named, None)):
                self.assertEqual((got.returncode, len(got.stderr)), (0, 0), (args, got.stderr))
                self.assertEqual(stored(), files, args)
                if printed is not None:
                    self.assertEqual(printed.replace(path, "FILE"), text)

    def test_once_only(self):
        self.train("m", self.table)
        for args in (["evaluate", "-", "-"], ["predict", "-", "-"], ["train", "-", "-o",
                     self.path("n"), "--init-from", "-"], ["convert", "-", self.path("n.c"),
                     "--quantize=int8", "--calibrate", "-"]):
            done = subprocess.run([LAMINA, *map(str, args)], input=self.path("m").read_bytes(),
                                  capture_output=True, timeout=60, env=environment())
            self.assertIn(done.returncode, (1, 2))
            self.assertIn(b"can be read only once", done.stderr)
        done = self.from_fifo("convert", self.path("m"), self.path("n.c"), "--quantize=int8",
                              "--calibrate", None, "--evaluate", None)
        self.assertEqual(done.returncode, 1)
        self.assertIn("fifo' can be read only once", done.stderr)
        self.assertFalse(self.path("n.c").exists())

    def test_both_ends(self):
        """What is read is not printed to, by the name of - either."""
        model = self.path("m")
        self.train("m", self.table)
        before = model.read_bytes()
        for args in ["inspect", "-"], ["convert", "-", self.path("n.safetensors")]:
            with open(model, "rb") as source, open(model, "ab") as target:
                done = subprocess.run([LAMINA, *args], stdin=source, stdout=target, text=True,
                                      stderr=subprocess.PIPE, timeout=60, env=environment())
            self.assertEqual(done.returncode, 2)
            self.assertIn("standard output goes there", done.stderr)
            self.assertEqual(model.read_bytes(), before)

    def test_nothing_comes(self):
        self.bad(1, "data", "-")

    def test_no_room(self):
        done = subprocess.run([LAMINA, "data", "-"], input=TABLE, capture_output=True, text=True,
                              timeout=60, env=environment(TMPDIR=str(self.path("none"))))
        self.assertEqual(done.returncode, 1)
        self.assertIn("temporary file", done.stderr)


class Words(Case):
    def test_unknown(self):
        for name, value, known in (("LAMINA_CPU", "avx512x", "baseline, avx2, avx512"),
                                   ("LAMINA_PRODUCTS", "mkl", "tiles, blas")):
            for args in (["--version"], ["data", "spiral"]):
                message = self.bad(2, *args, env={name: value})
                self.assertIn(name, message)
                self.assertIn(f"'{value}'", message)
                self.assertIn(known, message)

    def test_known(self):
        for value in ("", "baseline"):
            self.good("data", "spiral", env={"LAMINA_CPU": value})


class Elsewhere(Case):
    def test_resumed_elsewhere(self):
        """Under other products the bits differ: that is told, and only then."""
        out, folder = self.path("m"), self.path("run")
        args = ["train", "spiral", "-o", out, *FEW[2:], "--checkpoint", folder]
        products = {"LAMINA_PRODUCTS": "blas"}, {"LAMINA_PRODUCTS": "tiles"}
        self.good(*args, "--epochs=1", env=products[0])
        text = self.good("inspect", sorted(folder.iterdir())[-1])
        self.assertRegex(text, r"(?m)^made by +version [0-9.]+, instruction_set \w+, processor")
        same = run(*args, "--epochs=2", "--resume", env=products[0])
        self.assertEqual(same.returncode, 0)
        self.assertNotIn("different environment", same.stderr)
        other = run(*args, "--epochs=3", "--resume", "--quiet", env=products[1])
        self.assertEqual(other.returncode, 0)
        self.assertIn("products is tiles here and was blas there", other.stderr)


if __name__ == "__main__":
    unittest.main()
