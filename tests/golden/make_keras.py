#!/usr/bin/env python3
"""make_keras.py: small networks saved by Keras, and what Keras computes with them.

    make_keras.py 3 FOLDER           Keras 3 (KERAS_BACKEND=torch serves): .keras, .h5
    make_keras.py 2 FOLDER           tf_keras, the last Keras 2: .keras, .h5
    make_keras.py fuzz FOLDER        the corpus of tests/fuzz, Keras 3
    make_keras.py fashion FOLDER     trains 784-32-10 on Fashion-MNIST, Keras 3

Made once and kept in tests/golden/data/keras. Beside each NAME there is NAME.txt: the numbers of
rows, inputs and outputs, then the inputs, then the outputs, a row per line. Files in `refused` are
what a model of Lamina cannot tell. Needs keras, h5py, numpy; for "2" tf_keras and TensorFlow.
"""
import gzip
import pathlib
import sys

import numpy as np

ROWS = 5
ACTIVATIONS = ["linear", "relu", "sigmoid", "tanh", "softmax"]


def write_text(path, x, y):
    x = x.reshape(len(x), -1)
    lines = [f"{len(x)} {x.shape[1]} {y.shape[1]}"]
    lines += [" ".join(f"{v:.9g}" for v in row) for row in np.concatenate([x, y], axis=1)]
    path.write_text("\n".join(lines) + "\n")


def draw(model, rng):
    """Weights and statistics that are not what layers start with."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            draw(layer, rng)
            continue
        if type(layer).__name__ == "Normalization":
            continue
        layer.set_weights([(np.abs(rng.normal(size=w.shape)) + 0.5 if "variance" in v.name
                            else rng.normal(size=w.shape) * 0.7).astype(w.dtype)
                           for v, w in zip(layer.weights, layer.get_weights())])


def networks(keras, rng):
    """(name, model, input shape)"""
    L = keras.layers
    chain = [L.Input((6,))]
    for i, name in enumerate(ACTIVATIONS):
        chain.append(L.Dense(5 + i, activation=name))
    yield "activations", keras.Sequential(chain), (6,)
    chain = [L.Input((6,))]
    for i, name in enumerate(ACTIVATIONS):
        chain += [L.Dense(7 - i), L.Activation(name), L.Dropout(0.25)]
    yield "activation_layers", keras.Sequential(chain), (6,)
    yield "relu_softmax_layers", keras.Sequential(
        [L.Input((4,)), L.Dense(6), L.ReLU(), L.Dense(3, use_bias=False), L.Softmax()]), (4,)
    normalization = L.Normalization(axis=-1)
    normalization.adapt(rng.normal(2, 3, size=(50, 6)).astype("float32"))
    yield "batch_norm", keras.Sequential(
        [L.Input((6,)), normalization, L.Dense(5), L.BatchNormalization(), L.Activation("relu"),
         L.BatchNormalization(center=False), L.Dense(4, activation="tanh"),
         L.BatchNormalization(scale=False, epsilon=0.01), L.Dense(2, activation="sigmoid")]), (6,)
    yield "layer_norm", keras.Sequential(
        [L.Input((6,)), L.Dense(5), L.LayerNormalization(), L.Activation("relu"),
         L.Dense(4, activation="tanh"), L.LayerNormalization(epsilon=0.01, center=False),
         L.Dense(3, activation="softmax")]), (6,)
    yield "rescaling", keras.Sequential(
        [L.Input((2, 3, 2)), L.Rescaling(1 / 127.5, offset=-1.0), L.Flatten(),
         L.Dense(4, activation="tanh"), L.Dense(2)]), (2, 3, 2)
    yield "channels", keras.Sequential(
        [L.Input((2, 3, 2)),
         L.Normalization(axis=-1, mean=[3.0, -1.0], variance=[4.0, 0.25]),
         L.BatchNormalization(), L.Flatten(), L.Dense(3, activation="sigmoid")]), (2, 3, 2)
    if keras.__version__[0] == "3":
        yield "float64", keras.Sequential(
            [L.Input((3,), dtype="float64"), L.Dense(4, activation="tanh", dtype="float64"),
             L.Dense(2, dtype="float64")]), (3,)
        yield "float16", keras.Sequential(
            [L.Input((3,), dtype="float16"), L.Dense(4, activation="tanh", dtype="float16"),
             L.Dense(2, dtype="float16")]), (3,)
    inputs = keras.Input((4,))
    y = L.Dense(5, activation="relu")(inputs)
    y = L.Dropout(0.5)(y)
    yield "functional", keras.Model(inputs, L.Dense(3, activation="softmax")(y)), (4,)
    yield from nested(keras)


def nested(keras):
    """Models that are layers: of a Sequential, of a chain, of one another."""
    L = keras.layers
    inner = keras.Sequential([L.Input((5,)), L.Dense(4, activation="relu"),
                              L.BatchNormalization(), L.Dense(3)], name="inner")
    yield "nested", keras.Sequential([L.Input((6,)), L.Dense(5, activation="tanh"), inner,
                                      L.Dense(2, activation="softmax")]), (6,)
    inputs = keras.Input((5,))
    chain = keras.Model(inputs, L.Dense(3)(L.Dense(4, activation="relu")(inputs)))
    yield "nested_functional", keras.Sequential([L.Input((5,)), chain, L.Dense(2)]), (5,)
    inputs = keras.Input((6,))
    deep = keras.Sequential([L.Input((4,)), L.Dense(4, activation="relu"), L.Dense(3)])
    y = keras.Sequential([L.Input((5,)), L.Dense(4, activation="tanh"), deep])(L.Dense(5)(inputs))
    yield "nested_deep", keras.Model(inputs, L.Dense(2)(y)), (6,)


def own_dense(keras):
    """A class of a program's own, of which an .h5 file tells the name and the settings alone."""
    class Dense(keras.layers.Dense):
        def get_config(self):
            return dict(super().get_config(), factor=3)

        def call(self, x):
            return 3 * super().call(x)

    return Dense


