#!/usr/bin/env python3
"""Reading tables of plain numbers: Lamina's reader, pandas.read_csv and numpy.loadtxt, in turns.

usage: read_tables.py [BUILD] [--megabytes 100] [--rounds 5] [--json [FILE]]

BUILD is the build folder (build). All run in this process, on one core, on the same file in the
cache of the system; Lamina is called through ctypes, as any program would call lam_dataset_load.
The values read are compared. bench/peers/install makes the environment; what is not there is left
out. Figures are MB of 1e6 bytes of text a second, medians; "faster" is the median of the ratios
within a round.
"""
import argparse
import ctypes
import os
import pathlib
import random
import statistics
import tempfile
import time

import results

COLUMNS = 20
KINDS = {  # name: what a number looks like
    "6 decimals": lambda rng: f"{rng.gauss(0, 1):.6f}",
    "17 digits": lambda rng: repr(rng.gauss(0, 1)),
    "whole numbers": lambda rng: str(rng.randint(0, 255)),
}


def write(path, kind, size):
    """Some rows again and again: the sizes matter, not the values."""
    rng = random.Random(1)
    names = ",".join(f"c{i}" for i in range(COLUMNS)) + "\n"
    rows = "".join(",".join(KINDS[kind](rng) for _ in range(COLUMNS)) + "\n" for _ in range(5000))
    count = max(1, size // len(rows))
    path.write_text(names + rows * count)
    return 5000 * count


def lamina(build):
    lib = ctypes.CDLL(str(build / "src" / "liblamina.so"))
    for name, result, arguments in (
            ("lam_dataset_load", ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p]),
            ("lam_dataset_samples", ctypes.c_size_t, [ctypes.c_void_p]),
            ("lam_dataset_features", ctypes.c_size_t, [ctypes.c_void_p]),
            ("lam_dataset_sample", ctypes.c_int,
             [ctypes.c_void_p, ctypes.c_size_t, ctypes.POINTER(ctypes.c_float)]),
            ("lam_dataset_free", None, [ctypes.c_void_p]),
            ("lam_error_message", ctypes.c_char_p, [])):
        getattr(lib, name).restype = result
        getattr(lib, name).argtypes = arguments

    def read(path, row=None):
        data = lib.lam_dataset_load(os.fsencode(path), 0, None)
        if not data:
            raise SystemExit(lib.lam_error_message().decode())
        samples, found = lib.lam_dataset_samples(data), None
        if row is not None:
            x = (ctypes.c_float * lib.lam_dataset_features(data))()
            lib.lam_dataset_sample(data, row, x)
            found = list(x)
        lib.lam_dataset_free(data)
        return samples, found

    return read


def peers():
    """name: function of (path, row) as above; the last column is left out as Lamina does."""
    found = {}
    try:
        import pandas

        def of(**options):
            def read(path, row=None):
                frame = pandas.read_csv(path, **options)
                values = None if row is None else frame.iloc[row, :-1].tolist()
                return len(frame), values
            return read

        found["pandas"] = of()
        found["pandas float32"] = of(dtype="float32")
    except ImportError:
        pass
    try:
        import numpy

        def loadtxt(path, row=None):
            array = numpy.loadtxt(path, dtype=numpy.float32, delimiter=",", skiprows=1)
            return len(array), None if row is None else array[row, :-1].tolist()

        found["numpy.loadtxt"] = loadtxt
    except ImportError:
        pass
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", nargs="?", type=pathlib.Path, default=results.ROOT / "build")
    parser.add_argument("--megabytes", type=float, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", nargs="?", const="-", metavar="FILE")
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    report = results.Report("tables", options.json)
    ours, others = lamina(options.build), peers()
    if not others:
        report.say("neither pandas nor NumPy is here: Lamina alone")
    with tempfile.TemporaryDirectory(prefix="lamina-peers-") as folder:
        path = pathlib.Path(folder) / "table.csv"
        for kind in KINDS:
            rows = write(path, kind, int(options.megabytes * 1e6))
            size = path.stat().st_size * 1e-6
            times = {name: [] for name in ["lamina", *others]}
            expected = ours(path, rows - 1)
            for name, read in others.items():
                count, values = read(path, rows - 1)
                if count != expected[0] or any(abs(a - b) > 1e-6 * abs(a)
                                               for a, b in zip(expected[1], values)):
                    raise SystemExit(f"{name} reads other values: {values} and {expected[1]}")
            for _ in range(options.rounds):
                for name, read in [("lamina", ours), *others.items()]:
                    start = time.perf_counter()
                    read(path)
                    times[name].append(time.perf_counter() - start)
            for name, seconds in times.items():
                speed = size / statistics.median(seconds)
                faster = statistics.median(b / a for a, b in zip(times["lamina"], seconds))
                report.table(peer=name, numbers=kind, MB=size, **{"MB/s": speed},
                             faster="-" if name == "lamina" else f"{faster:.1f}")
                report.line(peer=name, numbers=kind, megabytes=size, megabytes_per_second=speed,
                            lamina_faster=faster)


if __name__ == "__main__":
    main()
