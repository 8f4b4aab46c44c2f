"""networks.py: the networks, their samples, start values and orders, and what outputs are worth.

Everything the contenders share is written once into a folder, which each of them reads:

    network.txt   features, samples, batch, optimizer, rate, orders, and for each layer in turn
                  "layer UNITS ACTIVATION DROPOUT"
    x.bin         [rows][features] bytes; pixels and other inputs are x / 127.5 - 1
    y.bin         [rows] int32, the classes
    orders.bin    [orders][samples] uint32, the order of the samples in epoch 0, 1, ...
    weights.bin   floats, layer after layer: W [in][out], then b [out]

rows >= samples: those beyond `samples` are never trained on.
"""
import gzip
import pathlib
import sys

try:
    import numpy as np
except ImportError:
    sys.exit("no numpy: run this with the Python of the environment that bench/peers/install makes")

DATA = pathlib.Path("/usr/share/datasets/fashion-mnist")
RELU128 = (128, "relu", 0.0)
NETWORKS = {
    # name: (features, layers as (units, activation, dropout), optimizer, batch)
    "fashion": (784, [RELU128, RELU128, (10, "softmax", 0.0)], "adam", 128),
    "mnist-small": (784, [(32, "tanh", 0.0), (16, "tanh", 0.0), (10, "softmax", 0.0)], "sgd", 32),
    "wide": (784, [(512, "relu", 0.2), (512, "relu", 0.2), (10, "softmax", 0.0)], "adam", 128),
    "deep": (784, [(1024, "relu", 0.0)] * 3 + [(10, "softmax", 0.0)], "adam", 256),
    "tabular": (30, [(64, "relu", 0.0), (64, "relu", 0.0), (1, "sigmoid", 0.0)], "adam", 32),
}
RATES = {"adam": 1e-3, "sgd": 1e-2}


class Network:
    def __init__(self, name):
        self.name = name
        self.features, self.layers, self.optimizer, self.batch = NETWORKS[name]
        self.rate = RATES[self.optimizer]
        self.outputs = self.layers[-1][0]
        self.widths = [self.features] + [layer[0] for layer in self.layers]
        self.multiplications = sum(a * b for a, b in zip(self.widths, self.widths[1:]))

    def start_values(self, seed):
        """Glorot's uniform weights, biases 0: a list of (W, b)."""
        rng = np.random.default_rng(seed)
        pairs = []
        for rows, columns in zip(self.widths, self.widths[1:]):
            limit = (6.0 / (rows + columns)) ** 0.5
            pairs.append((rng.uniform(-limit, limit, (rows, columns)).astype(np.float32),
                          np.zeros(columns, np.float32)))
        return pairs

    def reference(self, pairs, x, hidden=None):
        """Outputs in double; `hidden` takes the place of the activations of the hidden layers."""
        a = x.astype(np.float64) / 127.5 - 1.0
        for (weights, bias), (_, activation, _) in zip(pairs, self.layers):
            a = a @ weights.astype(np.float64) + bias
            if hidden and weights is not pairs[-1][0]:
                activation = hidden
            if activation == "relu":
                a = np.maximum(a, 0.0)
            elif activation == "tanh":
                a = np.tanh(a)
            elif activation == "sigmoid":
                a = 1.0 / (1.0 + np.exp(-a))
            elif activation == "softmax":
                a = np.exp(a - a.max(axis=1, keepdims=True))
                a /= a.sum(axis=1, keepdims=True)
        return a


def read_idx(stem, offset):
    """The bytes of one IDX file behind its header, or None where it is not here."""
    for path, opener in ((DATA / stem, open), (DATA / (stem + ".gz"), gzip.open)):
        if path.exists():
            with opener(path, "rb") as file:
                return np.frombuffer(file.read(), np.uint8, offset=offset)
    return None


def images(split):
    """(x [n][784], y [n]) of "train" or "t10k", or None."""
    x = read_idx(f"{split}-images-idx3-ubyte", 16)
    y = read_idx(f"{split}-labels-idx1-ubyte", 8)
    return None if x is None or y is None else (x.reshape(-1, 784), y.astype(np.int32))


def training_samples(network, samples):
    """Real images where they are here and fit, else bytes whose class follows the first ones."""
    found = images("train") if network.features == 784 else None
    if found:
        return found[0][:samples], found[1][:samples]
    x = np.random.default_rng(1).integers(0, 256, (samples, network.features), dtype=np.uint8)
    high = (x[:, :3] > 127).astype(np.int32)
    y = (x[:, 0] > x[:, 1]) if network.outputs == 1 else high @ np.array([4, 2, 1])
    return x, y.astype(np.int32)


def write(folder, network, samples, orders, seed=1, unseen=None):
    """Writes the folder; `unseen` (x, y) is put behind the samples. Returns (x, y, pairs)."""
    x, y = training_samples(network, samples)
    samples = len(x)
    if unseen:
        x, y = np.concatenate([x, unseen[0]]), np.concatenate([y, unseen[1]])
    rng = np.random.default_rng(seed)
    pairs = network.start_values(seed)
    lines = [f"features {network.features}", f"samples {samples}", f"batch {network.batch}",
             f"optimizer {network.optimizer}", f"rate {network.rate}", f"orders {orders}"]
    lines += [f"layer {units} {activation} {dropout}"
              for units, activation, dropout in network.layers]
    folder = pathlib.Path(folder)
    (folder / "network.txt").write_text("\n".join(lines) + "\n")
    x.tofile(folder / "x.bin")
    y.tofile(folder / "y.bin")
    with open(folder / "orders.bin", "wb") as file:
        for _ in range(orders):
            file.write(rng.permutation(samples).astype(np.uint32).tobytes())
    np.concatenate([part.ravel() for pair in pairs for part in pair]).tofile(folder / "weights.bin")
    return x, y, pairs


def loss(outputs, y, mean_squared=False):
    """Mean cross-entropy of the classes, binary for one output; or the mean squared error."""
    outputs = outputs.astype(np.float64)
    if mean_squared:
        wanted = y[:, None] if outputs.shape[1] == 1 else np.eye(outputs.shape[1])[y]
        return float(np.mean((outputs - wanted) ** 2))
    right = (np.where(y == 1, outputs[:, 0], 1.0 - outputs[:, 0]) if outputs.shape[1] == 1
             else outputs[np.arange(len(y)), y])
    return float(-np.mean(np.log(np.maximum(right, 1e-30))))


def accuracy(outputs, y):
    decided = outputs[:, 0] > 0.5 if outputs.shape[1] == 1 else outputs.argmax(axis=1)
    return float(np.mean(decided == y))
