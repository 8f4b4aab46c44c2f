#!/usr/bin/env python3
"""make_modules.py: whole modules of PyTorch, networks of scikit-learn and pickles by hand, written to
data/modules/, and to data/modules.txt what they compute: the oracle of test_foreign_golden.c. Files
in data/modules/refused hold what cannot be known; the test has the words. Needs torch, scikit-learn,
joblib, numpy.

What a file should say is calculated by its own program, in double precision, not by Lamina.
"""
import collections
import pathlib
import pickle
import warnings

import joblib
import numpy as np
import torch
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent / "data"
FOLDER, REFUSED = HERE / "modules", HERE / "modules" / "refused"
ROWS = 4
cases = []
draw = np.random.default_rng(11)


def case(file, x, y, layers="-", more=("-", "-", "-")):
    """more: map, order, scale."""
    cases.append((file, layers, *more, np.asarray(x, np.float64),
                  np.asarray(y, np.float64).reshape(len(x), -1)))


def inputs(n):
    return draw.standard_normal((ROWS, n)).astype(np.float32)


def run(model, x):
    with torch.no_grad():
        return model.double().eval()(torch.tensor(x, dtype=torch.float64)).numpy()


def unlike_new(model):
    """Statistics and scales that are not what layers start with."""
    for one in model.modules():
        if isinstance(one, nn.BatchNorm1d) and one.track_running_stats:
            one.running_mean.uniform_(-1, 1)
            one.running_var.uniform_(0.5, 2)
        if isinstance(one, (nn.BatchNorm1d, nn.LayerNorm)):
            nn.init.uniform_(one.weight, 0.5, 1.5)
            nn.init.uniform_(one.bias)
    return model


# ---- PyTorch: what is read

def torch_files():
    x = inputs(6)
    torch.manual_seed(1)
    nested = unlike_new(nn.Sequential(
        nn.Flatten(), nn.Sequential(nn.Linear(6, 5), nn.Sequential(nn.BatchNorm1d(5), nn.ReLU())),
        nn.AlphaDropout(0.2), nn.Linear(5, 4, bias=False), nn.LayerNorm(4), nn.Sigmoid(),
        nn.Identity(), nn.Linear(4, 3), nn.Softmax(-1)))
    torch.save(nested, FOLDER / "nested.pt")
    torch.save(nested, FOLDER / "nested-former.pt", _use_new_zipfile_serialization=False)
    torch.save({"epoch": 3, "model": nested}, FOLDER / "nested-in-dict.pt")
    (FOLDER / "nested.pkl").write_bytes(pickle.dumps(nested))
    joblib.dump(nested, FOLDER / "nested.joblib", compress=3)
    y = run(nested, x)
    for name in ("nested.pt", "nested-former.pt", "nested-in-dict.pt", "nested.pkl",
                 "nested.joblib"):
        case(name, x, y)
    norms = unlike_new(nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5, eps=0.01), nn.ReLU(),
                                     nn.Linear(5, 5), nn.LayerNorm(5), nn.Tanh(), nn.Linear(5, 2)))
    torch.save(norms.state_dict(), FOLDER / "norms-state.pt")
    case("norms-state.pt", x, run(norms, x), "5,batch_norm:0.01:relu,5,layer_norm:tanh,2")
    torch.manual_seed(2)
    square = nn.Sequential(collections.OrderedDict(
        [("l2", nn.Linear(6, 6)), ("a", nn.ReLU()), ("l1", nn.Linear(6, 6))]))
    torch.save(square, FOLDER / "square.pt")
    case("square.pt", x, run(square, x))
    torch.save(square.float().state_dict(), REFUSED / "square-state.pt")
    case("refused/square-state.pt", x, run(square, x), "6:relu,6",
         ("l2.weight+l2.bias,l1.weight+l1.bias", "-", "-"))


# ---- PyTorch: what is not

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 1))

    def forward(self, x):
        return torch.sigmoid(self.net(x))


class Tanh(nn.Module):
    def forward(self, x):
        return 2 * x


class Linear(nn.Linear):
    def forward(self, x):
        return super().forward(x) + 1


class Sequential(nn.Sequential):
    def forward(self, x):
        return torch.sigmoid(super().forward(x))


def hook(module, arguments, output):
    return 2 * output


def twice(x):
    return 2 * x


def small(**more):
    return nn.Sequential(nn.Linear(6, 4), more.get("middle", nn.ReLU()), nn.Linear(4, 1))


def refused_torch():
    files = {"own-module": Net(), "own-tanh": small(middle=Tanh()),
             "own-linear": nn.Sequential(Linear(6, 4), nn.ReLU(), nn.Linear(4, 1)),
             "own-sequential": Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 1)),
             "module-list": nn.ModuleList([nn.Linear(6, 4), nn.Linear(4, 1)]),
             "leaky": small(middle=nn.LeakyReLU()), "hook": small(), "forward": small(),
             "weight-norm": small(),
             "no-statistics": small(middle=nn.BatchNorm1d(4, track_running_stats=False))}
    files["hook"][1].register_forward_hook(hook)
    files["forward"][1].forward = twice
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        files["weight-norm"][0] = nn.utils.weight_norm(files["weight-norm"][0])
    for name, model in files.items():
        torch.save(model, REFUSED / f"{name}.pt")
    torch.jit.save(torch.jit.script(small()), REFUSED / "script.pt")


