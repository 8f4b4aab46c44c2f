#!/usr/bin/env python3
"""make_training.py: writes data/training.txt, training runs of PyTorch for test_training_golden.c.

Run by hand, with PyTorch installed:  python3 tests/golden/make_training.py

Every run starts from the same parameters and sees the same batches in the same order. PyTorch
computes in float32 on one thread; each run is repeated in float64, and a run whose float32 and
float64 results are further apart than a tenth of the test's tolerances is refused: there, an
agreement between two float32 programs would be luck. For the same reason no residual of a mean
absolute error may come nearer to its kink than MARGIN, and batches have an odd number of rows: a
bias gradient that is a sum of signs then never cancels to rounding noise, which Adam would blow up
to whole steps. SEED was chosen so that all this holds.

The file is words separated by white space:
    samples features hidden_1 hidden_2 outputs steps
    x [samples][features], classes [samples], multihot [samples][outputs], real [samples][outputs]
    parameters [count]: W [in][out] and b [out] of each layer, as Lamina keeps them
    then runs:
    run NAME hidden OUT_ACTIVATION LOSS TARGETS OPTIMIZER rate decay momentum batch
        penalty SCOPE l1 l2 bias_l1 bias_l2 of each of the three layers
        losses COUNT step data_loss regularization_loss ...
        parameters [count]
The batch of step s is known without a list: steps_per_epoch = ceil(samples / batch), the samples
of epoch e stand in the order (i * (e % (samples - 1) + 1) + e) % samples; samples is a prime, so
this is a permutation.
"""
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

SAMPLES, FEATURES, HIDDEN_1, HIDDEN_2, OUTPUTS, STEPS = 67, 6, 8, 7, 3, 200
BATCH = 15  # 67 = 4 * 15 + 7: the last batch of an epoch is smaller
RECORD_EVERY = 5
SEED = 7
MARGIN = 1e-5
LOSS_TOLERANCE, PARAMETER_TOLERANCE, PARAMETER_FLOOR = 1e-4, 1e-3, 0.1  # as in the C test

torch.set_num_threads(1)


def on_grid(values, steps):
    """Rounds to multiples of 1/steps: exact in float32 and short as text."""
    return np.round(values * steps) / steps


def make_data(rng):
    x = on_grid(rng.standard_normal((SAMPLES, FEATURES)), 32)
    teacher = rng.standard_normal((FEATURES, OUTPUTS))
    signal = np.tanh(x @ teacher) + 0.2 * rng.standard_normal((SAMPLES, OUTPUTS))
    classes = signal.argmax(axis=1)
    multihot = (signal > 0.1).astype(float)
    multihot[np.arange(len(signal)), signal.argmax(axis=1)] = 1.0  # no row of zeros
    real = on_grid(2.0 * signal + 0.3, 32)
    return x, classes, multihot, real


def make_start(rng):
    sizes = [FEATURES, HIDDEN_1, HIDDEN_2, OUTPUTS]
    start = []
    for fan_in, fan_out in zip(sizes, sizes[1:]):
        limit = math.sqrt(6.0 / (fan_in + fan_out))
        start.append(on_grid(rng.uniform(-limit, limit, (fan_in, fan_out)), 256))
        start.append(on_grid(rng.uniform(-0.2, 0.2, fan_out), 256))
    return start


