"""make_hostile.py: writes the inputs of the corpora that claim more than they hold.

Usage: make_hostile.py [FOLDER]; FOLDER is tests/fuzz/corpus when not given. Standard library only;
the same bytes at each run. Each input once made a reader, or a library below it, take memory or
time for what a header says; replay.c holds them to twice their size and a constant.
"""
import gzip
import io
import pathlib
import struct
import sys
import zipfile
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind, data=b"", length=None):
    return (struct.pack(">I", len(data) if length is None else length) + kind + data
            + struct.pack(">I", zlib.crc32(kind + data)))


def header(width, height, depth=8, colour=0, interlaced=0):
    return SIGNATURE + chunk(b"IHDR", struct.pack(">2I5B", width, height, depth, colour, 0, 0,
                                                  interlaced))


def png(width, height, rows, before=b"", **kind):
    """A PNG whose image data hold `rows` bytes of zeros."""
    data = zlib.compressobj(9)
    packed = b"".join(data.compress(bytes(min(1 << 20, rows - at))) for at in range(0, rows, 1 << 20))
    return header(width, height, **kind) + before + chunk(b"IDAT", packed + data.flush()) + \
        chunk(b"IEND")


def pngs():
    one = b"\0\0"  # the row of an image of one pixel
    image = chunk(b"IDAT", zlib.compress(one)) + chunk(b"IEND")
    for kind in ("sPLT", "pCAL", "iTXt", "zTXt", "tEXt", "iCCP", "eXIf", "tRNS", "PLTE", "hIST",
                 "sCAL", "prVt"):
        yield f"claims-{kind}.png", header(1, 1) + chunk(kind.encode(), b"a\0", 0x7fffffff) + image
    bomb = zlib.compress(bytes(7 << 20), 9)
    for kind, before in (("iCCP", b"a\0\0"), ("zTXt", b"a\0\0"), ("iTXt", b"a\0\1\0\0\0")):
        unpacks = chunk(kind.encode(), before + bomb)
        yield f"unpacks-{kind}.png", header(1, 1) + unpacks * (1 if kind == "iCCP" else 4) + image
    yield "cut-wide.png", png(1 << 18, 100, 1 << 16)
    yield "cut-large.png", png(6000, 5000, 1 << 20)
    yield "cut-interlaced.png", png(6000, 5000, 1 << 20, interlaced=1)
    yield "one-bit.png", png(16384, 16384, 4096, depth=1)
    yield "wide-16-bit.png", png((1 << 31) - 1, 1, 4096, depth=16, colour=6)


def segment(marker, data):
    return struct.pack(">BBH", 255, marker, len(data) + 2) + data


def jpeg(width, height, kind=2, scans=1, coded=b"", before=b""):
    """A gray JPEG: kind 0 sequential, 2 progressive; one code, a single bit, means 0."""
    table = bytes([1] + [0] * 15 + [0])
    head = b"\xff\xd8" + before + segment(0xdb, b"\0" + bytes([1] * 64))
    head += segment(0xc0 + kind, struct.pack(">BHHB3B", 8, height, width, 1, 1, 0x11, 0))
    head += segment(0xc4, b"\x00" + table) + segment(0xc4, b"\x10" + table)
    first = segment(0xda, bytes([1, 1, 0, 0, 0 if kind == 2 else 63, 0])) + coded
    more = segment(0xda, bytes([1, 1, 0, 1, 63, 0]))
    return head + first + (more + coded) * (scans - 1) + b"\xff\xd9"


def jpegs():
    yield "claims-progressive.jpg", jpeg(65500, 4000)
    yield "claims-padded.jpg", jpeg(8000, 8000, before=segment(0xe1, bytes(30000)))
    yield "claims-sequential.jpg", jpeg(65500, 4000, kind=0, coded=bytes(64))
    yield "many-scans.jpg", jpeg(200, 200, scans=2000, coded=bytes(80))


def bmps():
    info = struct.pack("<IiiHHIIiiII", 40, 30000, 8000, 1, 1, 0, 0, 0, 0, 2, 0)
    yield "claims.bmp", b"BM" + struct.pack("<IHHI", 62, 0, 0, 62) + info + bytes(8)


