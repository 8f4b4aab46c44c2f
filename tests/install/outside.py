#!/usr/bin/env python3
"""outside.py: installs the build into an empty folder and builds a project outside the tree on it.

    outside.py WAY BUILD ROOT PREFIX LIBDIR -- MESON...

WAY pkgconfig: with make and pkg-config. cmake: with CMake's find_package. pkgconfig-static,
cmake-static: the same with the static library, which must need no more than the packages that
Lamina is built with (no Fortran compiler for OpenBLAS's sake). PREFIX and LIBDIR are those of the
build. Exits with 77 (skipped) where make, pkg-config or cmake is missing.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile


def run(command, folder, **environment):
    print("$", *command, flush=True)
    subprocess.run([str(part) for part in command], cwd=folder, check=True,
                   env={**os.environ, **{k: str(v) for k, v in environment.items()}})


def install(meson, build, folder):
    """Installs under folder/installed. Meson writes a log into the build folder, which an installation
    by root has left to root: here it works in another one, whose contents are links to those."""
    log = build / "meson-logs" / "install-log.txt"
    before = log.stat().st_mtime_ns if log.exists() else None
    double = folder / "build"
    for own in ["meson-logs", "meson-private"]:
        (double / own).mkdir(parents=True)
    shutil.copy(build / "meson-private" / "install.dat", double / "meson-private")
    for path in build.iterdir():
        if not (double / path.name).exists():
            (double / path.name).symlink_to(path)
    run([*meson, "install", "-C", double, "--no-rebuild", "--quiet",
         "--destdir", folder / "installed"], folder)
    if before != (log.stat().st_mtime_ns if log.exists() else None):
        sys.exit(f"{log} was written to")
    return folder / "installed"


def check_static(program, libdir):
    """Runs where there is no shared library."""
    for path in libdir.glob("liblamina.so*"):
        path.unlink()
    run([program], program.parent)


def build_with_make(project, destination, libdir, static):
    """The .pc file names the final prefix. Where it is for now goes into its text: a sysroot would
    also move the folders of the libraries underneath. As a relative path: no shell reads an answer
    of pkg-config in which there are spaces, and the folder for temporary files may have some."""
    environment = {"PKG_CONFIG_PATH": libdir / "pkgconfig", "LD_LIBRARY_PATH": libdir}
    text = (libdir / "pkgconfig" / "lamina.pc").read_text()
    (libdir / "pkgconfig" / "lamina.pc").write_text(
        text.replace("prefix=/", f"prefix={os.path.relpath(destination, project)}/", 1))
    if static:
        environment["STATIC"] = "1"
    run(["make", "outside"], project, **environment)
    run(["./outside"], project, **environment)
    if static:
        check_static(project / "outside", libdir)


def build_with_cmake(project, prefix, libdir, static):
    run(["cmake", "-B", "build", f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Release",
         f"-Dlamina_USE_STATIC_LIBS={'ON' if static else 'OFF'}"], project)
    run(["cmake", "--build", "build"], project)
    run(["build/outside"], project, LD_LIBRARY_PATH=libdir)
    if static:
        check_static(project / "build" / "outside", libdir)
    # A later version must be refused, in words.
    lists = (project / "CMakeLists.txt").read_text()
    (project / "CMakeLists.txt").write_text(lists.replace("find_package(lamina 0.1",
                                                          "find_package(lamina 99.0"))
    again = subprocess.run(["cmake", "-B", "later", f"-DCMAKE_PREFIX_PATH={prefix}"], cwd=project,
                           text=True, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                           check=False)
    if again.returncode == 0 or "99.0" not in again.stderr:
        sys.exit("find_package(lamina 99.0) was not refused")


def check_installed(prefix, libdir, root):
    """Every public header and both kinds of package file have arrived."""
    expected = [prefix / "include" / "lamina" / header.name
                for header in (root / "include" / "lamina").glob("*.h")]
    expected += [libdir / "pkgconfig" / "lamina.pc",
                 prefix / "share" / "cmake" / "lamina" / "laminaConfig.cmake",
                 prefix / "share" / "cmake" / "lamina" / "laminaConfigVersion.cmake"]
    absent = [str(path) for path in expected if not path.is_file()]
    if absent:
        sys.exit("not installed: " + " ".join(absent))


def main():
    if len(sys.argv) < 8 or sys.argv[6] != "--":
        sys.exit(__doc__)
    how, build, root, prefix, libdir = sys.argv[1:6]
    meson = sys.argv[7:]
    way, _, static = how.partition("-")
    for tool in ["cmake"] if way == "cmake" else ["make", "pkg-config"]:
        if not shutil.which(tool):
            print(f"skipped: there is no {tool}")
            sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        destination = install(meson, pathlib.Path(build), folder)
        installed = destination / prefix.lstrip("/")
        libraries = installed / libdir
        check_installed(installed, libraries, pathlib.Path(root))
        project = folder / "outside"
        shutil.copytree(pathlib.Path(root) / "examples" / "outside", project)
        if way == "cmake":
            build_with_cmake(project, installed, libraries, static)
        else:
            build_with_make(project, destination, libraries, static)


if __name__ == "__main__":
    main()
