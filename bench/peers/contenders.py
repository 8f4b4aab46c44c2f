"""contenders.py: who takes part, and the processes that take turns.

Each contender with each number of threads is a process of its own that waits while the others
compute: no library's threads, settings or allocator meet another's. One that is not installed says
so and is left out; one that fails is reported and left out.
"""
import os
import pathlib
import select
import subprocess
import sys
import sysconfig
import tempfile
import time

from networks import np

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
THREADS = (1, 2)
START_SECONDS = 300  # importing, and on demand compiling

# peer: the ways to run it; "" where there is one only
PEERS = {
    "train": {"lamina": [""], "pytorch": ["eager", "fused", "compile"], "scikit-learn": [""],
              "numpy": [""], "fann": [""]},
    "infer": {"lamina": [""], "pytorch": ["eager", "jit", "compile"], "onnxruntime": [""],
              "onednn": [""], "scikit-learn": [""], "numpy": [""], "fann": [""]},
    # torch.compile takes longer to compile than the others to get there
    "accuracy": {"lamina": [""], "pytorch": ["eager", "fused"], "scikit-learn": [""],
                 "numpy": [""], "fann": [""]},
    "memory": {"lamina": [""], "pytorch": ["eager", "bytes"]},
}
SCRIPTS = {"pytorch": "torch_worker.py", "scikit-learn": "sklearn_worker.py",
           "numpy": "numpy_worker.py"}
# C programs: source, and what the compiler is told beyond it; {prefix} is Python's environment
PROGRAMS = {
    "lamina": ("lamina_worker.c", ["-I{root}/include", "-L{build}/src", "-llamina",
                                   "-Wl,-rpath,{build}/src"]),
    "onednn": ("onednn_worker.c", ["-I{prefix}/include", "-L{prefix}/lib", "-ldnnl",
                                   "-Wl,-rpath,{prefix}/lib"]),
    "onnxruntime": ("onnx_worker.c", ["-ldl"]),
    "fann": ("fann_worker.c", ["-lfloatfann", "-lm"]),
}
# FANN has neither relu nor cross-entropy: what stands in their place
OTHER_HIDDEN = {"fann": "tanh"}
MEAN_SQUARED = {"fann"}
NO_DROPOUT = {"fann", "scikit-learn"}


class Missing(Exception):
    """A contender that is not here or cannot go on, and why."""


def peak_memory(process):
    """Largest resident size of a process in MB of 1e6 bytes; 0 once it has ended. (The figure that
    wait4 gives begins with that of the process it was started from.)"""
    for line in pathlib.Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024e-6
    return 0.0


def onnx_library():
    """libonnxruntime.so of the installed Python package."""
    for folder in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for path in sorted(pathlib.Path(folder).glob("onnxruntime/capi/libonnxruntime.so*")):
            return str(path)
    raise Missing("no onnxruntime in this Python")


class Programs:
    """Builds the contenders written in C, once, into a folder that goes away with the object."""

    def __init__(self, build):
        self.build = pathlib.Path(build).resolve()
        self.folder = tempfile.TemporaryDirectory(prefix="lamina-peers-")
        self.done = {}

    def path(self, peer):
        if peer not in self.done:
            self.done[peer] = self.compile(peer)
        if isinstance(self.done[peer], Missing):
            raise self.done[peer]
        return self.done[peer]

    def compile(self, peer):
        source, words = PROGRAMS[peer]
        places = {"root": ROOT, "build": self.build, "prefix": sys.prefix}
        target = os.path.join(self.folder.name, peer)
        command = [os.environ.get("CC", "cc"), "-std=c11", "-O2", str(HERE / source),
                   str(HERE / "worker.c"), "-o", target]
        command += [word.format(**places) for word in words]
        try:
            result = subprocess.run(command, capture_output=True, text=True)
        except OSError as error:
            return Missing(f"no C compiler: {error}")
        if result.returncode:
            wrong = [line for line in result.stderr.splitlines()
                     if "error" in line or "cannot find" in line]
            return Missing((wrong or result.stderr.splitlines() or ["does not compile"])[0].strip())
        return target

    def command(self, peer, folder, what, threads, variant):
        extra = [variant] if variant else []
        if peer in SCRIPTS:
            return [sys.executable, str(HERE / SCRIPTS[peer]), folder, what, str(threads), *extra]
        if peer == "onnxruntime":
            extra = [onnx_library()]
        return [self.path(peer), folder, what, str(threads), *extra]