def npy(shape, descr="<f4", fortran="False", values=b""):
    text = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}".encode()
    text += b" " * ((-len(text) - 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(text)) + text + values


def arrays():
    yield "zero-rows", npy("(0, 1000000000000)")
    yield "zero-columns", npy("(1000000000000, 0)")
    yield "overflow", npy("(4294967296, 4294967296)")
    yield "overflow-to-few", npy("(4611686018427387905, 4)", values=bytes(16))
    yield "claims-packed", gzip.compress(npy("(1000000, 100000)", values=bytes(64)), mtime=0)
    yield "claims-fortran", gzip.compress(npy("(1000000, 1000)", "<f8", "True"), mtime=0)
    yield "long-header", b"\x93NUMPY\x02\0" + struct.pack("<I", 0xfffffff0) + b"{"
    yield "many-dimensions", npy("(" + "1, " * 2000 + ")")


def archive(entries, lie=None):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in entries:
            made.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    data = bytearray(file.getvalue())
    for signature, at in ((b"PK\3\4", 22), (b"PK\1\2", 24)) if lie else ():
        place = data.find(signature)
        while place >= 0:
            struct.pack_into("<I", data, place + at, lie)
            place = data.find(signature, place + 4)
    return bytes(data)


def archives():
    x = npy("(1, 4)", values=bytes(16))
    yield "claims-4-gb", archive([("x.npy", x)], 0xfffffff0)
    yield "claims-30-mb", archive([("x.npy", npy("(7500000,)"))], 30000000)
    yield "claims-rows", archive([("x.npy", npy("(1000000000, 4)", values=bytes(16)))])
    yield "many-entries", archive([(f"{i}.npy", b"") for i in range(400)])


def idx():
    yield "claims-packed", gzip.compress(struct.pack(">HBBII", 0, 8, 2, 1 << 31, 1 << 30), mtime=0)
    yield "claims-floats", gzip.compress(struct.pack(">HBBII", 0, 13, 2, 1 << 20, 1 << 10), mtime=0)


def table():
    yield "bomb", gzip.compress(b"a,y\n" + b"1,2\n" * 1000000, 9, mtime=0)[:20000]
    yield "wide", b"a" + b",a" * 2000 + b"\n" + b"1" + b",2" * 2000
    yield "categories", b"a,y\n" + b"".join(b"%d%s,1\n" % (i, b"x") for i in range(900))


def safetensors(text, length=None, values=b""):
    return struct.pack("<Q", len(text) if length is None else length) + text + values


def models():
    yield "header-of-100-mb", safetensors(b"{}", 100000000)
    yield "header-of-2-64", safetensors(b"{}", (1 << 64) - 8)
    yield "deep", safetensors(b'{"a":' * 3000 + b"1" + b"}" * 3000)
    yield "deep-list", safetensors(b'{"__metadata__":' + b"[" * 8000)
    many = b",".join(b'"%d":{"dtype":"F32","shape":[],"data_offsets":[0,0]}' % i
                     for i in range(1000))
    yield "many-tensors", safetensors(b"{" + many + b"}")
    yield "zero-shape", safetensors(b'{"a":{"dtype":"F32","shape":[0,1000000000000],'
                                    b'"data_offsets":[0,0]}}')
    layer = r'{\"type\":\"dropout\",\"rate\":0.5}'.encode()
    text = rb'{\"version\":1,\"features\":2,\"layers\":[' + b",".join([layer] * 1000) + b"]}"
    yield "dropouts", safetensors(b'{"__metadata__":{"lamina":"' + text + b'"}}')


def pickles():
    yield "long4", b"\x80\x02\x8b" + struct.pack("<i", 0x7fffffff) + b"1"
    yield "frame", b"\x80\x04\x95" + struct.pack("<Q", 1 << 62) + b"N."
    yield "bytes8", b"\x80\x04\x8e" + struct.pack("<Q", 1 << 62) + b"abc."
    yield "unicode8", b"\x80\x04\x8d" + struct.pack("<Q", 1 << 40) + b"abc."
    yield "bytearray8", b"\x80\x05\x96" + struct.pack("<Q", 1 << 40) + b"abc."
    yield "memo", b"\x80\x02Nr" + struct.pack("<I", 0xffffffff) + b"j" + \
        struct.pack("<I", 0xffffffff) + b"."
    yield "memo-text", b"Np4000000000\ng4000000000\n."
    yield "marks", b"\x80\x02" + b"(" * 20000 + b"t" * 20000 + b"."
    yield "tuples", b"\x80\x02N" + b"\x85" * 20000 + b"."
    yield "doubles", b"\x80\x02]q\0" + (b"(h\0h\0l" * 20) + b"."
    yield "dup", b"\x80\x02X\x10\0\0\0" + b"a" * 16 + b"2" * 20000 + b"."


def tag(number, kind):
    value, out = number << 3 | kind, b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def packed(number, data):
    length, out = len(data), b""
    while length > 127:
        out += bytes([length & 127 | 128])
        length >>= 7
    return tag(number, 2) + out + bytes([length]) + data


def onnx():
    start = tag(1, 0) + b"\x08"  # ir_version
    yield "nodes", start + packed(7, packed(1, b"") * 8000)
    yield "initializers", start + packed(7, packed(5, b"") * 8000)
    yield "dims", start + packed(7, packed(5, tag(1, 0) + b"\xff" * 9 + b"\x01" + b"\x08\x02" * 8000))
    yield "packed-dims", start + packed(7, packed(5, packed(1, b"\x01" * 20000)))
    yield "opsets", start + packed(8, b"") * 10000
    yield "properties", start + packed(14, b"") * 10000
    deep = b""
    for _ in range(3000):  # a node with an attribute with a graph with a node ...
        deep = packed(1, packed(5, packed(6, deep)))
    yield "deep", start + packed(7, deep)


CORPORA = {"image": (pngs, jpegs, bmps), "npy": (arrays,), "npz": (archives,), "idx": (idx,),
           "csv": (table,), "model": (models,), "foreign": (models, pickles), "onnx": (onnx,)}


def main():
    here = pathlib.Path(__file__).resolve().parent / "corpus"
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here
    for corpus, makers in CORPORA.items():
        (folder / corpus).mkdir(parents=True, exist_ok=True)
        for maker in makers:
            for name, data in maker():
                (folder / corpus / f"hostile-{name}").write_bytes(data)


if __name__ == "__main__":
    main()
