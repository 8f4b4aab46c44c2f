#!/usr/bin/env python3
"""make_foreign.py: writes models as other programs do to data/foreign/, and to data/foreign.txt what
they compute: the oracle of test_foreign_golden.c.

    make_foreign.py             everything but the trained network (needs torch, numpy, safetensors)
    make_foreign.py --train     trains the network for Fashion-MNIST anew, too

The outputs are calculated by PyTorch, or by NumPy in double precision. version-0.1-*.safetensors
were written by version 0.1 of Lamina itself and stay as they are for ever.
"""
import json
import os
import pathlib
import pickle
import struct
import sys

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent / "data"
FOLDER = HERE / "foreign"
IMAGES = pathlib.Path(os.environ.get("FASHION_MNIST", "/usr/share/datasets/fashion-mnist"))
ROWS = 5
cases = []
draw = np.random.default_rng(7)


def case(file, x, y, layers="-", more=("-", "-", "-")):
    """more: map, order, scale."""
    cases.append((file, layers, *more, np.asarray(x, np.float64), np.asarray(y, np.float64)))


def inputs(n):
    return draw.standard_normal((ROWS, n)).astype(np.float32)


def run(model, x):
    with torch.no_grad():
        return model.double().eval()(torch.tensor(x, dtype=torch.float64)).numpy()


# ---- the book "Neural Networks from Scratch": its classes, as far as pickle sees them

class Layer_Input:
    pass


class Layer_Dense:
    def __init__(self, inputs, outputs):
        self.weights = 0.5 * draw.standard_normal((inputs, outputs))
        self.biases = draw.standard_normal((1, outputs))
        self.weight_regularizer_l1 = 0
        self.weight_momentums = np.zeros_like(self.weights)
        self.bias_momentums = np.zeros_like(self.biases)


class Layer_Dropout:
    def __init__(self, rate):
        self.rate = 1 - rate


class Activation_ReLU:
    pass


class Activation_Softmax:
    pass


class Activation_Sigmoid:
    pass


class Activation_Tanh:
    pass


class Activation_Linear:
    pass


class LayerNorm:
    def __init__(self, n):
        self.gamma, self.beta, self.eps = draw.uniform(0.5, 1.5, n), draw.standard_normal(n), 1e-3

    def __call__(self, x):
        centred = x - x.mean(1, keepdims=True)
        return self.gamma * centred / np.sqrt((centred ** 2).mean(1, keepdims=True) + self.eps) \
            + self.beta


class Loss_CategoricalCrossentropy:
    pass


class Optimizer_Adam:
    learning_rate = 0.001


class Model:
    def __init__(self, layers):
        self.layers = layers
        self.softmax_classifier_output = None
        self.loss = Loss_CategoricalCrossentropy()
        self.optimizer = Optimizer_Adam()
        self.input_layer = Layer_Input()
        self.trainable_layers = [one for one in layers if hasattr(one, "weights")]
        for i, one in enumerate(layers):
            one.prev = layers[i - 1] if i else self.input_layer
            one.next = layers[i + 1] if i + 1 < len(layers) else self.loss
        self.output_layer_activation = layers[-1]
        self.loss.trainable_layers = self.trainable_layers


class Unit:
    """Its biases have a name of their own."""

    def __init__(self, w, b):
        self.weights = w
        self.theta0 = b


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def numpy_forward(x, pairs):
    a = np.asarray(x, np.float64)
    for i, (w, b) in enumerate(pairs):
        z = a @ np.asarray(w, np.float64) + np.asarray(b, np.float64)
        a = np.maximum(z, 0) if i + 1 < len(pairs) else softmax(z)
    return a


