#!/usr/bin/env python3
"""make_metrics.py: writes data/metrics.txt, figures of scikit-learn for test_metrics_golden.c.

Run by hand, with scikit-learn installed:  python3 tests/golden/make_metrics.py

The test's model is one dense layer with identity weights, so the samples below are its logits.
Logits and regression values are multiples of 1/16: exact, and with ties at the maximum.

The file is cases of words separated by white space:
    case NAME ACTIVATION LOSS rows width TARGETS threshold tolerance (0: the default)
    logits [rows][width], targets [rows] (classes) or [rows][width] (rows)
    figures COUNT NAME VALUE ...
"""
import math
import pathlib

import numpy as np
from sklearn import metrics

NAN = math.nan


def grid(rng, *shape, spread=2.0):
    return np.round(spread * rng.standard_normal(shape) * 16.0) / 16.0


def figures_multiclass(logits, labels, width):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    proba = e / e.sum(axis=1, keepdims=True)
    decision = logits.argmax(axis=1)  # the first of equals
    assert ((logits == logits.max(axis=1, keepdims=True)).sum(axis=1) > 1).any(), "no ties"
    cells, truth = np.eye(width)[decision], np.eye(width)[labels]
    return {
        "loss": metrics.log_loss(labels, proba, labels=range(width)),
        "accuracy": metrics.accuracy_score(labels, decision),
        "categorical_accuracy": metrics.accuracy_score(labels, decision),
        "precision": metrics.precision_score(labels, decision, average="micro"),
        "recall": metrics.recall_score(labels, decision, average="micro"),
        "cell_accuracy": metrics.accuracy_score(truth.ravel(), cells.ravel()),
    }


def figures_binary(logits, truth, threshold):
    """Every cell is a decision of its own; precision and recall are micro-averages."""
    proba = 1.0 / (1.0 + np.exp(-logits))
    near = np.abs(proba - threshold) < 1e-6
    assert np.all(logits[near] == 0.0) and (threshold == 0.5 or not near.any()), "undecidable"
    decision = proba > threshold
    truth, decision = truth.ravel(), decision.ravel()
    accuracy = metrics.accuracy_score(truth, decision)
    return {
        "loss": metrics.log_loss(truth, proba.ravel(), labels=[0, 1]),
        "accuracy": accuracy,
        "binary_accuracy": accuracy,
        "cell_accuracy": accuracy,
        "precision": metrics.precision_score(truth, decision, zero_division=NAN),
        "recall": metrics.recall_score(truth, decision, zero_division=NAN),
    }


def figures_regression(outputs, targets, tolerance):
    within = np.abs(outputs - targets) <= (tolerance or targets.std() / 250.0)
    return {
        "loss": metrics.mean_squared_error(targets, outputs),
        "accuracy": within.mean(),
        "regression_accuracy": within.mean(),
        "mean_absolute_error": metrics.mean_absolute_error(targets, outputs),
    }


def cases():
    rng = np.random.default_rng(11)
    for width, rows, share in ((2, 50, 0.5), (3, 101, 0.7), (10, 333, 0.6)):
        logits = grid(rng, rows, width, spread=1.0)
        labels = np.where(rng.random(rows) < share, logits.argmax(axis=1),
                          rng.integers(0, width, rows))
        figures = figures_multiclass(logits, labels, width)
        yield f"multiclass_{width}", "softmax", "categorical_crossentropy", logits, labels, 0.5, \
            0.0, figures
        yield f"multiclass_{width}_rows", "softmax", "categorical_crossentropy", logits, \
            np.eye(width)[labels], 0.5, 0.0, figures
    for width, rows, threshold in ((1, 77, 0.5), (4, 120, 0.5), (4, 120, 0.3), (17, 64, 0.8)):
        logits = grid(rng, rows, width)
        truth = (logits + grid(rng, rows, width) > 0.25).astype(float)
        yield f"multilabel_{width}_{threshold}", "sigmoid", "binary_crossentropy", logits, truth, \
            threshold, 0.0, figures_binary(logits, truth, threshold)
    logits = grid(rng, 90, 1)
    truth = (logits + grid(rng, 90, 1) > 0.75).astype(float)
    yield "binary_classes", "sigmoid", "binary_crossentropy", logits, truth.ravel(), 0.5, 0.0, \
        figures_binary(logits, truth, 0.5)
    low = -np.abs(grid(rng, 30, 2)) - 1.0  # nothing is predicted: precision has no denominator
    some = (rng.random((30, 2)) < 0.5).astype(float)
    yield "no_prediction", "sigmoid", "binary_crossentropy", low, some, 0.5, 0.0, \
        figures_binary(low, some, 0.5)
    none = np.zeros((30, 2))  # nothing is true: recall has no denominator
    yield "no_truth", "sigmoid", "binary_crossentropy", -low, none, 0.5, 0.0, \
        figures_binary(-low, none, 0.5)
    yield "neither", "sigmoid", "binary_crossentropy", low, none, 0.5, 0.0, \
        figures_binary(low, none, 0.5)
    for width, rows, tolerance in ((1, 80, 0.0), (3, 70, 0.0), (3, 70, 0.28)):
        targets = grid(rng, rows, width)
        limit = tolerance or targets.std() / 250.0
        error = limit * rng.choice([0.0, 0.5, -0.97, 0.97, -1.03, 1.03, 4.0], (rows, width))
        yield f"regression_{width}_{tolerance}", "linear", "mean_squared_error", targets + error, \
            targets, 0.5, tolerance, figures_regression(targets + error, targets, tolerance)
    targets = grid(rng, 60, 2)  # exactly as far away as the tolerance: still right
    outputs = targets + rng.choice([0.0, -0.25, 0.25, -0.3125, 0.3125], (60, 2))
    yield "regression_2_edge", "linear", "mean_squared_error", outputs, targets, 0.5, 0.25, \
        figures_regression(outputs, targets, 0.25)


def words(values, per_line=16):
    text = ["%.10g" % v for v in np.asarray(values, dtype=float).ravel()]
    return "".join(" ".join(text[i:i + per_line]) + "\n" for i in range(0, len(text), per_line))


def main():
    out = []
    for name, activation, loss, logits, targets, threshold, tolerance, figures in cases():
        kind = "classes" if targets.ndim == 1 else "rows"
        rows, width = logits.shape
        out.append(f"case {name} {activation} {loss} {rows} {width} {kind} {threshold} "
                   f"{tolerance}\n")
        out += [words(logits), words(targets), f"figures {len(figures)}\n"]
        out += [f"{key} {value:.15g}\n" for key, value in figures.items()]
        print(name, {key: round(float(value), 4) for key, value in figures.items()})
    path = pathlib.Path(__file__).parent / "data" / "metrics.txt"
    path.write_text("".join(out))
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
