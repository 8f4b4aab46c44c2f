#!/usr/bin/env python3
"""Trains the same networks in Lamina and in PyTorch, in turns, and prints the ratios.

usage: compare_training.py BENCH_TRAIN [--networks fashion,wide] [--rounds 5] [--samples 60000]

BENCH_TRAIN is the built program (build/bench/bench_train). Needs torch and numpy:
bench/peers/install makes a virtual environment with them. Each round runs one epoch of every
contender: Lamina and PyTorch (eager, with its ordinary and with its fused optimizer) with one and
with two threads; medians are compared, best against best.
"""
import argparse
import gzip
import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np
import torch
from torch import nn

DATA = "/usr/share/datasets/fashion-mnist"
NETWORKS = {
    # name: (features, layers, optimizer, batch)
    "fashion": (784, [(128, "relu", 0.0), (128, "relu", 0.0), (10, "softmax", 0.0)], "adam", 128),
    "mnist-small": (784, [(32, "tanh", 0.0), (16, "tanh", 0.0), (10, "softmax", 0.0)], "sgd", 32),
    "wide": (784, [(512, "relu", 0.2), (512, "relu", 0.2), (10, "softmax", 0.0)], "adam", 128),
    "deep": (784, [(1024, "relu", 0.0)] * 3 + [(10, "softmax", 0.0)], "adam", 256),
    "tabular": (30, [(64, "relu", 0.0), (64, "relu", 0.0), (1, "sigmoid", 0.0)], "adam", 32),
}


def read_idx(stem, offset):
    for name, opener in ((stem, open), (stem + ".gz", gzip.open)):
        path = os.path.join(DATA, name)
        if os.path.exists(path):
            with opener(path, "rb") as file:
                return np.frombuffer(file.read(), np.uint8, offset=offset)
    return None


def load(features, outputs, samples):
    """Float tensors in memory, as a PyTorch user who wants speed would hold them."""
    rng = np.random.default_rng(1)
    images = read_idx("train-images-idx3-ubyte", 16) if features == 784 else None
    if images is None:
        x = rng.integers(0, 256, (samples, features), dtype=np.uint8)
        y = (x[:, 0] > x[:, 1]).astype(np.int64)
    else:
        x = images.reshape(-1, features)[:samples]
        y = read_idx("train-labels-idx1-ubyte", 8)[:samples].astype(np.int64)
    x = torch.from_numpy(x.astype(np.float32) / 127.5 - 1.0)
    y = torch.from_numpy(y)
    return x, (y.float().unsqueeze(1) if outputs == 1 else y)


class PyTorch:
    def __init__(self, network, samples, threads, fused):
        features, layers, optimizer, self.batch = NETWORKS[network]
        self.threads = threads
        torch.manual_seed(1)
        parts, width = [], features
        for units, activation, dropout in layers:
            parts.append(nn.Linear(width, units))
            if activation in ("relu", "tanh"):
                parts.append(nn.ReLU() if activation == "relu" else nn.Tanh())
            if dropout:
                parts.append(nn.Dropout(dropout))
            width = units
        self.net = nn.Sequential(*parts)
        self.loss = nn.BCEWithLogitsLoss() if width == 1 else nn.CrossEntropyLoss()
        maker = torch.optim.Adam if optimizer == "adam" else torch.optim.SGD
        rate = 1e-3 if optimizer == "adam" else 1e-2
        self.optimizer = maker(self.net.parameters(), lr=rate, fused=fused)
        self.x, self.y = load(features, width, samples)

    def epoch(self):
        torch.set_num_threads(self.threads)
        start = time.perf_counter()
        order = torch.randperm(len(self.x))
        for first in range(0, len(order), self.batch):
            rows = order[first:first + self.batch]
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.loss(self.net(self.x[rows]), self.y[rows])
            loss.backward()
            self.optimizer.step()
        return time.perf_counter() - start


def lamina_epochs(program, network, samples):
    """Seconds of one epoch with one and with two threads, each a process's median of three."""
    text = subprocess.run(
        [program, "--networks", network, "--samples", str(samples), "--rounds", "3", "--threads",
         "2", "--json"], check=True, capture_output=True, text=True).stdout
    return {row["threads"]: row["seconds"] for row in map(json.loads, text.splitlines())}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bench_train")
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--samples", type=int, default=60000)
    options = parser.parse_args()
    print(f"PyTorch {torch.__version__}, {options.rounds} rounds in turns, "
          f"{options.samples} samples an epoch, seconds an epoch (medians)")
    print(f"{'network':<12} {'lamina 1':>9} {'lamina 2':>9} {'torch 1':>9} {'torch 2':>9} "
          f"{'times faster':>13}")
    for network in options.networks.split(","):
        peers = {(threads, fused): PyTorch(network, options.samples, threads, fused)
                 for threads in (1, 2) for fused in (False, True)}
        ours, theirs = {1: [], 2: []}, {key: [] for key in peers}
        for _ in range(options.rounds):
            for threads, seconds in lamina_epochs(options.bench_train, network,
                                                  options.samples).items():
                ours[threads].append(seconds)
            for key, peer in peers.items():
                theirs[key].append(peer.epoch())
        ours = {k: statistics.median(v) for k, v in ours.items()}
        theirs = {k: statistics.median(v) for k, v in theirs.items()}
        best = {t: min(theirs[t, False], theirs[t, True]) for t in (1, 2)}
        print(f"{network:<12} {ours[1]:9.4f} {ours[2]:9.4f} {best[1]:9.4f} {best[2]:9.4f} "
              f"{min(best.values()) / min(ours.values()):13.2f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
