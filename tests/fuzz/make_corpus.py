#!/usr/bin/env python3
"""make_corpus.py: writes the seeds in corpus/; needs the standard library only.

Also a second, independent description of the file formats: the model files here are made without
any code of Lamina. Run it again after a change of a format: the result does not depend on time or
machine.
"""
import gzip
import io
import json
import pathlib
import struct
import zipfile
import zlib

HERE = pathlib.Path(__file__).resolve().parent / "corpus"


def idx(code, dims, data):
    return bytes([0, 0, code, len(dims)]) + b"".join(struct.pack(">I", d) for d in dims) + data


def npy(type, fortran, shape, data, version=1):
    header = f"{{'descr': '{type}', 'fortran_order': {fortran}, 'shape': {shape}, }}".encode()
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + data


def npz(arrays, method):
    to = io.BytesIO()
    with zipfile.ZipFile(to, "w", method) as archive:
        for name, content in arrays.items():
            archive.writestr(zipfile.ZipInfo(name + ".npy"), content, method)
    return to.getvalue()


def model(description, tensors):
    """tensors: list of (name, shape, values)."""
    text = json.dumps(description, separators=(",", ":"))
    data = b"".join(struct.pack(f"<{len(v)}f", *v) for _, _, v in tensors)
    crc = zlib.crc32(data, zlib.crc32(text.encode()))
    header = {"__metadata__": {"lamina": text, "lamina_crc32": f"{crc:08x}"}}
    at = 0
    for name, shape, values in tensors:
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + 4 * len(values)]}
        at += 4 * len(values)
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-(8 + len(head)) % 64)
    return struct.pack("<Q", len(head)) + head + data