def pickles():
    layers = [Layer_Dense(6, 8), Activation_ReLU(), Layer_Dropout(0.1), Layer_Dense(8, 8),
              Activation_ReLU(), Layer_Dense(8, 3), Activation_Softmax()]
    model = Model(layers)
    pairs = [(one.weights, one.biases) for one in model.trainable_layers]
    x = inputs(6)
    y = numpy_forward(x, pairs)
    text = "8:relu,8:relu,3:softmax"
    for protocol in range(6):
        name = f"book-model-{protocol}.pkl"
        (FOLDER / name).write_bytes(pickle.dumps(model, protocol))
        case(name, x, y)
        name = f"book-parameters-{protocol}.pkl"
        kinds = [np.float64, np.dtype(">f4"), np.float32]
        stored = [(w.astype(k), b.astype(k)) for (w, b), k in zip(pairs, kinds)]
        stored[1] = (np.asfortranarray(stored[1][0]), stored[1][1])
        (FOLDER / name).write_bytes(pickle.dumps(stored, protocol))
        case(name, x, numpy_forward(x, stored), text)
    units = [Unit(w.astype(np.float32), b[0].astype(np.float32)) for w, b in pairs]
    (FOLDER / "own-names.pkl").write_bytes(pickle.dumps(units))
    case("own-names.pkl", x, numpy_forward(x, [(u.weights, u.theta0) for u in units]), text)
    flat = {"W1": pairs[0][0], "b1": pairs[0][1][0], "W2": pairs[1][0], "b2": pairs[1][1][0],
            "W3": pairs[2][0], "b3": pairs[2][1][0]}
    (FOLDER / "flat-dict.pkl").write_bytes(pickle.dumps(flat))
    case("flat-dict.pkl", x, y, text)
    parts = [Layer_Dense(6, 5), LayerNorm(5), Activation_Tanh(), Layer_Dense(5, 4),
             Activation_Sigmoid(), Layer_Dense(4, 2), Activation_Linear()]
    (FOLDER / "other-objects.pkl").write_bytes(pickle.dumps(parts))
    z = np.tanh(parts[1](x.astype(float) @ parts[0].weights + parts[0].biases))
    z = 1 / (1 + np.exp(-(z @ parts[3].weights + parts[3].biases)))
    case("other-objects.pkl", x, z @ parts[5].weights + parts[5].biases,
         "5,layer_norm:1e-3:tanh,4:sigmoid,2")


# ---- PyTorch

def network():
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(7, 9), nn.ReLU(), nn.Linear(9, 9), nn.ReLU(), nn.Linear(9, 4),
                         nn.Softmax(1))


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(7, 9)
        self.fc2 = nn.Linear(9, 9)
        self.out = nn.Linear(9, 4)

    def forward(self, x):
        x = torch.tanh(self.fc2(torch.relu(self.fc1(x))))
        return torch.sigmoid(self.out(x))


def safetensors_files():
    x = inputs(7)
    text = "9:relu,9:relu,4:softmax"
    for kind in (torch.float32, torch.float16, torch.bfloat16, torch.float64):
        model = network().to(kind)
        name = f"torch-{str(kind)[6:]}.safetensors"
        save_file(model.state_dict(), FOLDER / name)
        case(name, x, run(model, x), text)
    model = Named()
    save_file(model.state_dict(), FOLDER / "torch-named.safetensors")
    case("torch-named.safetensors", x, run(model, x), "9:relu,dropout:0.5,9:tanh,4:sigmoid")
    state = {k: v for k, v in model.float().state_dict().items()}
    odd = {"alpha": state["out.weight"], "beta1": state["out.bias"], "gamma1": state["fc1.weight"],
           "delta": state["fc1.bias"], "epsilon": state["fc2.weight"], "zeta": state["fc2.bias"]}
    save_file(odd, FOLDER / "odd-names.safetensors")
    case("odd-names.safetensors", x, run(model, x), "9:relu,9:tanh,4:sigmoid",
         ("gamma1+delta,epsilon+zeta,alpha+beta1", "-", "-"))
    square = [nn.Linear(5, 5), nn.Linear(5, 5)]
    x = inputs(5) * 100
    scaled = nn.Sequential(square[0], nn.ReLU(), square[1])
    values = {"0.A": square[0].weight, "0.B": square[0].bias, "1.A": square[1].weight,
              "1.B": square[1].bias}
    save_file({k: v.detach() for k, v in values.items()}, FOLDER / "square.safetensors")
    case("square.safetensors", x, run(scaled, x / 50 - 1), "5:relu,5",
         ("-", "out,in", "0,100,-1,1"))
    keras = {}
    for i, one in enumerate(square):
        base = "dense" if i == 0 else f"dense_{i}"
        keras[f"{base}/kernel:0"] = one.weight.detach().float().t().contiguous()
        keras[f"{base}/bias:0"] = one.bias.detach().float()
    save_file(keras, FOLDER / "keras-names.safetensors")
    case("keras-names.safetensors", x, run(scaled, x), "5:relu,5:linear")


