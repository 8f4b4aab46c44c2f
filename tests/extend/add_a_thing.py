#!/usr/bin/env python3
"""add_a_thing.py: follows the examples of CONTRIBUTING.md to the letter, in a copy of the tree.

    add_a_thing.py ROOT [THING...] -- MESON...

The comment before each block there names a thing (activation, loss, optimizer), a file and the line
that the block goes behind. All are applied at once; then the copy is built and the tests that concern
them are run, the command takes the new names, and each file that a thing touched is printed.
"""
import collections
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

# The most files in src/ that adding a thing may touch. Layers: tests/install/guide.py.
MOST = {"activation": 2, "loss": 2, "optimizer": 2}

# What each thing is tested by; programs of tests/*/meson.build.
PROGRAMS = {
    "activation": ["kernels", "special", "dense", "gradients", "c_source", "quantize"],
    "loss": ["kernels", "losses", "gradients"],
    "optimizer": ["kernels", "optimizers", "options", "several_fits"],
}

BLOCK = re.compile(r"^<!-- (?P<thing>\w+): (?P<file>\S+) (?:after: (?P<line>.*?)|at the end) -->\n"
                   r"```[a-z]*\n(?P<text>.*?)^```$", re.M | re.S)


def copy_tree(root, copy):
    large = {str(root / "tests" / "fuzz"): ["corpus"]}
    for part in ("include", "src", "tests", "docs", "scripts", "bench", "examples"):
        shutil.copytree(root / part, copy / part,
                        ignore=lambda at, names: large.get(at, []) + [n for n in names if n == "__pycache__"])
    for part in ("meson.build", "meson_options.txt", "CONTRIBUTING.md", "README.md", "CHANGELOG.md"):
        shutil.copy(root / part, copy)


def insert(path, line, text):
    lines = path.read_text().splitlines(keepends=True)
    at = len(lines)
    if line:
        found = [i for i, content in enumerate(lines) if line in content]
        if len(found) != 1:
            sys.exit(f"{path}: {len(found)} lines with \"{line}\"")
        at = found[0] + 1
    path.write_text("".join(lines[:at]) + text + "".join(lines[at:]))


def apply(copy, things):
    """Returns the files that each thing touched. A file that is not there is made."""
    touched = collections.defaultdict(list)
    blocks = list(BLOCK.finditer((copy / "CONTRIBUTING.md").read_text()))
    for block in blocks:
        thing = block["thing"]
        if thing not in things:
            continue
        path = copy / block["file"]
        if not path.exists():
            path.write_text("")
        insert(path, block["line"], block["text"])
        if block["file"] not in touched[thing]:
            touched[thing].append(block["file"])
    for thing in things:
        if not touched[thing]:
            sys.exit(f"CONTRIBUTING.md has no example of {thing}")
    return touched


