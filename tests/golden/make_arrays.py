#!/usr/bin/env python3
"""make_arrays.py: writes data/arrays.txt, files as NumPy saves them and what is in them.

A line per file: name, the bytes of the .npy file in hexadecimal, "u8" or "f32" as it shall lie in
memory, samples, features, then all values, the last dimension running fastest, as numbers that give
the float back exactly. Needs NumPy.
"""
import io
import pathlib

import numpy as np
from numpy.lib import format as npy

OUT = pathlib.Path(__file__).resolve().parent / "data" / "arrays.txt"
SHAPES = {"line": (5,), "plane": (3, 4), "cube": (2, 3, 4), "deep": (2, 1, 3, 2, 2), "one": (1, 1)}
TYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"]


def fill(shape, type, rng):
    count = int(np.prod(shape))
    dtype = np.dtype(type)
    if dtype.kind == "b":
        values = rng.integers(0, 2, count)
    elif dtype.kind in "iu":
        info = np.iinfo(dtype)
        values = rng.integers(info.min, info.max, count, dtype=dtype.newbyteorder("="), endpoint=True)
        values[0], values[-1] = info.max, info.min
    else:
        values = rng.normal(0, 100, count)
        values[0] = 6e-8 if dtype.itemsize == 2 else 1e-40  # denormal
        values[-1] = -65504 if dtype.itemsize == 2 else 3.4e38
    return np.asarray(values).astype(dtype).reshape(shape)


def saved(array, version):
    to = io.BytesIO()
    npy.write_array(to, array, version=version, allow_pickle=False)
    return to.getvalue()


def main():
    rng = np.random.default_rng(1)
    lines = []
    for type in TYPES:
        for order in "<>" if np.dtype(type).itemsize > 1 else "|":
            for index, (shape, size) in enumerate(SHAPES.items()):
                for fortran in [False, True]:
                    array = fill(size, order + type if order != "|" else type, rng)
                    array = np.asfortranarray(array) if fortran else array
                    version = [(1, 0), (2, 0), (3, 0)][index % 3]
                    flat = array.reshape(array.shape[0], -1)
                    memory = "u8" if np.dtype(type).kind + str(flat.itemsize) in ("b1", "u1") else "f32"
                    values = " ".join(f"{v:.9g}" for v in flat.astype(np.float32).ravel().tolist())
                    name = f"{type.replace('?', 'b1')}{'be' if order == '>' else ''}-{shape}"
                    lines.append(
                        f"{name}{'-fortran' if fortran else ''} {saved(array, version).hex()} {memory} "
                        f"{flat.shape[0]} {flat.shape[1]} {values}\n"
                    )
    OUT.write_text("".join(lines))
    print(len(lines), "files")


if __name__ == "__main__":
    main()
