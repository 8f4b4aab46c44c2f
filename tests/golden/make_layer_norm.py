#!/usr/bin/env python3
"""make_layer_norm.py: writes data/layer_norm.txt, training runs of PyTorch through
torch.nn.LayerNorm for test_layer_norm_golden.c.

Run by hand, with PyTorch installed:  python3 tests/golden/make_layer_norm.py

Data, batches, losses, optimizers and the check that float32 decides nothing are those of
make_training.py. The file is words separated by white space:
    samples features outputs steps batch
    x [samples][features], classes [samples], real [samples][outputs]
    then runs:
    run NAME LAYERS LOSS TARGETS OPTIMIZER rate decay momentum
        start COUNT: W [in][out] and b of dense layers, gamma and beta of layer_norm, in order
        losses COUNT step data_loss ...
        parameters [COUNT of start]
"""
import math
import pathlib

import numpy as np
import torch

from make_training import (BATCH, FEATURES, OPTIMIZERS, OUTPUTS, RECORD_EVERY, SAMPLES,
                           SEED, STEPS, batch_rows, data_loss, disagreement, make_data,
                           make_optimizer, on_grid, words)

ACTIVATIONS = {"linear": lambda z: z, "relu": torch.relu, "tanh": torch.tanh,
               "sigmoid": torch.sigmoid}

RUNS = [
    ("hidden_relu", "8:linear,layer_norm:relu,7:tanh,3:softmax", "categorical", "adam"),
    ("two_tanh", "8:tanh,layer_norm,7:linear,layer_norm:1e-5:tanh,3:softmax", "categorical",
     "momentum"),
    ("first", "layer_norm:0.01,8:tanh,3:softmax", "categorical", "adam_decay"),
    ("last_softmax", "8:tanh,3:linear,layer_norm:softmax", "categorical", "adam"),
    ("last_linear", "8:tanh,3:linear,layer_norm:0.1", "squared", "sgd"),
    ("wide", "33:sigmoid,layer_norm,3:linear", "squared", "momentum_decay"),
]
LOSSES = {"categorical": ("categorical_crossentropy", "softmax", "classes"),
          "squared": ("mean_squared_error", "linear", "real")}


def make_network(text, dtype, rng=None, start=None):
    """Modules with the activation after each; the last activation is left to the loss."""
    parts, width, start = [], FEATURES, list(start or [])
    for part in text.split(","):
        head, *choices = part.split(":")
        if head == "layer_norm":
            numbers = [c for c in choices if c not in ACTIVATIONS and c != "softmax"]
            layer = torch.nn.LayerNorm(width, eps=float(numbers[0]) if numbers else 1e-3,
                                       dtype=dtype)
            shapes = [(width,), (width,)]
            choices = [c for c in choices if c not in numbers]
            fresh = lambda: [on_grid(rng.uniform(0.5, 1.5, width), 256),
                             on_grid(rng.uniform(-0.2, 0.2, width), 256)]
        else:
            units = int(head)
            layer = torch.nn.Linear(width, units, dtype=dtype)
            shapes = [(width, units), (units,)]
            limit = math.sqrt(6.0 / (width + units))
            fresh = lambda: [on_grid(rng.uniform(-limit, limit, shapes[0]), 256),
                             on_grid(rng.uniform(-0.2, 0.2, units), 256)]
            width = units
        weight, bias = (start.pop(0), start.pop(0)) if rng is None else fresh()
        layer.weight.data = torch.tensor(np.asarray(weight).T.copy(), dtype=dtype)
        layer.bias.data = torch.tensor(bias, dtype=dtype)
        parts.append((layer, choices[0] if choices else "linear", [weight, bias]))
    return parts


def train(run, data, start, dtype):
    x, classes, _, real = data
    x = torch.tensor(x, dtype=dtype)
    targets = {"classes": torch.tensor(classes), "real": torch.tensor(real, dtype=dtype)}
    network = make_network(run["layers"], dtype, start=start)
    optimizer = make_optimizer(run, [p for layer, _, _ in network for p in layer.parameters()])
    losses = []
    for step in range(STEPS):
        rows = batch_rows(step, BATCH)
        z = x[rows]
        for i, (layer, activation, _) in enumerate(network):
            z = layer(z)
            if i + 1 < len(network):
                z = ACTIVATIONS[activation](z)
        loss = data_loss(run, z, targets[run["targets"]][rows])
        if step % RECORD_EVERY == 0 or step == STEPS - 1:
            losses.append((step, loss.item(), 0.0))
        for group in optimizer.param_groups:
            group["lr"] = run["rate"] / (1.0 + run["decay"] * step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    parameters = [p.detach().numpy() for layer, _, _ in network
                  for p in (layer.weight.T if layer.weight.ndim == 2 else layer.weight, layer.bias)]
    return losses, np.concatenate([p.ravel() for p in parameters])


def main():
    rng = np.random.default_rng(SEED)
    data = make_data(rng)
    out = [f"{SAMPLES} {FEATURES} {OUTPUTS} {STEPS} {BATCH}\n",
           words(data[0]), words(data[1]), words(data[3])]
    refused = []
    for name, layers, task, optimizer in RUNS:
        loss, output, targets = LOSSES[task]
        run = dict(layers=layers, loss=loss, output=output, targets=targets,
                   **OPTIMIZERS[optimizer])
        start = [p for part in make_network(layers, torch.float64, rng=rng) for p in part[2]]
        single, double = (train(run, data, start, t) for t in (torch.float32, torch.float64))
        apart = disagreement(single, double)
        print(f"{name:15s} loss {single[0][0][1]:.4f} to {single[0][-1][1]:.4f}, float32 from "
              f"float64: {apart:.3f} of the tolerance")
        if apart > 0.1:
            refused.append(name)
        flat = np.concatenate([p.ravel() for p in start])
        out.append(f"run {name} {layers} {loss} {targets} {run['optimizer']} {run['rate']} "
                   f"{run['decay']} {run['momentum']}\n")
        out.append(f"start {len(flat)}\n" + words(flat))
        out.append(f"losses {len(single[0])}\n" + words([row[:2] for row in single[0]], 10))
        out.append("parameters\n" + words(single[1]))
    if refused:
        raise SystemExit(f"not reproducible in float32: {refused}")
    path = pathlib.Path(__file__).parent / "data" / "layer_norm.txt"
    path.write_text("".join(out))
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
