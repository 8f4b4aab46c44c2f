"""worker.py: what the contenders written in Python share: the folder a job is read from, and the
commands they answer. worker.c is the same in C and describes the commands; networks.py, the folder.
"""
import pathlib
import sys
import time

import numpy as np

CALL_ROWS = 1024


class Job:
    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.layers, facts = [], {}
        for line in (folder / "network.txt").read_text().splitlines():
            key, *values = line.split()
            if key == "layer":
                self.layers.append((int(values[0]), values[1], float(values[2])))
            else:
                facts[key] = values[0]
        self.features, self.samples = int(facts["features"]), int(facts["samples"])
        self.batch, self.optimizer = int(facts["batch"]), facts["optimizer"]
        self.rate = float(facts["rate"])
        self.outputs = self.layers[-1][0]
        self.bytes = np.fromfile(folder / "x.bin", np.uint8).reshape(-1, self.features)
        self.y = np.fromfile(folder / "y.bin", np.int32)
        self.orders = np.fromfile(folder / "orders.bin", np.uint32).reshape(-1, self.samples)
        values = np.fromfile(folder / "weights.bin", np.float32)
        self.pairs, at, width = [], 0, self.features
        for units, _, _ in self.layers:
            weights = values[at:at + width * units].reshape(width, units)
            at += width * units
            self.pairs.append((weights, values[at:at + units]))
            at, width = at + units, units

    def inputs(self, first, rows):
        """Rows as inputs of the network, in one array of floats and nothing beside it."""
        x = self.bytes[np.arange(first, first + rows) % len(self.bytes)].astype(np.float32)
        x /= 127.5
        x -= 1.0
        return x

    def floats(self):
        """All rows as inputs, in place of the bytes: what somebody who wants speed holds."""
        x = self.bytes.astype(np.float32)
        self.bytes = None
        x /= 127.5
        x -= 1.0
        return x


def median_call(predict, x, rows, seconds):
    """Seconds per call, on rows that change from call to call, and the number of calls."""
    places = max(CALL_ROWS // rows, 1)
    slices = [x[i * rows:(i + 1) * rows] for i in range(places)]
    predict(slices[0])
    times, clock = [], time.perf_counter
    end = clock() + seconds
    start = clock()
    while not times or start < end:
        rows_now = slices[len(times) % places]
        start = clock()
        predict(rows_now)
        times.append(clock() - start)
    return sorted(times)[len(times) // 2], len(times)


def absent(reason):
    print("absent", reason, flush=True)
    sys.exit(0)


def main(make):
    """`make(job, training, threads, variant)` returns an object with `version`, `train(order)`,
    `prepare(rows)`, `outputs(first, rows)`, `inputs(rows)` (in its own kind of array) and
    `predict(x)`."""
    folder, what, threads = sys.argv[1:4]
    variant = sys.argv[4] if len(sys.argv) > 4 else ""
    try:
        peer = make(Job(folder), what == "train", int(threads), variant)
    except ImportError as error:
        absent(error)
    print("ready", peer.version, flush=True)
    for line in sys.stdin:
        command, *words = line.split()
        if command == "train":
            order = peer.job.orders[int(words[0]) % len(peer.job.orders)][:int(words[1])]
            start = time.perf_counter()
            peer.train(order)
            print(time.perf_counter() - start, flush=True)
        elif command == "outputs":
            peer.prepare(int(words[1]))
            y = np.asarray(peer.outputs(int(words[0]), int(words[1])), np.float32)
            y.reshape(int(words[1]), -1).tofile(words[2])
            print("done", flush=True)
        elif command == "calls":
            rows = int(words[0])
            peer.prepare(rows)
            x = peer.inputs(max(CALL_ROWS // rows, 1) * rows)
            print(*median_call(peer.predict, x, rows, float(words[1])), flush=True)
        else:
            sys.exit(f"no such command: {line}")
