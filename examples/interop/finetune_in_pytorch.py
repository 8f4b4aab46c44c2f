#!/usr/bin/env python3
"""finetune_in_pytorch.py: trains a network in Lamina, continues training it in PyTorch, and reads the
result back.

Exit status 77 where PyTorch or safetensors is not installed.
"""
import json
import pathlib
import sys
import tempfile

try:
    import torch
    from safetensors import safe_open
    from safetensors.torch import save_file
except ImportError:
    print("skipped: PyTorch or safetensors is not installed")
    sys.exit(77)

from rings import evaluate, lamina, train, write_folder

LAYERS = "24:relu,24:tanh,3:softmax"


def load(path):
    """The dense layers of a model of Lamina as a module that gives logits."""
    parts = []
    functions = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}
    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["lamina"])
        assert "transform" not in about
        for i, layer in enumerate(about["layers"]):
            weight = file.get_tensor(f"layers.{i}.weight")  # [in, out]; PyTorch has [out, in]
            part = torch.nn.Linear(*weight.shape)
            part.weight.data = weight.t().contiguous()
            part.bias.data = file.get_tensor(f"layers.{i}.bias")
            parts.append(part)
            if layer["activation"] in functions:
                parts.append(functions[layer["activation"]]())
    return torch.nn.Sequential(*parts)


def run(folder):
    (x, labels), (test_x, test_labels) = write_folder(folder)
    first, tuned = folder / "first.safetensors", folder / "tuned.safetensors"
    lamina("train", folder, "-o", first, "--layers", LAYERS, "--scale", "none", "--epochs", "2",
           "--quiet")
    model = load(first)
    before = (model(test_x).argmax(1) == test_labels).float().mean().item()
    assert abs(evaluate(first, folder) - before) < 1e-6, before
    train(model, x, labels, 10)
    save_file(model.state_dict(), folder / "weights.safetensors")
    print(lamina("convert", folder / "weights.safetensors", tuned, "--layers", LAYERS))
    after = (model(test_x).argmax(1) == test_labels).float().mean().item()
    assert abs(evaluate(tuned, folder) - after) < 1e-6, after
    print(f"accuracy {before:.4f} after training in Lamina, {after:.4f} after PyTorch went on")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        run(pathlib.Path(name))
