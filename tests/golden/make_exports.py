#!/usr/bin/env python3
"""make_exports.py: default exports of PyTorch to ONNX and files of Keras 3, written to data/exports/,
and to data/exports.txt what they compute: the oracle of test_foreign_golden.c. Needs torch, onnx,
onnxscript, onnxruntime, keras, h5py. k2_*.h5 were written by Keras 2.15 and stay as they are; what
they compute is calculated here from their arrays."""
import os
import pathlib
import shutil

os.environ["KERAS_BACKEND"] = "torch"
import h5py
import keras
import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent / "data"
FOLDER, REFUSED = HERE / "exports", HERE / "exports" / "refused"
ROWS = 4
cases = []
draw = np.random.default_rng(13)


def case(file, x, y, layers="-"):
    x = np.asarray(x, np.float64).reshape(len(x), -1)
    cases.append((file, layers, x, np.asarray(y, np.float64).reshape(len(x), -1)))


def onnx_outputs(path, x):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    place = session.get_inputs()[0]
    rows = place.shape[0] if isinstance(place.shape[0], int) else len(x)
    return np.concatenate([session.run(None, {place.name: x[i:i + rows]})[0]
                           for i in range(0, len(x), rows)])


class View(nn.Module):
    """Rows by the size of the batch, and no axis for the one output."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(6, 5), nn.Linear(5, 1)

    def forward(self, x):
        x = torch.relu(self.first(x.view(x.size(0), -1)))
        return torch.sigmoid(self.last(x)).squeeze(1)


def onnx_files():
    torch.manual_seed(1)
    x = draw.standard_normal((ROWS, 6)).astype(np.float32)
    net = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 3), nn.Softmax(1)).eval()
    path = FOLDER / "default.onnx"
    torch.onnx.export(net, (torch.tensor(x),), str(path))
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="default.onnx.data",
              size_threshold=0)
    case("default.onnx", x, onnx_outputs(path, x))
    view = View().eval()
    images = x.reshape(ROWS, 2, 3)
    path = FOLDER / "view.onnx"
    torch.onnx.export(view, (torch.tensor(images),), str(path), dynamo=False, input_names=["x"],
                      do_constant_folding=False, dynamic_axes={"x": {0: "batch"}})
    case("view.onnx", images, onnx_outputs(path, images))

    def moved(name, **entries):
        other = onnx.load(FOLDER / "default.onnx", load_external_data=False)
        for tensor in other.graph.initializer:
            for entry in tensor.external_data:
                entry.value = entries.get(entry.key, entry.value)
        onnx.save(other, REFUSED / name)

    shutil.copy(FOLDER / "default.onnx.data", REFUSED / "values")
    moved("above.onnx", location="../default.onnx.data")
    moved("below-above.onnx", location="x/../../default.onnx.data")
    moved("absolute.onnx", location="/etc/hostname")
    moved("beyond.onnx", location="values", offset="999999")
    moved("short.onnx", location="values", length="4")


def keras_files():
    layers, sequential = keras.layers, keras.Sequential
    keras.utils.set_random_seed(1)
    for name, axis in (("axis1", 1), ("axis2", 2), ("both", (1, 2))):
        scaled = layers.Normalization(axis=axis)
        scaled.adapt((draw.standard_normal((40, 2, 3)) * [1, 2, 3] + [[0], [5]]).astype("float32"))
        model = sequential([layers.Input((2, 3)), scaled, layers.Flatten(), layers.Dense(2)])
        model.save(FOLDER / f"k3_{name}.keras")
        x = draw.standard_normal((ROWS, 2, 3)).astype(np.float32)
        case(f"k3_{name}.keras", x, model.predict(x, verbose=0))
    norm = sequential([layers.Input((6,)), layers.Dense(5), layers.BatchNormalization(),
                       layers.Activation("relu"), layers.Dense(2, activation="sigmoid")])
    for one in norm.layers:
        one.set_weights([np.abs(draw.standard_normal(w.shape)) + 0.5 for w in one.get_weights()])
    norm.save_weights(FOLDER / "k3.weights.h5")
    x = draw.standard_normal((ROWS, 6)).astype(np.float32)
    case("k3.weights.h5", x, norm.predict(x, verbose=0), "5,batch_norm:relu,2:sigmoid")

    @keras.saving.register_keras_serializable(package="mine")
    class Dense(layers.Dense):
        def call(self, inputs):
            return 2 * super().call(inputs)

    class Dropout(layers.Layer):
        def __init__(self, rate=0.5, **more):
            super().__init__(**more)
            self.rate = rate

        def call(self, inputs):
            return 3 * inputs

        def get_config(self):
            return {**super().get_config(), "rate": self.rate}

    for name, one in (("dense", Dense(3)), ("dropout", Dropout())):
        own = sequential([layers.Input((4,)), one, layers.Dense(2)])
        own.save(REFUSED / f"k3_own_{name}.keras")
        own.save(REFUSED / f"k3_own_{name}.h5")


def keras_2():
    x = draw.standard_normal((ROWS, 6)).astype(np.float32)
    with h5py.File(FOLDER / "k2_normalization.h5") as file:
        w = file["model_weights"]
        norm, first, last = (w["normalization"], w["dense_6/dense_6"], w["dense_7/dense_7"])
        z = (x - norm["mean:0"][...]) / np.sqrt(norm["variance:0"][...].astype(float))
        z = np.maximum(z @ first["kernel:0"][...] + first["bias:0"][...], 0)
        case("k2_normalization.h5", x, z @ last["kernel:0"][...] + last["bias:0"][...])
    with h5py.File(FOLDER / "k2_weights_only.h5") as file:
        first, last = file["dense_85/dense_85"], file["dense_86/dense_86"]
        z = np.maximum(x.astype(float) @ first["kernel:0"][...] + first["bias:0"][...], 0)
        case("k2_weights_only.h5", x, z @ last["kernel:0"][...] + last["bias:0"][...],
             "16:relu,3")


def main():
    REFUSED.mkdir(parents=True, exist_ok=True)
    onnx_files()
    keras_files()
    keras_2()
    with open(HERE / "exports.txt", "w") as out:
        for file, layers, x, y in cases:
            print("file", file, layers, "- - -", *x.shape, y.shape[1], file=out)
            for row in (*x, *y):
                print(*(f"{v:.9g}" for v in row), file=out)
        print("end", file=out)


if __name__ == "__main__":
    main()
