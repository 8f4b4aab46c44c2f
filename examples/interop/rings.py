"""rings.py: what the examples share: three noisy rings around each other, as IDX files in the naming
of MNIST, and the command lamina (the environment variable LAMINA, else the one on the PATH)."""
import json
import os
import struct
import subprocess

import torch


def lamina(*args):
    """Runs the command; its output."""
    done = subprocess.run([os.environ.get("LAMINA", "lamina"), *map(str, args)], text=True,
                          capture_output=True)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return done.stdout


def samples(count, seed):
    torch.manual_seed(seed)
    labels = torch.arange(count) % 3
    angle, radius = 6.2832 * torch.rand(count), labels + 1 + 0.2 * torch.randn(count)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], 1), labels


def write_idx(path, x):
    path.write_bytes(struct.pack(f">HBBII{x.numel()}f", 0, 0x0D, 2, *x.shape,
                                 *x.flatten().tolist()))


def write_folder(folder):
    """Both splits; returns them as tensors."""
    splits = {"train": samples(1500, 1), "t10k": samples(300, 2)}
    for name, (x, labels) in splits.items():
        write_idx(folder / f"{name}-images-idx3-ubyte", x)
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(
            struct.pack(f">HBBI{len(labels)}B", 0, 0x08, 1, len(labels), *labels.tolist()))
    return splits["train"], splits["t10k"]


def train(model, x, labels, epochs):
    """model gives logits."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(epochs):
        for batch in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x[batch]), labels[batch]).backward()
            optimizer.step()


def evaluate(model_file, folder):
    """Accuracy on the test split, as lamina evaluate says."""
    return json.loads(lamina("evaluate", model_file, folder, "--json"))["accuracy"]
