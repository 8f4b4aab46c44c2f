#!/usr/bin/env python3
"""make_foreign_corpus.py: writes the seeds in corpus/foreign/; needs torch, numpy and safetensors."""
import collections
import pathlib
import pickle
import zipfile

import numpy as np
import torch
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).resolve().parent / "corpus" / "foreign"
W1 = np.arange(6, dtype=np.float32).reshape(2, 3) / 4
W2 = np.arange(6, dtype=np.float64).reshape(3, 2) / 8 - 1


class Layer_Dense:
    def __init__(self, w):
        self.weights = w
        self.biases = np.ones((1, w.shape[1]), np.float16)


class Activation_ReLU:
    pass


class Activation_Softmax:
    pass


def main():
    HERE.mkdir(parents=True, exist_ok=True)
    layers = [Layer_Dense(W1), Activation_ReLU(), Layer_Dense(W2), Activation_Softmax()]
    for protocol in (0, 2, 4, 5):
        (HERE / f"objects-{protocol}").write_bytes(pickle.dumps(layers, protocol))
    for protocol in (1, 3):
        (HERE / f"tuples-{protocol}").write_bytes(
            pickle.dumps([(W1, np.zeros((1, 3), ">f4")), (W2, np.zeros(2))], protocol))
    save_file({"fc1.weight": np.ascontiguousarray(W1.T), "fc1.bias": np.zeros(3, np.float32),
               "fc2.weight": np.ascontiguousarray(W2.T)}, HERE / "safetensors")
    state = collections.OrderedDict(
        [("0.weight", torch.tensor(W1.T.copy())), ("0.bias", torch.zeros(3)),
         ("2.weight", torch.tensor(W2.T.copy()).bfloat16().t().contiguous().t())])
    torch.save(state, HERE / "torch-former", _use_new_zipfile_serialization=False)
    torch.save(state, HERE / "whole")
    with zipfile.ZipFile(HERE / "whole") as whole, \
            zipfile.ZipFile(HERE / "torch", "w", zipfile.ZIP_STORED) as small:
        for name in whole.namelist():  # without PyTorch's padding: small is better to change
            if name.endswith((".pkl", "byteorder")) or "/data/" in name:
                info = zipfile.ZipInfo(name.split("/", 1)[1], (1980, 1, 1, 0, 0, 0))
                small.writestr(info, whole.read(name))
    (HERE / "whole").unlink()
    # everything else a pickle may say, and what it may not
    (HERE / "call").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    (HERE / "instance").write_bytes(b"(S'true'\nios\nsystem\n.")
    (HERE / "memo").write_bytes(b"\x80\x02]r\xff\xff\xff\xff.")
    (HERE / "itself").write_bytes(b"\x80\x02]q\x00h\x00a}q\x01(X\x01\x00\x00\x00ah\x01h\x00h\x00u.")
    (HERE / "deep").write_bytes(b"\x80\x02" + b"]" * 150 + b"a" * 149 + b".")
    (HERE / "claims").write_bytes(b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7fab.")
    (HERE / "long").write_bytes(b"\x80\x02\x8b\xff\xff\xff\x7f\x01.")
    (HERE / "numbers").write_bytes(b"\x80\x02(I01\nI-5\nL12L\nF1.5\nV\\u00e9a\nS'\\x41\\n'\n"
                                   b"J\x01\x00\x00\x80M\x01\x02K\x07\x8a\x02\xff\x7fG?\xf0\0\0\0\0\0\0l.")
    bomb = b"\x80\x02]q\x00"  # every list holds the one before twice
    for i in range(1, 40):
        bomb += b"](h" + bytes([i - 1]) + b"h" + bytes([i - 1]) + b"eq" + bytes([i])
    (HERE / "laughs").write_bytes(bomb + b".")


if __name__ == "__main__":
    main()