def crc32c(data):
    """CRC-32C, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def checkpoint(description, settings, tensors):
    """tensors: list of (name, type, shape, values)."""
    kinds = {"U64": "Q", "F64": "d", "F32": "f"}
    zero = "00000000"
    header = {"__metadata__": {"lamina_file_crc32c": zero, "lamina": json.dumps(description),
                               "lamina_checkpoint": json.dumps(settings)}}
    data = b""
    for name, kind, shape, values in tensors:
        packed = struct.pack(f"<{len(values)}{kinds[kind]}", *values)
        header[name] = {"dtype": kind, "shape": shape,
                        "data_offsets": [len(data), len(data) + len(packed)]}
        data += packed
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-(8 + len(head)) % 64)
    whole = struct.pack("<Q", len(head)) + head + data
    return whole.replace(zero.encode(), f"{crc32c(whole):08x}".encode(), 1)


def checkpoints():
    """Of a trainer and of a run of the network that fuzz_checkpoint.c makes."""
    network = {"version": 1, "features": 3,
               "layers": [{"type": "dense", "units": 2, "activation": "softmax"}],
               "loss": "categorical_crossentropy"}
    options = {"loss": "categorical_crossentropy", "optimizer": "adam", "decay": "0",
               "momentum": "0", "beta_1": "0.9", "beta_2": "0.999", "epsilon": "1e-07", "l1": "0",
               "l2": "0", "bias_l1": "0", "bias_l2": "0", "seed": "1"}
    counts = ["steps", "seed", "epochs_done", "batches_done", "samples_done", "order_crc32c",
              "best_epoch", "epochs_since_best"]
    numbers = ["learning_rate", "seconds", "loss_sum", "penalty_sum", "best"]
    settings = {"version": 1, "of": "trainer", "options": options, "counts": counts,
                "numbers": numbers}
    weights = [("layers.0.weight", [3, 2], [0.5, -1.0, 2.0, 0.25, 1.5, -0.75]),
               ("layers.0.bias", [2], [0.0, 1.0])]
    floats = [(prefix + name, "F32", shape, values)
              for prefix in ("", "checkpoint.moment_1.", "checkpoint.moment_2.")
              for name, shape, values in weights]
    trainer = [("checkpoint.counts", "U64", [8], [7, 1, 0, 0, 0, 0, 0, 0]),
               ("checkpoint.numbers", "F64", [5], [0.001, 0, 0, 0, 0])]
    run = [("checkpoint.counts", "U64", [8], [7, 1, 2, 1, 4, 12345, 1, 1]),
           ("checkpoint.numbers", "F64", [5], [0.001, 0.5, 2.5, 0, 0.75]),
           ("checkpoint.metric_sums", "F64", [1, 8], [3, 4, 0, 0, 0, 0, 0, 0]),
           ("checkpoint.history", "F64", [2, 8], [1, 0.001, 0.5, 12, 0.75, 0.75, 0, 0.5,
                                                  2, 0.001, 0.5, 12, 0.5, 0.5, 0, 0.75])]
    best = [("checkpoint.best." + name, "F32", shape, values) for name, shape, values in weights]
    whole = dict(settings, of="fit", early_stopping="loss",
                 data={"samples": 12, "features": 3, "crc32c": "00000001"},
                 history=["epoch", "learning_rate", "seconds", "samples", "loss", "data_loss",
                          "regularization_loss", "accuracy"])
    return {"checkpoint/trainer": checkpoint(network, settings, trainer + floats),
            "checkpoint/run": checkpoint(network, whole, run + floats + best)}


def main():
    dense = {"type": "dense", "units": 2, "activation": "softmax"}
    values = [0.5, -1.0, 2.0, 0.25, 1.5, -0.75]
    small = [("layers.0.weight", [3, 2], values), ("layers.0.bias", [2], [0.0, 1.0])]
    pixels = bytes(range(12))
    pair = {"x": npy("|u1", False, (4, 3), pixels), "y": npy("<i2", False, (4,), bytes([0, 0, 1, 0] * 2))}
    files = {
        "idx/bytes-3d": idx(0x08, [3, 2, 2], pixels),
        "idx/labels": idx(0x08, [5], bytes([0, 1, 2, 1, 0])),
        "idx/floats": idx(0x0D, [2, 2], struct.pack(">4f", 0.5, -1, 3e38, 1e-45)),
        "idx/gzip": gzip.compress(idx(0x08, [3, 2, 2], pixels), 9, mtime=0),
        "idx/gzip-two-members": gzip.compress(idx(0x08, [3, 2, 2], b""), 9, mtime=0)
        + gzip.compress(pixels, 9, mtime=0),
        "idx/huge": idx(0x08, [0xFFFFFFFF, 0xFFFFFFFF], pixels),
        "idx/gzip-huge": gzip.compress(idx(0x08, [0xFFFFFFF, 0xFFFF], pixels), 9, mtime=0),
        "csv/plain": b"a,b,y\n1,2,0.5\n-3,4e1,1.5\n",
        "csv/quotes": b'\xef\xbb\xbf"a","b ""c""",y\r\n"1","x\ny",p\r\n2,,q\r\n,z,p\r\n',
        "csv/like": b'b,a,y\n"z,1",2.5,p\nx,NA,q\n?,7,p\n',
        "csv/semicolons": b"1;2;3\n4;5;6\n1e38;-1e-45;16777217\n0.1;.5;7.\n",
        "csv/tabs": b"\n\n a\tb\t\n\n1\t 2 \t3\n4\t5\t3\n",
        "csv/gzip": gzip.compress(b"a,y\nx,1\ny,2\nx,1\ny,2\n", 9, mtime=0),
        "npy/bytes": npy("|u1", False, (3, 2, 2), pixels),
        "npy/fortran": npy("<i2", True, (3, 2), pixels, 2),
        "npy/big": npy(">f4", False, (3,), struct.pack(">3f", 1, -2, 3e38), 3),
        "npy/doubles": npy("<f8", False, (2, 1), struct.pack("<2d", 0.1, 1e-300)),
        "npy/halves": npy("<f2", False, (6,), struct.pack("<6e", 0, 1, -2, 0.1, 6e-8, 65504)),
        "npy/gzip": gzip.compress(npy("?", True, (2, 3, 2), bytes(12)), 9, mtime=0),
        "npy/objects": npy("|O", False, (1,), b"\x80\x04."),
        "npy/huge": npy("<f8", False, (999999999, 999999999), pixels),
        "npz/stored": npz(pair, zipfile.ZIP_STORED),
        "npz/deflated": npz(pair, zipfile.ZIP_DEFLATED),
        "npz/one": npz({"any": npy("<f4", False, (2, 1), struct.pack("<2f", 1, 2))}, zipfile.ZIP_STORED),
        "model/plain": model({"version": 1, "features": 3, "layers": [dense]}, small),
        "model/full": model(
            {
                "version": 1,
                "features": 3,
                "layers": [
                    {
                        "type": "dense",
                        "units": 2,
                        "activation": "relu",
                        "initializer": "normal:0.1",
                        "bias_initializer": "zeros",
                        "l1": 0.001,
                        "bias_l2": 0.5,
                    },
                    {"type": "dropout", "rate": 0.25},
                    {"type": "dense", "units": 1, "activation": "sigmoid"},
                ],
                "transform": {"kind": "standardize"},
                "class_names": ["caf\u00e9"],
                "loss": "binary_crossentropy",
            },
            small
            + [
                ("layers.2.weight", [2, 1], [1.0, 2.0]),
                ("layers.2.bias", [1], [3.0]),
                ("transform.mean", [3], [1.0, 2.0, 3.0]),
                ("transform.std", [3], [1.0, 0.0, 2.0]),
            ],
        ),
        "model/layer-norm": model(
            {
                "version": 2,
                "features": 3,
                "layers": [dense, {"type": "layer_norm", "epsilon": 0.001, "activation": "tanh"}],
            },
            small
            + [("layers.1.weight", [2], [1.0, 2.0]), ("layers.1.bias", [2], [0.5, -0.5])],
        ),
        "model/image": model(
            {
                "version": 2,
                "features": 3,
                "layers": [dense],
                "input": {"kind": "image", "width": 1, "height": 1, "channels": 3, "invert": True},
            },
            small,
        ),
        "model/table": model(
            {
                "version": 2,
                "features": 3,
                "layers": [dense],
                "input": {
                    "kind": "table",
                    "header": True,
                    "columns": [
                        {"name": "id", "kind": "ignored"},
                        {"name": "age", "kind": "number", "fill": 3.5},
                        {"name": "city", "kind": "text", "categories": ["", "k\u00f6ln"]},
                        {"name": "y", "kind": "text", "categories": ["a", "b"], "target": True},
                    ],
                },
                "class_names": ["a", "b"],
            },
            small,
        ),
        "model/scaled": model(
            {
                "version": 1,
                "features": 3,
                "layers": [dense],
                "transform": {"kind": "scale", "from": [0, 255], "to": [-1, 1]},
            },
            small,
        ),
    }
    files.update(checkpoints())
    for name, content in files.items():
        path = HERE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    main()
