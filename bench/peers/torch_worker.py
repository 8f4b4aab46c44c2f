"""torch_worker.py: PyTorch on the CPU among the peers. Variants:

training   eager      forward, backward and the optimizer's ordinary step
           fused      the same with the optimizer's fused step
           compile    forward and loss by torch.compile, the optimizer fused
           bytes      as fused, samples kept as bytes and converted batch by batch
inference  eager      under torch.inference_mode
           jit        torch.jit.trace, frozen and optimized for inference
           compile    torch.compile with frozen weights

Calls go through Python, as they do for its users: that is part of the time of a small call."""
import numpy as np
import torch
from torch import nn

import worker


def module(job):
    """The network up to its last activation, which the losses bring themselves."""
    parts = []
    for (weights, bias), (_, activation, dropout) in zip(job.pairs, job.layers):
        linear = nn.Linear(*weights.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weights.T.copy()))
            linear.bias.copy_(torch.from_numpy(bias.copy()))
        parts.append(linear)
        if activation in ("relu", "tanh"):
            parts.append(nn.ReLU() if activation == "relu" else nn.Tanh())
        if dropout:
            parts.append(nn.Dropout(dropout))
    return nn.Sequential(*parts)


class PyTorch:
    def __init__(self, job, training, threads, variant):
        torch.set_num_threads(threads)
        torch.manual_seed(1)
        self.version = f"PyTorch {torch.__version__}"
        self.job, self.variant = job, variant
        self.net = module(job)
        self.last = nn.Sigmoid() if job.outputs == 1 else nn.Softmax(dim=1)
        if training:
            self.open_training()
        else:
            self.whole = nn.Sequential(self.net, self.last).eval()
            self.mode = torch.inference_mode()
            self.mode.__enter__()  # once, for all calls

    def open_training(self):
        job = self.job
        self.x = torch.from_numpy(job.bytes if self.variant == "bytes" else job.floats())
        y = torch.from_numpy(job.y)
        self.y = y.float().unsqueeze(1) if job.outputs == 1 else y.long()
        loss = nn.BCEWithLogitsLoss() if job.outputs == 1 else nn.CrossEntropyLoss()
        maker = torch.optim.Adam if job.optimizer == "adam" else torch.optim.SGD
        self.optimizer = maker(self.net.parameters(), lr=job.rate, fused=self.variant != "eager")
        net = self.net

        def forward(x, y):
            return loss(net(x), y)

        # dynamic=False: the smaller last batch gets code of its own
        self.forward = (torch.compile(forward, dynamic=False) if self.variant == "compile"
                        else forward)

    def train(self, order):
        self.net.train()
        order = torch.from_numpy(order.astype(np.int64))
        for first in range(0, len(order), self.job.batch):
            rows = order[first:first + self.job.batch]
            x = self.x[rows]
            if self.variant == "bytes":
                x = x.float().div_(127.5).sub_(1.0)
            self.optimizer.zero_grad(set_to_none=True)
            self.forward(x, self.y[rows]).backward()
            self.optimizer.step()

    def prepare(self, rows):
        if hasattr(self, "x"):
            return
        if self.variant == "eager":
            self.call = self.whole
        elif self.variant == "jit":
            traced = torch.jit.freeze(torch.jit.trace(self.whole, self.inputs(rows)))
            self.call = torch.jit.optimize_for_inference(traced)
        else:
            torch._dynamo.reset()
            self.call = torch.compile(self.whole, dynamic=False, options={"freezing": True})

    def inputs(self, rows):
        return torch.from_numpy(self.job.inputs(0, rows))

    def outputs(self, first, rows):
        if not hasattr(self, "x"):
            return self.call(torch.from_numpy(self.job.inputs(first, rows))).numpy()
        with torch.inference_mode():
            x = self.x[first:first + rows]
            if self.variant == "bytes":
                x = x.float().div_(127.5).sub_(1.0)
            self.net.eval()
            return self.last(self.net(x)).numpy()

    def predict(self, x):
        return self.call(x)


if __name__ == "__main__":
    worker.main(PyTorch)
