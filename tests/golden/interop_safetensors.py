#!/usr/bin/env python3
"""interop_safetensors.py LIBRARY: model files against the Python package safetensors, both ways.

LIBRARY is the shared liblamina, called through ctypes. Exit status 77 (skipped) when the package is
not installed. Only the package's core is used: neither numpy nor torch is needed.
"""
import ctypes
import json
import os
import struct
import sys
import tempfile
import zlib

try:
    import safetensors
except ImportError:
    print("skipped: the Python package safetensors is not installed")
    sys.exit(77)


def open_library(path):
    lib = ctypes.CDLL(path)
    lib.lam_error_message.restype = ctypes.c_char_p
    for name in ("lam_model_new", "lam_model_load"):
        getattr(lib, name).restype = ctypes.c_void_p
    lib.lam_model_new.argtypes = [ctypes.c_size_t]
    lib.lam_model_load.argtypes = [ctypes.c_char_p]
    lib.lam_model_dense.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]
    lib.lam_model_dropout.argtypes = [ctypes.c_void_p, ctypes.c_float]
    lib.lam_model_scale_input.argtypes = [ctypes.c_void_p] + [ctypes.c_float] * 4
    lib.lam_model_initialize.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_char_p]
    lib.lam_model_save.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    lib.lam_model_parameters.argtypes = [ctypes.c_void_p]
    lib.lam_model_parameters.restype = ctypes.c_size_t
    lib.lam_model_get_parameters.argtypes = [
        ctypes.c_void_p, ctypes.POINTER(ctypes.c_float), ctypes.c_size_t]
    lib.lam_model_free.argtypes = [ctypes.c_void_p]
    return lib


def check(lib, status):
    assert status == 0, lib.lam_error_message().decode()


def parameters(lib, model):
    count = lib.lam_model_parameters(model)
    values = (ctypes.c_float * count)()
    check(lib, lib.lam_model_get_parameters(model, values, count))
    return bytes(values)  # in the machine's own order


def native(data):
    """Little-endian floats in the machine's own order."""
    return struct.pack(f"={len(data) // 4}f", *struct.unpack(f"<{len(data) // 4}f", data))


def their_tensor(shape, data):
    """What safetensors.serialize takes: since 0.8 an address, before that the bytes."""
    if not hasattr(safetensors, "TensorSpec"):
        return {"dtype": "float32", "shape": shape, "data": data}
    address = ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value  # of bytes the caller keeps
    return safetensors.TensorSpec(dtype="float32", shape=shape, data_ptr=address,
                                  data_len=len(data))


def test_they_read_ours(lib, path):
    model = lib.lam_model_new(7)
    assert model, lib.lam_error_message()
    check(lib, lib.lam_model_scale_input(model, 0, 255, -1, 1))
    check(lib, lib.lam_model_dense(model, 5, b"relu"))
    check(lib, lib.lam_model_dropout(model, 0.1))
    check(lib, lib.lam_model_dense(model, 3, b"softmax"))
    check(lib, lib.lam_model_initialize(model, 3, None))
    check(lib, lib.lam_model_save(model, path.encode()))
    with open(path, "rb") as file:
        tensors = dict(safetensors.deserialize(file.read()))
    names = ["layers.0.weight", "layers.0.bias", "layers.2.weight", "layers.2.bias"]
    shapes = [[7, 5], [5], [5, 3], [3]]
    assert sorted(tensors) == sorted(names), sorted(tensors)
    for name, shape in zip(names, shapes):
        assert tensors[name]["shape"] == shape, (name, tensors[name]["shape"])
        assert tensors[name]["dtype"] == "F32"
    ours = parameters(lib, model)
    theirs = native(b"".join(bytes(tensors[name]["data"]) for name in names))
    assert ours == theirs, "the parameters differ"
    assert any(ours), "all parameters are zero"
    with open(path, "rb") as file:  # __metadata__ is part of the header, which is plain JSON
        length = struct.unpack("<Q", file.read(8))[0]
        metadata = json.loads(file.read(length))["__metadata__"]
    description = json.loads(metadata["lamina"])
    assert description["features"] == 7 and len(description["layers"]) == 3
    assert abs(description["layers"][1]["rate"] - 0.1) < 1e-8
    assert description["transform"] == {"kind": "scale", "from": [0, 255], "to": [-1, 1]}
    lib.lam_model_free(model)


def test_we_read_theirs(lib, path):
    weight = struct.pack("<6f", *(0.5 * i - 1 for i in range(6)))
    bias = struct.pack("<2f", 0.25, -3)
    tensors = {
        "layers.0.weight": their_tensor([3, 2], weight),
        "layers.0.bias": their_tensor([2], bias),
    }
    text = json.dumps({
        "version": 1, "features": 3,
        "layers": [{"type": "dense", "units": 2, "activation": "tanh"}],
    })

    def serialize(checksum):
        return bytes(safetensors.serialize(tensors, {"lamina": text, "lamina_crc32": checksum}))

    blank = serialize("00000000")  # the package chooses the order of the data
    data = blank[8 + struct.unpack("<Q", blank[:8])[0]:]
    crc = zlib.crc32(data, zlib.crc32(text.encode()))
    with open(path, "wb") as file:
        file.write(serialize(f"{crc:08x}"))
    model = lib.lam_model_load(path.encode())
    assert model, lib.lam_error_message().decode()
    assert parameters(lib, model) == native(weight + bias)
    lib.lam_model_free(model)
    with open(path, "wb") as file:
        file.write(blank)
    assert not lib.lam_model_load(path.encode()), "a wrong checksum was accepted"
    assert b"damaged" in lib.lam_error_message()


def main():
    lib = open_library(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.safetensors")
        test_they_read_ours(lib, path)
        test_we_read_theirs(lib, path)
    print("safetensors", safetensors.__version__, "agrees, both ways")


if __name__ == "__main__":
    main()
