"""numpy_worker.py: a network in plain NumPy among the peers: as many would write it who know NumPy
well. The same recipe as Lamina's, in single precision; elementwise work is done in place."""
import numpy as np

import worker


def activate(name, z):
    if name == "relu":
        np.maximum(z, 0.0, out=z)
    elif name == "tanh":
        np.tanh(z, out=z)
    elif name == "sigmoid":
        np.negative(z, out=z)
        np.exp(z, out=z)
        z += 1.0
        np.reciprocal(z, out=z)
    else:
        z -= z.max(axis=1, keepdims=True)
        np.exp(z, out=z)
        z /= z.sum(axis=1, keepdims=True)
    return z


class NumPy:
    def __init__(self, job, training, _threads, _variant):
        self.version = f"NumPy {np.__version__}"
        self.job = job
        self.names = [activation for _, activation, _ in job.layers]
        self.rates = [dropout for _, _, dropout in job.layers]
        self.rng = np.random.default_rng(1)
        # one flat array, so that the optimizer is a handful of calls
        self.flat = np.concatenate([part.ravel() for pair in job.pairs for part in pair])
        self.slopes = np.zeros_like(self.flat)
        self.pairs, self.slope_pairs = self.views(self.flat), self.views(self.slopes)
        self.first, self.second = np.zeros_like(self.flat), np.zeros_like(self.flat)
        self.steps = 0
        if training:
            self.x = job.floats()

    def views(self, flat):
        pairs, at = [], 0
        for weights, bias in self.job.pairs:
            middle, end = at + weights.size, at + weights.size + bias.size
            pairs.append((flat[at:middle].reshape(weights.shape), flat[middle:end]))
            at = end
        return pairs

    def forward(self, a, keep=None):
        for (weights, bias), name, rate in zip(self.pairs, self.names, self.rates):
            z = a @ weights
            z += bias
            a = activate(name, z)
            if keep is None:
                continue
            mask = None
            if rate:
                mask = self.rng.random(a.shape, np.float32) >= rate
                mask = mask * np.float32(1.0 / (1.0 - rate))
                keep.append((a, mask))
                a = a * mask
            else:
                keep.append((a, None))
        return a

    def step(self, rows):
        x, y = self.x[rows], self.job.y[rows]
        keep = []
        delta = self.forward(x, keep).copy()
        if self.job.outputs == 1:
            delta[:, 0] -= y
        else:
            delta[np.arange(len(y)), y] -= 1.0
        delta /= len(y)
        for i in reversed(range(len(self.pairs))):
            below = x if i == 0 else keep[i - 1][0]
            if i and keep[i - 1][1] is not None:
                below = below * keep[i - 1][1]
            np.dot(below.T, delta, out=self.slope_pairs[i][0])
            delta.sum(axis=0, out=self.slope_pairs[i][1])
            if i == 0:
                break
            a, mask = keep[i - 1]
            delta = delta @ self.pairs[i][0].T
            if mask is not None:
                delta *= mask
            delta *= (a > 0.0) if self.names[i - 1] == "relu" else 1.0 - a * a
        self.update()

    def update(self):
        self.steps += 1
        if self.job.optimizer == "sgd":
            self.flat -= np.float32(self.job.rate) * self.slopes
            return
        self.first *= np.float32(0.9)
        self.first += np.float32(0.1) * self.slopes
        self.second *= np.float32(0.999)
        self.second += np.float32(0.001) * self.slopes * self.slopes
        rate = self.job.rate / (1.0 - 0.9 ** self.steps)
        root = np.sqrt(self.second)
        root *= np.float32(1.0 / (1.0 - 0.999 ** self.steps) ** 0.5)
        root += np.float32(1e-8)
        np.divide(self.first, root, out=root)
        root *= np.float32(rate)
        self.flat -= root

    def train(self, order):
        for first in range(0, len(order), self.job.batch):
            self.step(order[first:first + self.job.batch])

    def prepare(self, rows):
        pass

    def inputs(self, rows):
        return self.job.inputs(0, rows)

    def outputs(self, first, rows):
        whole = getattr(self, "x", None)
        return self.forward(self.job.inputs(first, rows) if whole is None
                            else whole[first:first + rows])

    def predict(self, x):
        return self.forward(x)


if __name__ == "__main__":
    worker.main(NumPy)
