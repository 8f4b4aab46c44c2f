#!/usr/bin/env python3
"""make_hand_network.py: the numbers of test_hand_network.c, by the textbook, in double.

Prints the C arrays that stand in the test, with 15 decimals. Standard library only; every sum is
written out, no matrix routine and no automatic differentiation is used.
"""
import math

X = [[0.5, -1.0, 0.25], [-0.75, 0.5, 1.0]]
T = [[1.0, 0.0], [0.0, 1.0]]
W1 = [[0.2, -0.4], [0.7, 0.1], [-0.5, 0.6]]
B1 = [0.1, -0.2]
W2 = [[0.3, -0.6], [0.8, 0.5]]
B2 = [-0.1, 0.4]


def sigmoid(z):
    return 1.0 / (1.0 + math.exp(-z))


def sample(x, t, kind):
    """One sample's forward and backward pass."""
    z1 = [sum(x[i] * W1[i][j] for i in range(3)) + B1[j] for j in range(2)]
    a1 = [sigmoid(z) for z in z1]
    z2 = [sum(a1[i] * W2[i][j] for i in range(2)) + B2[j] for j in range(2)]
    if kind == "squared":  # sigmoid outputs, mean squared error
        y = [sigmoid(z) for z in z2]
        loss = sum((y[j] - t[j]) ** 2 for j in range(2)) / 2.0
        # error of the output: dL/dy f'(z2)
        d2 = [2.0 * (y[j] - t[j]) / 2.0 * y[j] * (1.0 - y[j]) for j in range(2)]
    else:  # softmax outputs, categorical cross-entropy
        e = [math.exp(z) for z in z2]
        y = [v / sum(e) for v in e]
        loss = -sum(t[j] * math.log(y[j]) for j in range(2))
        d2 = [y[j] - t[j] for j in range(2)]
    # error of the layer before: (d2 W2^T) f'(z1)
    d1 = [sum(d2[j] * W2[i][j] for j in range(2)) * a1[i] * (1.0 - a1[i]) for i in range(2)]
    # weight gradients: outer products of a layer's input and its error; bias gradients: the errors
    g2 = [a1[i] * d2[j] for i in range(2) for j in range(2)]
    g1 = [x[i] * d1[j] for i in range(3) for j in range(2)]
    return {"y": y, "loss": [loss], "output_error": d2, "hidden_error": d1,
            "output_weight": g2, "hidden_weight": g1}


def main():
    for kind in ("squared", "categorical"):
        a, b = (sample(x, t, kind) for x, t in zip(X, T))
        both = {k: [(p + q) / 2.0 for p, q in zip(a[k], b[k])] for k in a}
        both["y"] = a["y"] + b["y"]  # outputs are not averaged
        for name, result in (("first", a), ("second", b), ("both", both)):
            print(f"static const expectation {kind}_{name} = {{")
            for key, values in result.items():
                print(f"    .{key} = {{" + ", ".join(f"{v:.15f}" for v in values) + "},")
            print("};")


if __name__ == "__main__":
    main()