# ---- scikit-learn

def sklearn_files():
    warnings.simplefilter("ignore")
    data = draw.standard_normal((80, 6))
    three = (np.abs(data[:, 0]) * 2).astype(int) % 3
    x = data[:ROWS]
    names = np.array(["no", "jein", "j\u00e4"])[three]
    three_classes = MLPClassifier((5, 4), activation="tanh", max_iter=3).fit(data, names)
    two = MLPClassifier((5,), activation="logistic", max_iter=3).fit(data, data[:, 1] > 0)
    several = MLPClassifier((5,), max_iter=3).fit(data.astype(np.float32), data[:, :3] > 0)
    values = MLPRegressor(hidden_layer_sizes=(5,), activation="identity",
                          max_iter=3).fit(data, data[:, :2])
    pipeline = make_pipeline(StandardScaler(), MinMaxScaler((-1, 1)),
                             MLPRegressor(hidden_layer_sizes=(5,), max_iter=3)).fit(data, data[:, 0])
    for protocol in (0, 2, 5):
        name = f"sklearn-three-{protocol}.pkl"
        (FOLDER / name).write_bytes(pickle.dumps(three_classes, protocol))
        case(name, x, three_classes.predict_proba(x))
    former = (FOLDER / "sklearn-three-2.pkl").read_bytes()  # as before scikit-learn 0.22
    for module in (b"neural_network.", b"preprocessing."):
        former = former.replace(b"sklearn." + module + b"_", b"sklearn." + module)
    (FOLDER / "sklearn-former.pkl").write_bytes(former)
    case("sklearn-former.pkl", x, three_classes.predict_proba(x))
    for name, model, how in [("three", three_classes, 0), ("two", two, ("zlib", 3)),
                             ("several", several, ("gzip", 3)), ("values", values, 0),
                             ("pipeline", pipeline, 3)]:
        file = f"sklearn-{name}.joblib"
        joblib.dump(model, FOLDER / file, compress=how)
        case(file, x, (model.predict if model in (values, pipeline) else model.predict_proba)(x))
    joblib.dump(two, REFUSED / "packed.joblib", compress=("xz", 3))
    joblib.dump(make_pipeline(MinMaxScaler(clip=True), values).fit(data, data[:, :2]),
                REFUSED / "clip.joblib", compress=3)
    joblib.dump(StandardScaler().fit(data), REFUSED / "scaler.joblib", compress=3)
    joblib.dump(MLPClassifier(), REFUSED / "not-fitted.joblib", compress=3)


# ---- by hand

def forward(x, weights, biases):
    for i, (w, b) in enumerate(zip(weights, biases)):
        x = x @ w + b
        x = np.maximum(x, 0) if i + 1 < len(weights) else x
    return x


def pickles():
    sizes = ((6, 8), (8, 8), (8, 3))
    w = [draw.standard_normal(s) for s in sizes]
    b = [draw.standard_normal(s[1]) for s in sizes]
    turned, columns = [one.T.copy() for one in w], [one[:, None] for one in b]
    objects = np.empty(6, dtype=object)
    objects[:] = [w[0], b[0], w[1], b[1], w[2], b[2]]
    files = {"biases-weights": [b, w], "weights-biases": (w, b), "halves": w + b,
             "bias-first": [one for pair in zip(b, w) for one in pair],
             "columns": (turned, columns), "coefs": {"coefs_": w, "intercepts_": b},
             "biases-dict": {"biases": b, "weights": w}, "objects": objects}
    x = inputs(6)
    for name, one in files.items():
        (FOLDER / f"{name}.pkl").write_bytes(pickle.dumps(one))
        case(f"{name}.pkl", x, forward(x.astype(float), w, b), "8:relu,8:relu,3")
    (FOLDER / "no-biases.pkl").write_bytes(pickle.dumps(w))
    case("no-biases.pkl", x, forward(x.astype(float), w, [0, 0, 0]), "8:relu,8:relu,3")
    odd = {"W1": w[0], "c1": b[0], "W2": w[2], "c2": b[2]}
    masked = {"W1": w[0], "b1": np.ma.array(b[0]), "W2": w[2], "b2": b[2]}
    (REFUSED / "odd-bias.pkl").write_bytes(pickle.dumps(odd))
    (REFUSED / "opaque-bias.pkl").write_bytes(pickle.dumps(masked))
    (REFUSED / "one-short.pkl").write_bytes(pickle.dumps((w, b[:2])))


def main():
    REFUSED.mkdir(parents=True, exist_ok=True)
    torch_files()
    refused_torch()
    sklearn_files()
    pickles()
    with open(HERE / "modules.txt", "w") as out:
        for file, layers, names, order, scale, x, y in cases:
            print("file", file, layers, names, order, scale, *x.shape, y.shape[1], file=out)
            for row in (*x, *y):
                print(*(f"{v:.9g}" for v in row), file=out)
        print("end", file=out)


if __name__ == "__main__":
    main()