def refused(keras):
    L = keras.layers
    yield "convolution", keras.Sequential([L.Input((6, 1)), L.Conv1D(2, 3), L.Flatten(),
                                           L.Dense(1)])
    yield "leaky", keras.Sequential([L.Input((3,)), L.Dense(2), L.LeakyReLU()])
    yield "relu6", keras.Sequential([L.Input((3,)), L.Dense(2), L.ReLU(max_value=6.0)])
    yield "unknown_activation", keras.Sequential([L.Input((3,)), L.Dense(2, activation="mish"
                                                  if hasattr(keras.activations, "mish")
                                                  else "softsign")])
    yield "not_flat", keras.Sequential([L.Input((2, 3)), L.Dense(2)])
    yield "bare_scaling", keras.Sequential([L.Input((3,)), L.Rescaling(2.0)])
    inputs = keras.Input((4,))
    a, b = L.Dense(3)(inputs), L.Dense(3)(inputs)
    yield "branches", keras.Model(inputs, L.Add()([a, b]))


def other_copy(source, target, libver, packed):
    """The same legacy file in another version of HDF5's format, its datasets in chunks or not."""
    import h5py
    with h5py.File(source) as old, h5py.File(target, "w", libver=libver) as new:
        for key, value in old.attrs.items():
            new.attrs[key] = value

        def copy(name, thing):
            if isinstance(thing, h5py.Dataset):
                chunks = tuple(max(1, (n + 1) // 2) for n in thing.shape)
                how = {"compression": "gzip", "shuffle": True, "chunks": chunks}
                made = new.create_dataset(name, data=thing[...],
                                          **(how if packed and chunks else {}))
            else:
                made = new.require_group(name)
            for key, value in thing.attrs.items():
                made.attrs[key] = value

        old.visititems(copy)


def make(keras, folder, prefix, endings):
    rng = np.random.default_rng(5)
    for name, model, shape in networks(keras, rng):
        draw(model, rng)
        x = rng.normal(0, 2, size=(ROWS,) + shape).astype("float32")
        if name == "float16": # values that half precision holds; then in full precision
            x = x.astype("float16").astype("float32")
        y = np.asarray(model.predict(x, verbose=0)).astype("float32")
        for ending in endings:
            path = folder / f"{prefix}{name}.{ending}"
            model.save(path)
            write_text(folder / (path.name + ".txt"), x, y)
        kinds = {"k3_batch_norm": ("gzipped", "earliest"),
                 "k3_relu_softmax_layers": ("latest", "latest")}
        if prefix + name in kinds:
            kind, libver = kinds[prefix + name]
            path = folder / f"{prefix}{name}_{kind}.h5"
            other_copy(folder / f"{prefix}{name}.h5", path, libver, kind == "gzipped")
            write_text(folder / (path.name + ".txt"), x, y)
    (folder / "refused").mkdir(exist_ok=True)
    if prefix == "k2_":
        keras.Sequential([own_dense(keras)(2, input_shape=(3,))]).save(
            folder / "refused" / "k2_own_dense.h5")
    for name, model in refused(keras):
        model.save(folder / "refused" / f"{prefix}{name}.{endings[0]}")


def make_fuzz(keras, folder):
    L = keras.layers
    model = keras.Sequential([L.Input((3,)), L.Dense(2), L.BatchNormalization(), L.ReLU(),
                              L.Dense(1, activation="sigmoid")])
    draw(model, np.random.default_rng(2))
    model.save(folder / "archive.keras")
    model.save(folder / "legacy.h5")
    other_copy(folder / "legacy.h5", folder / "gzipped.h5", "earliest", True)
    other_copy(folder / "legacy.h5", folder / "latest.h5", "latest", False)
    for path in folder.iterdir(): # as the other corpora are called
        path.rename(path.with_suffix(""))


def read_idx(path):
    with gzip.open(path) as file:
        data = file.read()
    sizes = [int.from_bytes(data[4 + 4 * i:8 + 4 * i], "big") for i in range(data[3])]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * len(sizes)).reshape(sizes)


def make_fashion(keras, folder):
    base = pathlib.Path("/usr/share/datasets/fashion-mnist")
    sets = [read_idx(base / f"{part}-{kind}.gz") for part in ("train", "t10k")
            for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")]
    keras.utils.set_random_seed(1)
    L = keras.layers
    model = keras.Sequential([L.Input((28, 28)), L.Rescaling(1 / 255), L.Flatten(),
                              L.Dense(32, activation="relu"), L.Dense(10, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(sets[0].astype("float32"), sets[1], epochs=4, batch_size=128, verbose=2)
    _, accuracy = model.evaluate(sets[2].astype("float32"), sets[3], verbose=0)
    bare = keras.Sequential(model.layers)
    bare.save(folder / "fashion.keras")
    x = sets[2][:20].astype("float32")
    write_text(folder / "fashion.keras.txt", x, np.asarray(bare.predict(x, verbose=0)))
    (folder / "fashion.accuracy").write_text(f"{accuracy:.4f}\n")


def main():
    kind, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    if kind == "2":
        import tf_keras as keras
        make(keras, folder, "k2_", ["h5", "keras"])
    else:
        import keras
        if kind == "3":
            make(keras, folder, "k3_", ["keras", "h5"])
        elif kind == "fuzz":
            make_fuzz(keras, folder)
        else:
            make_fashion(keras, folder)


if __name__ == "__main__":
    main()
