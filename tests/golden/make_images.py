#!/usr/bin/env python3
"""make_images.py: writes data/images/: small image files and the pixels they must decode to.

Needs numpy, opencv-python-headless and pillow. PNG and BMP files of every kind are written here
from their definitions, and what is expected of them is what was put in; Pillow must agree, but for
16-bit samples, which it clips. JPEG files are Pillow's, and what is expected is what Pillow
(libjpeg-turbo) reads. Resizing is OpenCV's INTER_LINEAR, colour to gray Pillow's convert("L").

list.txt: a line a case, FILE WIDTH HEIGHT CHANNELS; the pixels of all of them lie one after another
in list.bin. fit.txt: FILE WIDTH HEIGHT CHANNELS INVERT asked for, with the pixels in fit.bin.
"""
import io
import pathlib
import struct
import zlib

import cv2
import numpy
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent / "data" / "images"
WIDTH, HEIGHT = 13, 9
rng = numpy.random.default_rng(1)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pack(samples, bits):
    """samples [h][w*channels] to bytes of rows, each with filter 0."""
    rows = []
    for row in samples:
        if bits == 16:
            rows.append(b"\0" + row.astype(">u2").tobytes())
        elif bits == 8:
            rows.append(b"\0" + row.astype("u1").tobytes())
        else:
            text = "".join(f"{value:0{bits}b}" for value in row)
            text += "0" * (-len(text) % 8)
            rows.append(b"\0" + bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8)))
    return b"".join(rows)


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def png(samples, bits, colour, palette=None, transparent=None, interlaced=False, extra=b""):
    """samples [h][w][channels]."""
    height, width, channels = samples.shape
    data = b""
    if interlaced:
        for x, y, dx, dy in ADAM7:
            part = samples[y::dy, x::dx]
            if part.size:
                data += pack(part.reshape(part.shape[0], -1), bits)
    else:
        data = pack(samples.reshape(height, -1), bits)
    out = b"\x89PNG\r\n\x1a\n"
    out += chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced))
    out += extra
    if palette is not None:
        out += chunk(b"PLTE", palette.astype("u1").tobytes())
    if transparent is not None:
        out += chunk(b"tRNS", transparent)
    packed = zlib.compress(data, 9)
    half = len(packed) // 2  # two IDAT chunks
    return out + chunk(b"IDAT", packed[:half]) + chunk(b"IDAT", packed[half:]) + chunk(b"IEND", b"")


def random(channels, bits):
    return rng.integers(0, 2**bits, (HEIGHT, WIDTH, channels))