class Contender:
    """A running process. `seconds` collects what the turns took, by what was measured."""

    def __init__(self, programs, folder, what, peer, variant, threads):
        """`what` is a key of PEERS; for a worker there are training and inference only."""
        self.peer, self.variant, self.threads, self.folder = peer, variant, threads, folder
        self.seconds, self.notes = {}, {}
        names = "OMP", "OPENBLAS", "MKL"
        environment = {**os.environ, "TORCHINDUCTOR_COMPILE_THREADS": "1",
                       **{f"{name}_NUM_THREADS": str(threads) for name in names}}
        self.errors, self.pending = tempfile.TemporaryFile("w+"), b""
        self.process = subprocess.Popen(
            programs.command(peer, folder, "infer" if what == "infer" else "train", threads,
                             variant), env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)
        answer = self.read(START_SECONDS)
        word, _, self.version = answer.partition(" ")
        if word == "absent":
            self.close()
            raise Missing(self.version)
        if word != "ready":
            raise self.failure(f"answered {answer!r}")

    @property
    def name(self):
        return self.peer + (f" {self.variant}" if self.variant else "")

    def failure(self, what):
        self.close()
        self.errors.seek(0)
        lines = self.errors.read().strip().splitlines()
        return Missing(lines[-1] if lines else what)

    def read_line(self, end):
        """The next line, or None where none came until `end`."""
        file = self.process.stdout.fileno()
        while b"\n" not in self.pending:
            if not select.select([file], [], [], max(end - time.monotonic(), 0))[0]:
                return None
            more = os.read(file, 65536)
            if not more:
                raise self.failure("ended")
            self.pending += more
        line, _, self.pending = self.pending.partition(b"\n")
        return line.decode(errors="replace").strip()

    def read(self, seconds):
        """The answer to a command. What else a library prints there is passed over."""
        end = time.monotonic() + seconds
        while (line := self.read_line(end)) is not None:
            if line[:1].isdigit() or line.partition(" ")[0] in ("ready", "absent", "done"):
                return line
        raise self.failure(f"no answer within {seconds} s")

    def ask(self, text, seconds=3600):
        try:
            self.process.stdin.write(text.encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            raise self.failure("ended") from None
        return self.read(seconds)

    def train(self, order, samples):
        return float(self.ask(f"train {order} {samples}"))

    def call(self, rows, seconds):
        return float(self.ask(f"calls {rows} {seconds}").split()[0])

    def outputs(self, first, rows):
        path = os.path.join(self.folder, f"outputs-{self.process.pid}")
        self.ask(f"outputs {first} {rows} {path}")
        y = np.fromfile(path, np.float32).reshape(rows, -1)
        os.remove(path)
        return y

    def peak_memory(self):
        return peak_memory(self.process.pid)

    def close(self):
        """Ends the process, which may have ended by itself; may be called again."""
        try:
            self.process.stdin.close()
        except OSError:
            pass
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Field:
    """All that take part in one comparison; `with` ends their processes."""

    def __init__(self, programs, folder, what, say, peers=None, threads=THREADS):
        self.running, self.say, self.failed = [], say, False
        for peer, variants in PEERS[what].items():
            for variant in variants:
                for count in threads:
                    if peers is None or peer in peers or peer == "lamina":
                        self.start(programs, folder, what, peer, variant, count)

    def start(self, programs, folder, what, peer, variant, threads):
        try:
            self.running.append(Contender(programs, folder, what, peer, variant, threads))
        except Missing as reason:
            if threads == 1 or "one thread only" not in str(reason):
                name = peer + (f" {variant}" if variant else "")
                self.say(f"{name} with {threads} thread(s): not here: {reason}")
                self.failed |= peer == "lamina"

    def each(self, turn, shift=0):
        """turn(contender) for each in turn; who fails is left out from then on. The order moves
        on by `shift`, so that nobody always comes after the same one."""
        order = self.running[shift % max(len(self.running), 1):] + \
            self.running[:shift % max(len(self.running), 1)]
        for contender in order:
            try:
                turn(contender)
            except Missing as reason:
                self.drop(contender, reason)

    def drop(self, contender, reason):
        self.say(f"{contender.name} with {contender.threads} thread(s): left out: {reason}")
        self.failed = True
        contender.close()
        self.running.remove(contender)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for contender in self.running:
            contender.close()
