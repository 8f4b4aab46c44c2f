#!/usr/bin/env python3
"""make_augment.py: writes data/augment.txt and .bin: images moved by SciPy.

Needs numpy and scipy. The matrices are put together as Keras does (keras.src.legacy.preprocessing.
image.apply_affine_transform): rotation times shift times shear times zoom, about the middle of the
image; scipy.ndimage.affine_transform with order=1 does the rest, a channel at a time.

augment.txt: a line a case: WIDTH HEIGHT CHANNELS MODE, then angle, rows, columns, shear (degrees)
and the two zooms. augment.bin: of each case the image and the result, 32-bit floats.
"""
import pathlib

import numpy
import scipy.ndimage

HERE = pathlib.Path(__file__).resolve().parent / "data"
MODES = {"nearest": "nearest", "reflect": "reflect", "wrap": "grid-wrap", "constant": "grid-constant"}
CASES = [  # angle, rows, columns, shear, zoom of rows, zoom of columns
    (0, 0, 0, 0, 1, 1),
    (0, 2, -3, 0, 1, 1),
    (0, 0.25, -1.75, 0, 1, 1),
    (90, 0, 0, 0, 1, 1),
    (17, 0, 0, 0, 1, 1),
    (-140, 0, 0, 0, 1, 1),
    (0, 0, 0, 25, 1, 1),
    (0, 0, 0, 0, 0.7, 1.4),
    (-12, 1.5, 2.25, 8, 1.2, 0.85),
]


def matrix(angle, rows, columns, shear, zoom_rows, zoom_columns, height, width):
    angle, shear = numpy.deg2rad(angle), numpy.deg2rad(shear)
    rotation = numpy.array([[numpy.cos(angle), -numpy.sin(angle), 0],
                            [numpy.sin(angle), numpy.cos(angle), 0], [0, 0, 1]])
    shift = numpy.array([[1, 0, rows], [0, 1, columns], [0, 0, 1]])
    slant = numpy.array([[1, -numpy.sin(shear), 0], [0, numpy.cos(shear), 0], [0, 0, 1]])
    zoom = numpy.diag([zoom_rows, zoom_columns, 1])
    y, x = height / 2 - 0.5, width / 2 - 0.5
    there = numpy.array([[1, 0, y], [0, 1, x], [0, 0, 1]])
    back = numpy.array([[1, 0, -y], [0, 1, -x], [0, 0, 1]])
    return there @ rotation @ shift @ slant @ zoom @ back


def main():
    rng = numpy.random.default_rng(3)
    lines, values = [], []
    for case in CASES:
        for mode, name in MODES.items():
            width, height, channels = (11, 8, 1) if mode != "wrap" else (7, 9, 3)
            image = rng.integers(0, 256, (height, width, channels)).astype(numpy.float32)
            m = matrix(*case, height, width)
            moved = numpy.stack([
                scipy.ndimage.affine_transform(image[..., c].astype(float), m[:2, :2], m[:2, 2],
                                               order=1, mode=name)
                for c in range(channels)], -1)
            lines.append(f"{width} {height} {channels} {mode} {' '.join(map(str, case))}\n")
            values += [image.tobytes(), moved.astype(numpy.float32).tobytes()]
    (HERE / "augment.txt").write_text("".join(lines))
    (HERE / "augment.bin").write_bytes(b"".join(values))


if __name__ == "__main__":
    main()
