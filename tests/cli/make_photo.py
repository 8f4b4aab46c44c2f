#!/usr/bin/env python3
"""make_photo.py: writes garment.jpg, a made-up photograph: the third test image of Fashion-MNIST (a
pair of trousers) in brown before a light wall, 300 x 270 pixels. Needs numpy and opencv."""
import gzip
import pathlib

import cv2
import numpy

DATA = "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"


def main():
    with gzip.open(DATA) as file:
        image = numpy.frombuffer(file.read()[16 + 2 * 784 : 16 + 3 * 784], numpy.uint8).reshape(28, 28)
    rng = numpy.random.default_rng(1)
    shape = cv2.resize(image, (300, 270), interpolation=cv2.INTER_CUBIC).astype(float) / 255
    wall = numpy.array([244.0, 240, 236])  # blue, green, red
    brown = numpy.array([30.0, 40, 70])
    photo = wall + shape[..., None] * (brown - wall) + rng.normal(0, 3, (270, 300, 3))
    path = pathlib.Path(__file__).resolve().parent / "garment.jpg"
    cv2.imwrite(str(path), photo.clip(0, 255).astype(numpy.uint8), [cv2.IMWRITE_JPEG_QUALITY, 80])


if __name__ == "__main__":
    main()