def torch_files():
    x = inputs(7)
    text = "9:relu,9:relu,4:softmax"
    model = network()
    y = run(network(), x)
    torch.save(model.state_dict(), FOLDER / "state.pt")
    case("state.pt", x, y, text)
    torch.save(model.state_dict(), FOLDER / "state-former.pth",
               _use_new_zipfile_serialization=False)
    case("state-former.pth", x, y, text)
    torch.save(model, FOLDER / "module.pt")
    case("module.pt", x, y)
    for kind in (torch.bfloat16, torch.float16, torch.float64):
        other = network().to(kind)
        name = f"state-{str(kind)[6:]}.pt"
        torch.save(other.state_dict(), FOLDER / name)
        case(name, x, run(other, x), text)
    # one storage for everything, tensors that are transposed views of parts of it
    state, parts, at = model.state_dict(), {}, 5
    storage = torch.zeros(5 + sum(v.numel() for v in state.values()))
    for name, value in state.items():
        view = storage[at:at + value.numel()]
        view.copy_(value.t().reshape(-1) if value.dim() == 2 else value)
        parts[name] = view.view(value.shape[::-1]).t() if value.dim() == 2 else view
        at += value.numel()
    torch.save(parts, FOLDER / "shared-transposed.pt")
    case("shared-transposed.pt", x, y, text)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.tensor(x)).sum().backward()
    optimizer.step()
    torch.save({"epoch": 3, "model_state_dict": model.state_dict(), "loss": 0.25,
                "optimizer_state_dict": optimizer.state_dict()}, FOLDER / "checkpoint.pt")
    case("checkpoint.pt", x, run(model, x), text)
    act = nn.ReLU()  # one object in two places
    torch.manual_seed(4)
    rich = nn.Sequential(nn.Flatten(), nn.Linear(7, 8), nn.BatchNorm1d(8), act, nn.Dropout(0.25),
                         nn.BatchNorm1d(8, affine=False), nn.Linear(8, 6, bias=False), act,
                         nn.Linear(6, 2), nn.Sigmoid())
    for one in rich:
        if isinstance(one, nn.BatchNorm1d):
            one.running_mean.uniform_(-1, 1)
            one.running_var.uniform_(0.5, 2)
            if one.affine:
                nn.init.uniform_(one.weight, 0.5, 1.5)
                nn.init.uniform_(one.bias)
    torch.save(rich, FOLDER / "batch-norm.pt")
    case("batch-norm.pt", x, run(rich, x))
    norm = nn.Sequential(nn.LayerNorm(7), nn.Linear(7, 6), nn.LayerNorm(6), nn.Tanh(),
                         nn.Linear(6, 3))
    for one in (norm[0], norm[2]):
        nn.init.uniform_(one.weight, 0.5, 1.5)
        nn.init.uniform_(one.bias)
    torch.save(norm, FOLDER / "layer-norm.pt")
    case("layer-norm.pt", x, run(norm, x))
    norm = norm.float()
    save_file(norm.state_dict(), FOLDER / "layer-norm.safetensors")
    case("layer-norm.safetensors", x, run(norm, x), "layer_norm:1e-5,6,layer_norm:1e-5:tanh,3")
    torch.save(nn.Sequential(nn.Linear(3, 2), nn.Softmax(dim=0)), FOLDER / "softmax-batch.pt")


