#!/usr/bin/env python3
"""Loads a folder of PNG files in Lamina and in Pillow, in turns: seconds, times faster.

usage: compare_loading.py [BUILD] [--data DATA] [--folder FOLDER] [--rounds 5] [--json]

DATA (Debian's Fashion-MNIST) is exported to FOLDER, unless it is there, by the program of
examples/fashion_to_png.c; without --folder to a temporary one. What is timed is reading the
training split, files to bytes in memory: Lamina by lam_dataset_load, with as many threads as it
takes by itself, and Pillow as its users do, numpy.asarray(Image.open(path)) for each file of a
sorted list, in one process and thread. Both read through the file cache, and results are compared.
The ratio is formed within each round.
"""
import argparse
import ctypes
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy
from PIL import Image


def read_with_pillow(folder):
    """Folders and files sorted, as everybody's loader does; [samples][height][width]."""
    start = time.perf_counter()
    paths = []
    for label in sorted(path for path in folder.iterdir() if path.is_dir()):
        paths += sorted(label.iterdir())
    x = None
    for i, path in enumerate(paths):
        with Image.open(path) as image:
            pixels = numpy.asarray(image)
        if x is None:
            x = numpy.empty((len(paths), *pixels.shape), numpy.uint8)
        x[i] = pixels
    return time.perf_counter() - start, x


class Lamina:
    def __init__(self, library):
        self.lib = ctypes.CDLL(str(library))
        self.lib.lam_dataset_load.restype = ctypes.c_void_p
        self.lib.lam_dataset_load.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p]
        self.lib.lam_dataset_free.argtypes = [ctypes.c_void_p]
        self.lib.lam_dataset_samples.argtypes = [ctypes.c_void_p]
        self.lib.lam_dataset_samples.restype = ctypes.c_size_t
        self.lib.lam_dataset_sample.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
        self.lib.lam_error_message.restype = ctypes.c_char_p

    def read(self, folder):
        start = time.perf_counter()
        data = self.lib.lam_dataset_load(str(folder).encode(), 0, None)
        seconds = time.perf_counter() - start
        if not data:
            raise SystemExit(self.lib.lam_error_message().decode())
        return seconds, data

    def check(self, data, x):
        """Every sample is the one Pillow read."""
        samples = self.lib.lam_dataset_samples(data)
        if samples != len(x):
            raise SystemExit(f"{samples} samples, Pillow has {len(x)}")
        row = numpy.empty(x[0].size, numpy.float32)
        for i, expected in enumerate(x):
            self.lib.lam_dataset_sample(data, i, row.ctypes.data)
            if not numpy.array_equal(row, expected.reshape(-1)):
                raise SystemExit(f"sample {i} differs")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("build", nargs="?", default="build", type=pathlib.Path)
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--folder", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or pathlib.Path(temporary)
        if not (folder / "png").is_dir():
            exporter = options.build / "examples" / "example_fashion_to_png"
            subprocess.run([exporter, options.data, folder], check=True, stdout=subprocess.DEVNULL)
        lamina = Lamina(options.build / "src" / "liblamina.so")
        ours, theirs = [], []
        for turn in range(options.rounds + 1):  # the first fills the file cache
            seconds, data = lamina.read(folder / "png")
            pillow, x = read_with_pillow(folder / "png" / "train")
            if turn == 0:
                lamina.check(data, x)
            else:
                ours.append(seconds)
                theirs.append(pillow)
            lamina.lib.lam_dataset_free(data)
    ratio = statistics.median(b / a for a, b in zip(ours, theirs))
    result = {
        "files": len(x),
        "lamina_seconds": round(statistics.median(ours), 3),
        "pillow_seconds": round(statistics.median(theirs), 3),
        "times_faster": round(ratio, 2),
    }
    if options.json:
        print(json.dumps(result))
    else:
        print(f"{result['files']} files: Lamina {result['lamina_seconds']} s, "
              f"Pillow {result['pillow_seconds']} s, {result['times_faster']} times faster")


if __name__ == "__main__":
    main()
