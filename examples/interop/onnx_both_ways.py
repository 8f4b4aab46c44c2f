#!/usr/bin/env python3
"""onnx_both_ways.py [LAMINA]: one network trained here and run in ONNX Runtime, another trained in
PyTorch and run here, on the images of Fashion-MNIST. Each must score the same in both programs.

LAMINA is the command, `lamina` by default. Needs the packages numpy, onnx and onnxruntime, for the
second way torch and onnxscript, and the images in /usr/share/datasets/fashion-mnist (Debian:
dataset-fashion-mnist); exit status 77 without them.
"""
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

DATA = pathlib.Path("/usr/share/datasets/fashion-mnist")
SAMPLES = 6000  # to train with: enough to see that it works

try:
    import numpy as np
    import onnxruntime
except ImportError as error:
    sys.exit(print(f"skipped: {error}") or 77)
if not DATA.is_dir():
    sys.exit(print(f"skipped: {DATA} is not there") or 77)


def lamina(*arguments):
    command = [sys.argv[1] if len(sys.argv) > 1 else "lamina", *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def images(split):
    """Raw bytes as floats [samples][784], and classes."""
    with gzip.open(DATA / f"{split}-images-idx3-ubyte.gz") as file:
        x = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784).astype(np.float32)
    with gzip.open(DATA / f"{split}-labels-idx1-ubyte.gz") as file:
        return x, np.frombuffer(file.read(), np.uint8, offset=8).astype(np.int64)


def accuracy_here(model):
    return json.loads(lamina("evaluate", model, DATA, "--json"))["accuracy"]


def from_lamina_to_onnx_runtime(folder):
    model, exported = folder / "fashion.safetensors", folder / "fashion.onnx"
    lamina("train", DATA, "-o", model, "--layers", "128:relu,dropout:0.1,64,layer_norm:relu,10:softmax",
           "--epochs", 2, "--limit", SAMPLES)
    lamina("convert", model, exported)  # the input transform goes along: it takes raw bytes
    session = onnxruntime.InferenceSession(str(exported), providers=["CPUExecutionProvider"])
    x, y = images("t10k")
    probabilities = session.run(["output"], {"input": x})[0]
    return accuracy_here(model), float((probabilities.argmax(axis=1) == y).mean())


def from_pytorch_to_lamina(folder):
    import torch
    from torch import nn

    class Scaled(nn.Module):
        """Takes raw bytes, so that nothing about the input is left to be told."""

        def __init__(self, layers):
            super().__init__()
            self.layers = layers

        def forward(self, x):
            return self.layers((x - 127.5) / 127.5)

    torch.manual_seed(0)
    torch.set_num_threads(1)
    layers = nn.Sequential(nn.Linear(784, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Dropout(0.1),
                           nn.Linear(128, 64), nn.LayerNorm(64), nn.Tanh(), nn.Linear(64, 10))
    network = Scaled(layers)
    optimizer = torch.optim.Adam(network.parameters())
    x, y = (torch.tensor(part[:SAMPLES]) for part in images("train"))
    for rows in torch.randperm(2 * SAMPLES).remainder(SAMPLES).split(100):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x[rows]), y[rows]).backward()
        optimizer.step()
    network = nn.Sequential(network, nn.Softmax(dim=1)).eval()
    exported, model = folder / "torch.onnx", folder / "torch.safetensors"
    torch.onnx.export(network, (x[:2],), exported, dynamo=True, external_data=False, verbose=False,
                      dynamic_shapes=({0: torch.export.Dim("batch")},))
    lamina("convert", exported, model)
    x, y = (torch.tensor(part) for part in images("t10k"))
    with torch.no_grad():
        return float((network(x).argmax(dim=1) == y).double().mean()), accuracy_here(model)


def main():
    ways = [("Lamina to ONNX Runtime", from_lamina_to_onnx_runtime)]
    try:
        import onnxscript  # noqa: F401
        import torch  # noqa: F401
        ways.append(("PyTorch to Lamina", from_pytorch_to_lamina))
    except ImportError as error:
        print(f"PyTorch to Lamina: skipped: {error}")
    for name, way in ways:
        with tempfile.TemporaryDirectory() as folder:
            there, here = way(pathlib.Path(folder))
        print(f"{name}: accuracy {there:.4f} and {here:.4f}")
        assert abs(there - here) < 1e-9, "they disagree"
        assert there > 0.7, "nothing was learnt"


if __name__ == "__main__":
    main()
