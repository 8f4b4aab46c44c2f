#!/usr/bin/env python3
"""pytorch_to_lamina.py: trains a network in PyTorch and predicts with it in Lamina, once from its
weights alone and once from the whole module. Nothing of Python is needed where Lamina runs.

Exit status 77 where PyTorch is not installed.
"""
import json
import pathlib
import sys
import tempfile

try:
    import torch
except ImportError:
    print("skipped: PyTorch is not installed")
    sys.exit(77)

from rings import evaluate, lamina, train, write_folder, write_idx


def run(folder):
    (x, labels), (test_x, test_labels) = write_folder(folder)
    model = torch.nn.Sequential(torch.nn.Linear(2, 24), torch.nn.ReLU(), torch.nn.Linear(24, 24),
                                torch.nn.Tanh(), torch.nn.Linear(24, 3))
    train(model, x, labels, 10)
    with torch.no_grad():
        expected = torch.softmax(model(test_x), 1)
    accuracy = (expected.argmax(1) == test_labels).float().mean().item()

    # the weights alone: what is done with them is said on the command line
    weights, network = folder / "weights.pt", folder / "network.safetensors"
    torch.save(model.state_dict(), weights)
    print(lamina("convert", weights, network, "--layers", "24:relu,24:tanh,3:softmax"))
    write_idx(folder / "samples", test_x)
    for line in lamina("predict", network, folder / "samples", "--json").splitlines():
        found = json.loads(line)
        row = expected[found["index"]]
        assert found["class"] == row.argmax().item(), found
        assert abs(found["probability"] - row.max().item()) < 1e-5, (found, row)
    assert abs(evaluate(network, folder) - accuracy) < 1e-6

    # the whole module: the classes of its parts say what they do
    torch.save(torch.nn.Sequential(*model, torch.nn.Softmax(1)), folder / "module.pt")
    lamina("convert", folder / "module.pt", folder / "module.safetensors")
    assert abs(evaluate(folder / "module.safetensors", folder) - accuracy) < 1e-6
    print(f"accuracy {accuracy:.4f} in PyTorch and in Lamina")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        run(pathlib.Path(name))
