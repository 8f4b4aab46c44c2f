"""sklearn_worker.py: scikit-learn's MLPClassifier among the peers.

The same network, batch size, optimizer, start values and order; an epoch is one partial_fit on the
rows in their order. What differs: it has no dropout (a network with dropout trains without), and it
checks its input and keeps its loss at every call, as it does for every user."""
import sys
import warnings

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier

import worker


class ScikitLearn:
    def __init__(self, job, training, _threads, _variant):
        self.version = f"scikit-learn {sklearn.__version__}"
        self.job = job
        self.net = MLPClassifier(
            hidden_layer_sizes=[units for units, _, _ in job.layers[:-1]],
            activation=job.layers[0][1], solver=job.optimizer, alpha=0.0, batch_size=job.batch,
            learning_rate_init=job.rate, momentum=0.0, nesterovs_momentum=False, shuffle=False)
        self.classes = np.arange(max(job.outputs, 2))
        x = job.floats() if training else job.inputs(0, job.batch)
        y = np.arange(job.batch) % len(self.classes)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.net.partial_fit(x[:job.batch], y, classes=self.classes)  # makes the arrays
        for weights, bias, (w, b) in zip(self.net.coefs_, self.net.intercepts_, job.pairs):
            weights[...], bias[...] = w, b
        del self.net._optimizer  # the next call starts a new one
        if weights.dtype != np.float32:
            sys.exit("scikit-learn does not compute in single precision")
        if training:
            self.x = x

    def train(self, order):
        self.net.partial_fit(self.x[order], self.job.y[order])

    def prepare(self, rows):
        pass

    def inputs(self, rows):
        return self.job.inputs(0, rows)

    def outputs(self, first, rows):
        whole = getattr(self, "x", None)
        y = self.predict(self.job.inputs(first, rows) if whole is None
                         else whole[first:first + rows])
        return y[:, 1:] if self.job.outputs == 1 else y

    def predict(self, x):
        return self.net.predict_proba(x)


if __name__ == "__main__":
    worker.main(ScikitLearn)