def run(*command, cwd=None, wanted=0):
    print("$", *command, flush=True)
    done = subprocess.run([str(part) for part in command], cwd=cwd, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    if done.returncode != wanted:
        sys.exit(f"{done.stdout[-6000:]}\nexit status {done.returncode}")
    return done.stdout


def tests_of(meson, build, programs):
    """Names of the tests: each program on every instruction set, as meson.build has them."""
    names = run(*meson, "test", "-C", build, "--list").splitlines()
    names = [name.split(":")[-1].split(" / ")[-1].strip() for name in names]
    return [name for name in names
            if any(name == p or re.fullmatch(rf"{p}_(baseline|sse2_tiles|avx2|avx512)", name) for p in programs)]


def rename_in_zip(source, target, old, new):
    with zipfile.ZipFile(source) as before, zipfile.ZipFile(target, "w") as after:
        changed = 0
        for name in before.namelist():
            data = before.read(name)
            changed += data.count(old)
            after.writestr(name, data.replace(old, new))
    if not changed:
        sys.exit(f"{source}: nothing to rename")


def check_activation(lamina, copy, folder):
    """Trained, saved, written as ONNX and read again; read from files of Keras and PyTorch."""
    run(lamina, "train", "spiral", "--layers", "16:silu,3:softmax", "--epochs", "3", "-o", folder / "m")
    for there, back in ("m", "m.onnx"), ("m.onnx", "again.safetensors"):
        run(lamina, "convert", folder / there, folder / back)
    first, again = (run(lamina, "evaluate", folder / name, "spiral").splitlines() for name in ("m", "again.safetensors"))
    figures = [[re.findall(r"\d+\.\d{3}", line) for line in lines if "loss" in line] for lines in (first, again)]
    if not figures[0] or figures[0] != figures[1]:
        sys.exit(f"another network came back from ONNX: {first} {again}")
    data = copy / "tests" / "golden" / "data"
    keras = next(path for path in sorted((data / "keras").glob("*.keras"))
                 if b'"activation": "tanh"' in zipfile.ZipFile(path).read("config.json"))
    for word in b"silu", b"swish":
        rename_in_zip(keras, folder / "k.keras", b'"activation": "tanh"', b'"activation": "%s"' % word)
        if "silu" not in run(lamina, "inspect", folder / "k.keras"):
            sys.exit("the activation did not come from Keras")
    rename_in_zip(data / "foreign" / "layer-norm.pt", folder / "t.pt", b"activation\nTanh\n",
                  b"activation\nSiLU\n")
    if "silu" not in run(lamina, "inspect", folder / "t.pt"):
        sys.exit("the activation did not come from PyTorch")


def check_loss(lamina, _, folder):
    run(lamina, "train", "spiral", "--layers", "16:tanh,3:linear", "--loss", "log_cosh", "--epochs", "3",
        "-o", folder / "l")
    if "log_cosh" not in run(lamina, "inspect", folder / "l"):
        sys.exit("the model does not tell its loss")


def check_optimizer(lamina, _, folder):
    """By flags, in any order, and spelled: the same bits. Refused to others and out of range."""
    common = ["train", "spiral", "--layers", "16:tanh,3:softmax", "--epochs", "2"]
    ways = {"a": ["--optimizer", "qhm", "--nu", "0.6", "--beta", "0.95"],
            "b": ["--beta=0.95", "--nu=0.6", "--optimizer=qhm"],
            "c": ["--optimizer=qhm:nu=0.6,beta=0.95"],
            "d": ["--optimizer=qhm"]}
    bits = {}
    for name, flags in ways.items():
        run(lamina, *common, *flags, "-o", folder / name)
        bits[name] = (folder / name).read_bytes()
    if not bits["a"] == bits["b"] == bits["c"] != bits["d"]:
        sys.exit("the hyperparameters make another network in another spelling, or none")
    for flags, words in ((["--nu=0.5"], "--nu is an option of qhm, and the optimizer is adam"),
                         (["--optimizer=qhm", "--nu=1.5"], "nu must be a number in 0 <= X < 1"),
                         (["--optimizer=qhm:mu=1"], "no hyperparameter 'mu': it has nu"),
                         (["--optimizer=qhm", "--momentum=0.5"], "--momentum is an option of sgd")):
        if words not in run(lamina, *common, *flags, "-o", folder / "no", wanted=2):
            sys.exit(f"{flags} are not refused with '{words}'")
    told = "--optimizer=qhm:nu=0.6,beta=0.95"
    run(lamina, *common, told, f"--checkpoint={folder / 'run'}", "-o", folder / "e")
    more = [*common[:-1], "4", f"--checkpoint={folder / 'run'}", "--resume", "-o", folder / "f"]
    if "nu=0.6" not in run(lamina, *more, "--optimizer=qhm:nu=0.7,beta=0.95", wanted=1):
        sys.exit("a run is resumed with another hyperparameter")
    run(lamina, *more, told)
    run(lamina, *common[:-1], "4", told, "-o", folder / "g")
    if (folder / "f").read_bytes() != (folder / "g").read_bytes():
        sys.exit("a resumed run is another")


CHECKS = {"activation": check_activation, "loss": check_loss, "optimizer": check_optimizer}
HELP = {"activation": ["silu", "swish"], "loss": ["log_cosh"], "optimizer": ["qhm", "--nu", "--beta"]}


def main():
    if len(sys.argv) < 4 or "--" not in sys.argv[2:]:
        sys.exit(__doc__)
    split = sys.argv.index("--")
    root, meson = pathlib.Path(sys.argv[1]), sys.argv[split + 1:]
    known = [match["thing"] for match in BLOCK.finditer((root / "CONTRIBUTING.md").read_text())]
    things = sys.argv[2:split] or [thing for thing in MOST if thing in known]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder).resolve()
        copy, build = folder / "tree", folder / "build"
        copy_tree(root, copy)
        touched = apply(copy, things)
        run(*meson, "setup", build, copy, "-Dbench=false", "-Dexamples=false", "-Ddocs=false")
        programs = sorted({program for thing in things for program in PROGRAMS[thing]})
        targets = [name for name in run("ninja", "-C", build, "-t", "targets", "all").splitlines()
                   if re.match(rf"tests/\w+/test_({'|'.join(programs)}): ", name)]
        built = run("ninja", "-C", build, "-j2", "src/cli/lamina", *[name.split(":")[0] for name in targets])
        if "warning:" in built:
            sys.exit(built[-6000:])
        names = tests_of(meson, build, programs)
        print(run(*meson, "test", "-C", build, "--no-rebuild", "--print-errorlogs", *names)[-4000:])
        for check in ("names", "length", "opening", "docs", "layering"):
            run(sys.executable, copy / "tests" / "install" / "structure.py", check, copy)
        lamina = build / "src" / "cli" / "lamina"
        text = run(lamina, "train", "--help")
        for thing in things:
            for word in HELP.get(thing, []):
                if not re.search(rf"(?<![\w-]){word}\b", text):
                    sys.exit(f"the help does not tell {word}")
            if thing in CHECKS:
                CHECKS[thing](lamina, copy, folder)
    for thing in things:
        inside = [name for name in touched[thing] if name.startswith("src/")]
        print(f"{thing}: {len(inside)} files in src/: {', '.join(touched[thing])}")
        if len(inside) > MOST[thing]:
            sys.exit(f"{thing}: more than {MOST[thing]} files in src/")


if __name__ == "__main__":
    main()
