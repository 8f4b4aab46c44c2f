#!/usr/bin/env python3
"""interop_onnx.py LIBRARY: ONNX files of ours in onnx's checker and ONNX Runtime, and files of other
programs in ours.

LIBRARY is the shared liblamina, called through ctypes. Exit status 77 (skipped) when the packages
onnx, onnxruntime and numpy are not installed. Every activation and layer of the library's catalog
is exported: a new one without a place in ONNX fails here.
"""
import ctypes
import os
import pathlib
import sys
import tempfile

try:
    import numpy as np
    import onnx
    import onnxruntime
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

LAM_ACTIVATION, LAM_LAYER = 0, 5
TOLERANCE = 1e-5
DATA = pathlib.Path(__file__).parent / "data" / "foreign" / "onnx"
FLOATS = ctypes.POINTER(ctypes.c_float)


class Entry(ctypes.Structure):
    _fields_ = [(name, ctypes.c_char_p)
                for name in ("name", "alias", "help", "argument", "default_value")]


class ExportOptions(ctypes.Structure):
    _fields_ = [("format", ctypes.c_char_p), ("transform", ctypes.c_bool)]


def open_library(path):
    lib = ctypes.CDLL(path)
    pointer, size, text = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p
    lib.lam_error_message.restype = text
    for name, result, arguments in [
            ("lam_model_new", pointer, [size]),
            ("lam_model_import", pointer, [text, pointer]),
            ("lam_model_export", ctypes.c_int, [pointer, text, ctypes.POINTER(ExportOptions)]),
            ("lam_model_add_layers", ctypes.c_int, [pointer, text]),
            ("lam_model_initialize", ctypes.c_int, [pointer, ctypes.c_uint64, text]),
            ("lam_model_scale_input", ctypes.c_int, [pointer] + [ctypes.c_float] * 4),
            ("lam_model_standardize_input", ctypes.c_int, [pointer, pointer]),
            ("lam_model_set_class_names", ctypes.c_int, [pointer, ctypes.POINTER(text), size]),
            ("lam_model_class_name", text, [pointer, size]),
            ("lam_model_parameters", size, [pointer]),
            ("lam_model_get_parameters", ctypes.c_int, [pointer, FLOATS, size]),
            ("lam_model_set_parameters", ctypes.c_int, [pointer, FLOATS, size]),
            ("lam_model_features", size, [pointer]),
            ("lam_model_outputs", size, [pointer]),
            ("lam_model_free", None, [pointer]),
            ("lam_dataset_new", pointer, [pointer, ctypes.c_int, size, size, ctypes.c_int]),
            ("lam_dataset_free", None, [pointer]),
            ("lam_predict", ctypes.c_int, [pointer, FLOATS, size, FLOATS]),
            ("lam_catalog_size", size, [ctypes.c_int]),
            ("lam_catalog", ctypes.c_int, [ctypes.c_int, size, ctypes.POINTER(Entry)])]:
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


class Model:
    """A model of the library; with `layers` a new one whose parameters are all drawn."""

    def __init__(self, lib, features=None, layers=None, path=None):
        self.lib = lib
        if path:
            self.handle = lib.lam_model_import(str(path).encode(), None)
            assert self.handle, lib.lam_error_message().decode()
            return
        self.handle = lib.lam_model_new(features)
        self.check(lib.lam_model_add_layers(self.handle, layers.encode()))
        self.check(lib.lam_model_initialize(self.handle, 5, None))
        values = self.parameters()
        values += np.random.default_rng(3).uniform(-0.3, 0.3, len(values)).astype(np.float32)
        self.check(lib.lam_model_set_parameters(self.handle, values.ctypes.data_as(FLOATS),
                                                len(values)))

    def __del__(self):
        self.lib.lam_model_free(self.handle)

    def check(self, status):
        assert status == 0, self.lib.lam_error_message().decode()

    def parameters(self):
        values = np.empty(self.lib.lam_model_parameters(self.handle), np.float32)
        self.check(self.lib.lam_model_get_parameters(self.handle, values.ctypes.data_as(FLOATS),
                                                     len(values)))
        return values

    def predict(self, x):
        x = np.ascontiguousarray(x.reshape(len(x), -1), np.float32)
        assert x.shape[1] == self.lib.lam_model_features(self.handle), x.shape
        y = np.empty((len(x), self.lib.lam_model_outputs(self.handle)), np.float32)
        self.check(self.lib.lam_predict(self.handle, x.ctypes.data_as(FLOATS), len(x),
                                        y.ctypes.data_as(FLOATS)))
        return y

    def export(self, path, transform=True):
        options = ExportOptions(None, transform)
        self.check(self.lib.lam_model_export(self.handle, str(path).encode(),
                                             ctypes.byref(options)))


def catalog(lib, kind):
    entry = Entry()
    names = []
    for i in range(lib.lam_catalog_size(kind)):
        assert lib.lam_catalog(kind, i, ctypes.byref(entry)) == 0
        names.append(entry.name.decode())
    return names


def run_onnx(path, x):
    """The file's outputs in ONNX Runtime, after onnx's checker with every shape inferred."""
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (source,), (target,) = session.get_inputs(), session.get_outputs()
    assert (source.name, source.shape) == ("input", ["batch", x.shape[1]]), source
    assert target.name == "output" and target.shape[0] == "batch", target
    return session.run(None, {"input": x})[0], model