# ---- Lamina itself, version 0.1

def native(name):
    raw = (FOLDER / name).read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + size])
    about = json.loads(header.pop("__metadata__")["lamina"])
    value = {k: np.frombuffer(raw, "<f4", offset=8 + size + v["data_offsets"][0],
                              count=int(np.prod(v["shape"]))).reshape(v["shape"]).astype(float)
             for k, v in header.items()}
    x = inputs(about["features"])
    a = x.astype(float)
    transform = about["transform"]
    if transform["kind"] == "scale":
        (p, q), (r, s) = transform["from"], transform["to"]
        a = r + (a - p) * (s - r) / (q - p)
    else:
        a = (a - value["transform.mean"]) / value["transform.std"]
    functions = {"relu": lambda z: np.maximum(z, 0), "tanh": np.tanh, "linear": lambda z: z,
                 "sigmoid": lambda z: 1 / (1 + np.exp(-z)), "softmax": softmax}
    for i, layer in enumerate(about["layers"]):
        if layer["type"] == "dense":
            a = functions[layer["activation"]](a @ value[f"layers.{i}.weight"]
                                               + value[f"layers.{i}.bias"])
    case(name, x, a)


# ---- Fashion-MNIST

def images(split):
    raw = __import__("gzip").open(next(IMAGES.glob(f"{split}-images-idx3-ubyte*"))).read()
    labels = __import__("gzip").open(next(IMAGES.glob(f"{split}-labels-idx1-ubyte*"))).read()
    return (torch.tensor(np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 784).copy()),
            torch.tensor(np.frombuffer(labels, np.uint8, offset=8).astype(np.int64)))


def fashion(train):
    path = FOLDER / "fashion.pt"
    model = nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10), nn.Softmax(1))
    if train:
        torch.manual_seed(1)
        torch.set_num_threads(1)
        x, labels = images("train")
        x = x.float() / 127.5 - 1
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        for _ in range(8):
            for batch in torch.randperm(len(x)).split(128):
                optimizer.zero_grad()
                nn.functional.cross_entropy(model[:3](x[batch]), labels[batch]).backward()
                optimizer.step()
        torch.save(model.state_dict(), path)
    model.load_state_dict(torch.load(path))
    x, labels = images("t10k")
    with torch.no_grad():
        y = model(x.float() / 127.5 - 1)
    right = int((y.argmax(1) == labels).sum())
    print(f"fashion.pt: {right} of {len(x)} test images right")
    case("fashion.pt", x[:ROWS], run(model, (x[:ROWS].double() / 127.5 - 1).numpy()),
         "32:relu,10:softmax", ("-", "-", "-1,1"))
    return right


def number(v):
    return repr(float(np.float32(v))) if float(np.float32(v)) == v else f"{v:.9g}"


def main():
    FOLDER.mkdir(exist_ok=True)
    pickles()
    safetensors_files()
    torch_files()
    native("version-0.1-scaled.safetensors")
    native("version-0.1-standardized.safetensors")
    right = fashion("--train" in sys.argv[1:])
    with open(HERE / "foreign.txt", "w") as out:
        for file, layers, names, order, scale, x, y in cases:
            print("file", file, layers, names, order, scale, *x.shape, y.shape[1], file=out)
            for row in x:
                print(*(f"{v:.9g}" for v in row), file=out)
            for row in y:
                print(*(f"{v:.9g}" for v in row), file=out)
        print("fashion", right, file=out)


if __name__ == "__main__":
    main()