def batch_rows(step, batch):
    per_epoch = -(-SAMPLES // batch)
    epoch, first = step // per_epoch, step % per_epoch * batch
    count = min(batch, SAMPLES - first)
    return [(i * (epoch % (SAMPLES - 1) + 1) + epoch) % SAMPLES for i in range(first, first + count)]


def data_loss(run, logits, target):
    """Means over the outputs, then over the batch; categorical: mean over the batch."""
    if run["loss"] == "categorical_crossentropy":
        if run["targets"] == "classes":
            return F.cross_entropy(logits, target)
        return -(target * F.log_softmax(logits, dim=1)).sum(dim=1).mean()
    if run["loss"] == "binary_crossentropy":
        return F.binary_cross_entropy_with_logits(logits, target)
    output = {"linear": lambda z: z, "sigmoid": torch.sigmoid,
              "softmax": lambda z: torch.softmax(z, dim=1)}[run["output"]](logits)
    if run["loss"] == "mean_squared_error":
        return F.mse_loss(output, target)
    return F.l1_loss(output, target)


def penalty(run, linears):
    total = torch.zeros(())
    for layer, (l1, l2, bias_l1, bias_l2) in zip(linears, run["penalties"]):
        total = total + l1 * layer.weight.abs().sum() + l2 * layer.weight.square().sum()
        total = total + bias_l1 * layer.bias.abs().sum() + bias_l2 * layer.bias.square().sum()
    return total


class Momentum(torch.optim.Optimizer):
    """v = momentum v - rate g; w += v. torch.optim.SGD keeps the rate outside of v, which is
    another thing as soon as the rate changes."""

    def __init__(self, parameters, lr, momentum):
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                v = self.state[p].setdefault("v", torch.zeros_like(p))
                v.mul_(group["momentum"]).sub_(p.grad, alpha=group["lr"])
                p.add_(v)


def make_optimizer(run, parameters):
    if run["optimizer"] == "adam":
        return torch.optim.Adam(parameters, lr=run["rate"], betas=(0.9, 0.999), eps=1e-7)
    if run["decay"] > 0.0:
        return Momentum(parameters, run["rate"], run["momentum"])
    return torch.optim.SGD(parameters, lr=run["rate"], momentum=run["momentum"])


def train(run, data, start, dtype):
    x, classes, multihot, real = data
    x = torch.tensor(x, dtype=dtype)
    targets = {"classes": torch.tensor(classes), "multihot": torch.tensor(multihot, dtype=dtype),
               "real": torch.tensor(real, dtype=dtype)}[run["targets"]]
    linears = []
    for w, b in zip(start[0::2], start[1::2]):
        layer = torch.nn.Linear(*w.shape, dtype=dtype)
        layer.weight.data = torch.tensor(w.T.copy(), dtype=dtype)  # PyTorch's W is [out][in]
        layer.bias.data = torch.tensor(b, dtype=dtype)
        linears.append(layer)
    activation = {"relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}[run["hidden"]]
    optimizer = make_optimizer(run, [p for layer in linears for p in layer.parameters()])

    losses, margin = [], math.inf
    for step in range(STEPS):
        rows = batch_rows(step, run["batch"])
        z = x[rows]
        for layer in linears[:-1]:
            z = activation(layer(z))
        z = linears[-1](z)
        loss = data_loss(run, z, targets[rows])
        extra = penalty(run, linears)
        if run["loss"] == "mean_absolute_error":
            margin = min(margin, (z - targets[rows]).abs().min().item())
        if step % RECORD_EVERY == 0 or step == STEPS - 1:
            losses.append((step, loss.item(), float(extra.detach())))
        for group in optimizer.param_groups:
            group["lr"] = run["rate"] / (1.0 + run["decay"] * step)
        optimizer.zero_grad()
        (loss + extra).backward()
        optimizer.step()
    parameters = [p.detach().numpy() for layer in linears for p in (layer.weight.T, layer.bias)]
    return losses, np.concatenate([p.ravel() for p in parameters]), margin


OPTIMIZERS = {
    "sgd": dict(optimizer="sgd", rate=0.1, decay=0.0, momentum=0.0),
    "momentum": dict(optimizer="sgd", rate=0.01, decay=0.0, momentum=0.9),
    "momentum_decay": dict(optimizer="sgd", rate=0.02, decay=0.02, momentum=0.9),
    "adam": dict(optimizer="adam", rate=0.005, decay=0.0, momentum=0.0),
    "adam_decay": dict(optimizer="adam", rate=0.01, decay=0.02, momentum=0.0),
}
TASKS = {  # the losses, each with the output it is meant for
    "categorical": dict(loss="categorical_crossentropy", output="softmax", targets="classes"),
    "binary": dict(loss="binary_crossentropy", output="sigmoid", targets="multihot"),
    "squared": dict(loss="mean_squared_error", output="linear", targets="real"),
    "absolute": dict(loss="mean_absolute_error", output="linear", targets="real"),
}
WHOLE = {  # over all samples at once
    "softmax_squared": dict(loss="mean_squared_error", output="softmax", targets="multihot"),
    "sigmoid_squared": dict(loss="mean_squared_error", output="sigmoid", targets="multihot"),
    "categorical_rows": dict(loss="categorical_crossentropy", output="softmax",
                             targets="multihot"),
    "categorical_classes": dict(loss="categorical_crossentropy", output="softmax",
                                targets="classes"),
}
NO_PENALTY = [(0.0, 0.0, 0.0, 0.0)] * 3


def all_runs():
    for o, optimizer in OPTIMIZERS.items():
        for hidden in ("relu", "tanh", "sigmoid"):
            for t, task in TASKS.items():
                yield dict(name=f"{o}_{hidden}_{t}", hidden=hidden, batch=BATCH, scope="run",
                           penalties=NO_PENALTY, **optimizer, **task)
    for o in ("momentum", "adam"):
        for t, task in WHOLE.items():
            yield dict(name=f"whole_{o}_tanh_{t}", hidden="tanh", batch=SAMPLES, scope="run",
                       penalties=NO_PENALTY, **OPTIMIZERS[o], **task)
    penalized = [
        ("l1", "sgd", "tanh", "categorical", "run", [(2e-3, 0.0, 0.0, 0.0)] * 3),
        ("l2", "momentum_decay", "relu", "binary", "run", [(0.0, 3e-3, 0.0, 0.0)] * 3),
        ("bias", "adam_decay", "sigmoid", "squared", "run", [(0.0, 0.0, 1e-3, 5e-3)] * 3),
        ("all", "adam", "tanh", "squared", "run", [(5e-4, 1e-3, 1e-3, 2e-3)] * 3),
        ("each", "momentum", "tanh", "categorical", "layer",
         [(1e-3, 0.0, 0.0, 2e-3), (0.0, 2e-3, 1e-3, 0.0), (5e-4, 1e-3, 0.0, 0.0)]),
    ]
    for name, o, hidden, t, scope, strengths in penalized:
        yield dict(name=f"penalty_{name}_{o}_{hidden}_{t}", hidden=hidden, batch=BATCH, scope=scope,
                   penalties=strengths, **OPTIMIZERS[o], **TASKS[t])


def disagreement(single, double):
    """How far two results are apart, in shares of the test's tolerances."""
    worst = 0.0
    for (_, data, _), (_, data_2, _) in zip(single[0], double[0]):
        worst = max(worst, abs(data - data_2) / data_2 / LOSS_TOLERANCE)
    scale = np.maximum(np.abs(double[1]), PARAMETER_FLOOR)
    return max(worst, (np.abs(single[1] - double[1]) / scale).max() / PARAMETER_TOLERANCE)


def words(values, per_line=11):
    text = ["%.9g" % v for v in np.asarray(values, dtype=float).ravel()]
    return "".join(" ".join(text[i:i + per_line]) + "\n" for i in range(0, len(text), per_line))


def main():
    rng = np.random.default_rng(SEED)
    data, start = make_data(rng), make_start(rng)
    out = [f"{SAMPLES} {FEATURES} {HIDDEN_1} {HIDDEN_2} {OUTPUTS} {STEPS}\n"]
    out += [words(part) for part in data]
    out.append(words(np.concatenate([p.ravel() for p in start])))
    refused = []
    for run in all_runs():
        single, double = (train(run, data, start, t) for t in (torch.float32, torch.float64))
        apart = disagreement(single, double)
        losses = [loss for _, loss, _ in single[0]]
        print(f"{run['name']:45s} loss {losses[0]:.4f} to {losses[-1]:.4f}, "
              f"float32 from float64: {apart:.3f} of the tolerance, margin {single[2]:.1e}")
        if apart > 0.1 or single[2] < MARGIN or not 1e-3 < min(losses) <= max(losses) < math.inf:
            refused.append(run["name"])
        out.append(f"run {run['name']} {run['hidden']} {run['output']} {run['loss']} "
                   f"{run['targets']} {run['optimizer']} {run['rate']} {run['decay']} "
                   f"{run['momentum']} {run['batch']}\n")
        out.append(f"penalty {run['scope']} " + words(run["penalties"], 12))
        out.append(f"losses {len(single[0])}\n" + words(single[0], 9))
        out.append("parameters\n" + words(single[1]))
    if refused:
        raise SystemExit(f"not reproducible in float32, near a kink, or too small a loss: {refused}")
    path = pathlib.Path(__file__).parent / "data" / "training.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(out))
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