def compare(name, found, expected):
    assert found.shape == expected.shape, (name, found.shape, expected.shape)
    apart = np.abs(found.astype(np.float64) - expected).max()
    assert apart <= TOLERANCE, f"{name}: largest difference {apart}"
    assert expected.std() > 1e-4, f"{name}: outputs are all alike"


def export_networks(lib):
    """(name, features, layers), each activation after each layer that has one."""
    layers = catalog(lib, LAM_LAYER)
    assert sorted(layers) == ["dense", "dropout", "layer_norm"], layers
    for activation in catalog(lib, LAM_ACTIVATION):
        yield f"dense {activation}", 7, f"9:{activation},dropout:0.2,4:{activation}"
        yield f"layer_norm {activation}", 7, f"9,layer_norm:{activation},4,layer_norm:1e-5:{activation}"
    yield "first layer_norm", 5, "layer_norm,3:softmax"
    yield "last dropout", 5, "6:relu,dropout:0.5"
    yield "one feature", 1, "3:tanh,1"


def test_export(lib, folder):
    rng = np.random.default_rng(1)
    count = 0
    for name, features, layers in export_networks(lib):
        for transform in ("none", "scale", "standardize"):
            model = Model(lib, features, layers)
            x = rng.uniform(0, 255, (33, features)).astype(np.float32)
            if transform == "none":
                x = rng.normal(size=x.shape).astype(np.float32)
            elif transform == "scale":
                model.check(lib.lam_model_scale_input(model.handle, 0, 255, -1, 1))
            else:
                x[:, 0] = 3.5 if features > 1 else x[:, 0]  # a constant feature is centred
                data = lib.lam_dataset_new(x.ctypes.data_as(ctypes.c_void_p), 0, len(x), features,
                                           0)
                assert data, lib.lam_error_message()
                model.check(lib.lam_model_standardize_input(model.handle, data))
                lib.lam_dataset_free(data)
            path, again = folder / "a.onnx", folder / "b.onnx"
            model.export(path)
            model.export(again)
            assert path.read_bytes() == again.read_bytes(), f"{name}: other bytes the second time"
            found, proto = run_onnx(path, x)
            compare(f"{name}, {transform}", found, model.predict(x))
            versions = (proto.ir_version, proto.opset_import[0].version)
            assert versions == ((8, 17) if "layer_norm" in layers else (7, 13)), versions
            compare(f"{name}, {transform}, read back", Model(lib, path=path).predict(x), found)
            count += 1
    model = Model(lib, 4, "3:relu,2:softmax")
    model.check(lib.lam_model_scale_input(model.handle, 0, 255, -1, 1))
    model.export(folder / "bare.onnx", transform=False)
    x = rng.uniform(0, 255, (8, 4)).astype(np.float32)
    found, _ = run_onnx(folder / "bare.onnx", x / 127.5 - 1)
    compare("without the transform", found, model.predict(x))
    return count


def test_metadata(lib, folder):
    names = ["T-shirt/top", "caf\u00e9 \"au\" lait", "\u4e09"]
    model = Model(lib, 4, "3:softmax")
    texts = (ctypes.c_char_p * 3)(*(name.encode() for name in names))
    model.check(lib.lam_model_set_class_names(model.handle, texts, 3))
    model.export(folder / "names.onnx")
    proto = onnx.load(folder / "names.onnx")
    found = {entry.key: entry.value for entry in proto.metadata_props}
    assert found == {f"class_names.{i}": name for i, name in enumerate(names)}, found
    assert proto.producer_name == "lamina" and proto.graph.name == "lamina"
    back = Model(lib, path=folder / "names.onnx")
    assert [lib.lam_model_class_name(back.handle, i).decode() for i in range(3)] == names


def test_import(lib):
    """Files of other programs (tests/golden/make_onnx.py) in ours, as in ONNX Runtime."""
    # helper_types mixes number types, which ONNX Runtime does not: NumPy is its oracle
    files = sorted(path for path in DATA.glob("*.onnx") if path.stem != "helper_types")
    assert len(files) >= 11, files
    for path in files:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        source = session.get_inputs()[0]
        rows = source.shape[0] if isinstance(source.shape[0], int) else 19
        shape = [rows] + [d if isinstance(d, int) else 1 for d in source.shape[1:]]
        x = np.random.default_rng(2).normal(size=shape).astype(np.float32)
        numbers = [y for y in session.run(None, {source.name: x})
                   if isinstance(y, list) or np.issubdtype(y.dtype, np.floating)]
        expected = numbers[-1]
        if isinstance(expected, list):  # ZipMap: a dictionary a row
            expected = np.array([[row[key] for key in row] for row in expected])
        compare(path.name, Model(lib, path=path).predict(x), expected)
    return len(files)


def main():
    lib = open_library(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        exported = test_export(lib, pathlib.Path(folder))
        test_metadata(lib, pathlib.Path(folder))
    print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}: {exported} files of ours "
          f"agree, {test_import(lib)} of other programs")


if __name__ == "__main__":
    main()
