#!/usr/bin/env python3
"""compare_fashion.py: test accuracy and cross-entropy on Fashion-MNIST, Lamina beside PyTorch.

    python3 tests/golden/compare_fashion.py --lamina build/src/cli/lamina [--data DIR]
            [--seeds 1,2,3] [--epochs 10] [--threads N] [--skip-torch]

Run by hand, with PyTorch installed; the suite "slow" of `meson test` runs it without. Both train 784-128-128-10, relu,
softmax with cross-entropy, Glorot uniform starts and zero biases, Adam with learning rate
1e-3 / (1 + 1e-3 step), batch 128, pixels in -1..1, a new order each epoch; the figures are means
over the seeds. Exit status 1 when Lamina's mean accuracy is below 0.882 or its mean cross-entropy
above 0.330 (ten epochs), 77 (skipped) when the data are not there.
"""
import argparse
import gzip
import json
import pathlib
import statistics
import struct
import subprocess
import sys
import tempfile
import time

ACCURACY, CROSS_ENTROPY = 0.882, 0.330


def read_idx(path):
    """The bytes of an IDX file, and its dimensions."""
    with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
        data = file.read()
    rank = data[3]
    return struct.unpack(f">{rank}I", data[4:4 + 4 * rank]), data[4 + 4 * rank:]


def find(folder, name):
    for path in (folder / name, folder / (name + ".gz")):
        if path.exists():
            return path
    raise SystemExit(f"{folder}: neither {name} nor {name}.gz")


def lamina(args, seed):
    with tempfile.TemporaryDirectory() as folder:
        model = str(pathlib.Path(folder) / "model.safetensors")
        command = [args.lamina, "train", args.data, "-o", model, "--layers",
                   "128:relu,128:relu,10:softmax", "--loss", "categorical_crossentropy",
                   "--optimizer", "adam", "--learning-rate", "1e-3", "--decay", "1e-3",
                   "--epochs", str(args.epochs), "--batch-size", "128", "--scale", "-1,1",
                   "--init", "glorot_uniform", "--seed", str(seed), "--quiet"]
        if args.threads:
            command += ["--threads", str(args.threads)]
        begin = time.perf_counter()
        subprocess.run(command, check=True)
        seconds = time.perf_counter() - begin
        out = subprocess.run([args.lamina, "evaluate", model, args.data, "--split", "test",
                              "--json"], check=True, capture_output=True, text=True).stdout
    figures = json.loads(out)
    return figures["accuracy"], figures["loss"], seconds


def torch_data(args):
    import torch
    parts = []
    for part in ("train", "t10k"):
        (count, *_), pixels = read_idx(find(pathlib.Path(args.data), f"{part}-images-idx3-ubyte"))
        _, labels = read_idx(find(pathlib.Path(args.data), f"{part}-labels-idx1-ubyte"))
        x = torch.frombuffer(bytearray(pixels), dtype=torch.uint8).reshape(count, -1)
        parts.append((x.float() / 127.5 - 1.0,
                      torch.frombuffer(bytearray(labels), dtype=torch.uint8).long()))
    return parts


def torch_run(args, data, seed):
    import torch
    torch.manual_seed(seed)
    (x, y), (test_x, test_y) = data
    layers = []
    for fan_in, fan_out in ((784, 128), (128, 128), (128, 10)):
        linear = torch.nn.Linear(fan_in, fan_out)
        torch.nn.init.xavier_uniform_(linear.weight)
        torch.nn.init.zeros_(linear.bias)
        layers += [linear, torch.nn.ReLU()]
    net = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, eps=1e-7)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: 1.0 / (1.0 + 1e-3 * t))
    loss = torch.nn.CrossEntropyLoss()
    begin = time.perf_counter()
    for _ in range(args.epochs):
        for rows in torch.randperm(len(x)).split(128):
            optimizer.zero_grad()
            loss(net(x[rows]), y[rows]).backward()
            optimizer.step()
            schedule.step()
    seconds = time.perf_counter() - begin
    with torch.no_grad():
        out = net(test_x)
        accuracy = (out.argmax(dim=1) == test_y).float().mean().item()
        return accuracy, loss(out, test_y).item(), seconds


def report(name, seeds, run):
    results = []
    for seed in seeds:
        results.append(run(seed))
        accuracy, loss, seconds = results[-1]
        print(f"{name:8s} seed {seed}: accuracy {accuracy:.4f}, cross-entropy {loss:.4f}, "
              f"{seconds:.1f} s", flush=True)
    accuracy, loss = (statistics.mean(r[i] for r in results) for i in (0, 1))
    print(f"{name:8s} mean:   accuracy {accuracy:.4f}, cross-entropy {loss:.4f}", flush=True)
    return accuracy, loss


def main():
    parser = argparse.ArgumentParser(description="Lamina and PyTorch on Fashion-MNIST")
    parser.add_argument("--lamina", default="lamina", help="the command (lamina)")
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist",
                        help="folder with the IDX files (%(default)s)")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=0, help="of both (0: their own choice)")
    parser.add_argument("--skip-torch", action="store_true")
    args = parser.parse_args()
    seeds = [int(seed) for seed in args.seeds.split(",")]
    if not pathlib.Path(args.data).is_dir():
        print(f"{args.data}: no such folder")
        sys.exit(77)

    accuracy, loss = report("lamina", seeds, lambda seed: lamina(args, seed))
    if not args.skip_torch:
        import torch
        if args.threads:
            torch.set_num_threads(args.threads)
        data = torch_data(args)
        report("pytorch", seeds, lambda seed: torch_run(args, data, seed))
    if args.epochs == 10 and not (accuracy >= ACCURACY and loss <= CROSS_ENTROPY):
        sys.exit(f"lamina is beyond the bounds: accuracy {ACCURACY}, cross-entropy "
                 f"{CROSS_ENTROPY}")


if __name__ == "__main__":
    main()
