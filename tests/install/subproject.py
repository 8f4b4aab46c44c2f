#!/usr/bin/env python3
"""subproject.py: another Meson project builds a program with this tree as its subproject.

    subproject.py ROOT -- MESON...

It is found as dependency('lamina', fallback: 'lamina') once without and once with the wish to install
it, and brings neither tests nor programs along.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

PROJECT = """project('outside', 'c', default_options: ['c_std=c11', 'default_library=static'])
lamina = dependency('lamina', version: '>= 0.1', fallback: 'lamina')
executable('outside', 'main.c', dependencies: lamina, install: true)
"""


def run(command, folder):
    print("$", *command, flush=True)
    subprocess.run([str(part) for part in command], cwd=folder, check=True)


def introspect(build, what):
    return json.loads((build / "meson-info" / f"intro-{what}.json").read_text())


def brought(project, build):
    """What the tree adds that is neither a library nor made for one."""
    inside = str(project / "subprojects" / "lamina")
    programs = [target["name"] for target in introspect(build, "targets")
                if target["type"] == "executable" and target["defined_in"].startswith(inside)]
    return programs + [test["name"] for what in ("tests", "benchmarks")
                       for test in introspect(build, what)]


def installed(build):
    return sorted(pathlib.Path(path).name for path in introspect(build, "installed").values())


def main():
    if len(sys.argv) < 4 or sys.argv[2] != "--":
        sys.exit(__doc__)
    root, meson = pathlib.Path(sys.argv[1]), sys.argv[3:]
    with tempfile.TemporaryDirectory() as folder:
        project = pathlib.Path(folder).resolve() / "outside"
        (project / "subprojects").mkdir(parents=True)
        shutil.copy(root / "examples" / "outside" / "main.c", project)
        (project / "meson.build").write_text(PROJECT)
        copy = project / "subprojects" / "lamina"
        large = {str(root / "tests" / "golden"): ["data"], str(root / "tests" / "fuzz"): ["corpus"]}
        for part in ("include", "src", "tests", "bench", "examples", "docs", "scripts"):
            shutil.copytree(root / part, copy / part, ignore=lambda at, _: large.get(at, []))
        for part in ("meson.build", "meson_options.txt"):
            shutil.copy(root / part, copy)
        # -O0: what is built is looked at, not run for long
        run([*meson, "setup", "build", "--buildtype=plain", "--force-fallback-for=lamina",
             "-Dlamina:onnx=disabled"], project)
        build = project / "build"
        if brought(project, build):
            sys.exit(f"the subproject brings {brought(project, build)} along")
        if installed(build) != ["outside"]:
            sys.exit(f"the subproject installs {installed(build)}")
        run([*meson, "compile", "-C", "build"], project)
        run(["build/outside"], project)
        if any(path.is_file() for path in build.rglob("liblamina.so*")):
            sys.exit("the program needs a shared library that is not installed with it")
        run([*meson, "configure", "build", "-Dlamina:install=enabled"], project)
        run([*meson, "setup", "--reconfigure", "build"], project)
        if not {"liblamina.a", "liblamina.so", "lamina.pc"} <= set(installed(build)):
            sys.exit(f"asked to install, the subproject installs {installed(build)}")


if __name__ == "__main__":
    main()