def png_cases():
    gamma = chunk(b"gAMA", struct.pack(">I", 100000)) + chunk(b"sRGB", b"\0")
    for bits in (1, 2, 4, 8):
        gray = random(1, bits)
        yield f"gray{bits}.png", png(gray, bits, 0), gray * (255 // (2**bits - 1))
        indices = random(1, bits)
        palette = rng.integers(0, 256, (2**bits, 3))
        yield f"palette{bits}.png", png(indices, bits, 3, palette), palette[indices[..., 0]]
    gray = random(1, 16)
    yield "gray16.png", png(gray, 16, 0, extra=gamma), gray >> 8
    rgb = random(3, 8)
    yield "rgb8.png", png(rgb, 8, 2, extra=gamma), rgb
    yield "rgb8-interlaced.png", png(rgb, 8, 2, interlaced=True), rgb
    rgb = random(3, 16)
    yield "rgb16.png", png(rgb, 16, 2), rgb >> 8
    gray = random(1, 8)
    yield "gray8-key.png", png(gray, 8, 0, transparent=b"\0\x07"), gray
    yield "gray8-interlaced.png", png(gray, 8, 0, interlaced=True), gray
    gray = random(1, 1)
    yield "gray1-interlaced.png", png(gray, 1, 0, interlaced=True), gray * 255
    for bits in (8, 16):
        two, four = random(2, bits), random(4, bits)
        yield f"gray-alpha{bits}.png", png(two, bits, 4), two[..., :1] >> (bits - 8)
        yield f"rgba{bits}.png", png(four, bits, 6), four[..., :3] >> (bits - 8)
    indices, palette = random(1, 4), rng.integers(0, 256, (16, 3))
    yield ("palette4-alpha.png", png(indices, 4, 3, palette, bytes(range(0, 160, 10)), True),
           palette[indices[..., 0]])


def bmp(rows, bits, width, height, palette=b"", compression=0, masks=b"", header=40, colours=0):
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", header, width, height, 1, bits, compression, 0, 0, 0, colours, 0)
        info += masks + b"\0" * (header - 40 - len(masks) if header > 40 else 0)
    at = 14 + len(info) + len(palette)
    body = b"".join(row + b"\0" * (-len(row) % 4) for row in rows)
    return b"BM" + struct.pack("<IHHI", at + len(body), 0, 0, at) + info + palette + body


def palette_bytes(palette, entry):
    return b"".join(bytes([b, g, r]) + b"\0" * (entry - 3) for r, g, b in palette.tolist())


def bmp_cases():
    for bits in (1, 4, 8):
        indices, palette = random(1, bits), rng.integers(0, 256, (2**bits, 3))
        packed = pack(indices.reshape(HEIGHT, -1), bits)
        step = len(packed) // HEIGHT
        rows = [packed[y * step + 1 : (y + 1) * step] for y in range(HEIGHT)]
        yield (f"palette{bits}.bmp", bmp(rows[::-1], bits, WIDTH, HEIGHT, palette_bytes(palette, 4)),
               palette[indices[..., 0]])
        if bits == 4:
            yield ("core4.bmp", bmp(rows[::-1], bits, WIDTH, HEIGHT, palette_bytes(palette, 3), header=12),
                   palette[indices[..., 0]])
    gray = random(1, 8)
    ramp = numpy.repeat(numpy.arange(256)[:, None], 3, 1)
    rows = [row.astype("u1").tobytes() for row in gray.reshape(HEIGHT, -1)]
    yield "gray8.bmp", bmp(rows[::-1], 8, WIDTH, HEIGHT, palette_bytes(ramp, 4)), gray
    rgb = random(3, 8)
    rows = [row[:, ::-1].astype("u1").tobytes() for row in rgb]
    yield "rgb24.bmp", bmp(rows[::-1], 24, WIDTH, HEIGHT), rgb
    yield "rgb24-from-above.bmp", bmp(rows, 24, WIDTH, -HEIGHT), rgb
    rows = [numpy.insert(row[:, ::-1], 3, 0, 1).astype("u1").tobytes() for row in rgb]
    yield "rgb32.bmp", bmp(rows[::-1], 32, WIDTH, HEIGHT), rgb
    words = rgb[..., 0] << 2 | rgb[..., 1] << 12 | rgb[..., 2] << 24
    rows = [row.astype("<u4").tobytes() for row in words]
    masks = struct.pack("<IIII", 0xFF << 2, 0xFF << 12, 0xFF << 24, 0)
    yield ("fields32.bmp", bmp(rows[::-1], 32, WIDTH, HEIGHT, compression=3, masks=masks, header=108),
           rgb)
    five = random(3, 5)
    words = five[..., 0] << 10 | five[..., 1] << 5 | five[..., 2]
    rows = [row.astype("<u2").tobytes() for row in words]
    yield "rgb16.bmp", bmp(rows[::-1], 16, WIDTH, HEIGHT), (five * 255 + 15) // 31
    six = five.copy()
    six[..., 1] = random(1, 6)[..., 0]
    words = six[..., 0] << 11 | six[..., 1] << 5 | six[..., 2]
    rows = [row.astype("<u2").tobytes() for row in words]
    expected = (six * 255 + 15) // 31
    expected[..., 1] = (six[..., 1] * 255 + 31) // 63
    masks = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    yield "fields16.bmp", bmp(rows[::-1], 16, WIDTH, HEIGHT, compression=3, masks=masks), expected


def smooth(channels):
    y, x = numpy.mgrid[0:37, 0:53]
    planes = [127 + 120 * numpy.sin(x / (5 + 2 * c) + c) * numpy.cos(y / (4 + c)) for c in range(channels)]
    return numpy.stack(planes, -1).astype("u1")


def jpeg_cases():
    for name, channels, options in (
        ("colour.jpg", 3, {"subsampling": 0}),
        ("colour-420.jpg", 3, {"subsampling": 2}),
        ("progressive.jpg", 3, {"progressive": True}),
        ("gray.jpg", 1, {}),
        ("gray-progressive.jpg", 1, {"progressive": True}),
    ):
        file = io.BytesIO()
        Image.fromarray(smooth(channels).squeeze()).save(file, "JPEG", quality=90, **options)
        pixels = numpy.asarray(Image.open(io.BytesIO(file.getvalue())))
        yield name, file.getvalue(), pixels.reshape(37, 53, channels)


def write_cases():
    lines, values = [], []
    for name, content, pixels in (*png_cases(), *bmp_cases(), *jpeg_cases()):
        pixels = pixels.astype("u1")
        if "16.png" not in name and name != "fields32.bmp":  # which Pillow does not read as here
            image = Image.open(io.BytesIO(content))
            seen = numpy.asarray(image.convert("L" if pixels.shape[2] == 1 else "RGB"))
            most = numpy.abs(seen.reshape(pixels.shape).astype(int) - pixels).max()
            assert most <= ("16.bmp" in name), (name, most)
        (HERE / name).write_bytes(content)
        values.append(pixels.tobytes())
        lines.append(f"{name} {pixels.shape[1]} {pixels.shape[0]} {pixels.shape[2]}\n")
    (HERE / "list.txt").write_text("".join(lines))
    (HERE / "list.bin").write_bytes(b"".join(values))


def write_fits():
    lines, values = [], []
    sizes = ((13, 9), (28, 28), (7, 5), (1, 1), (26, 18), (5, 31), (64, 3))
    for name in ("rgb8.png", "gray8-interlaced.png", "progressive.jpg"):
        image = Image.open(HERE / name)
        for channels in (1, 3):
            pixels = numpy.asarray(image.convert("L" if channels == 1 else "RGB"))
            for width, height in sizes:
                for invert in (0, 1):
                    if invert and width != 7:
                        continue
                    made = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR)
                    made = 255 - made if invert else made
                    values.append(made.tobytes())
                    lines.append(f"{name} {width} {height} {channels} {invert}\n")
    (HERE / "fit.txt").write_text("".join(lines))
    (HERE / "fit.bin").write_bytes(b"".join(values))


def main():
    HERE.mkdir(parents=True, exist_ok=True)
    write_cases()
    write_fits()
    file = io.BytesIO()
    Image.fromarray(smooth(3)).convert("CMYK").save(file, "JPEG")
    (HERE / "cmyk.jpg").write_bytes(file.getvalue())


if __name__ == "__main__":
    main()
