"""Goldens of single layers in float64, written to ops.json by `generate.py ops`.

Operands are `formula.uniform(tag, shape) * scale + shift` with tag, shape, scale and shift given in the file, or
explicit `values` where the point is a special value. Results are flat, row-major in PyTorch's own order. Gradients
are those of sum(y * dy) for layers, and of the mean loss for losses.
"""

import itertools

import torch
from torch import nn

from formula import uniform


class Case:
    """One entry of ops.json: attributes, operands, results."""

    tags = itertools.count(500)

    def __init__(self, op, **attributes):
        self.entry = {"op": op, **attributes, "inputs": {}, "outputs": {}}

    def input(self, name, shape, scale=1.0, shift=0.0):
        tag = next(Case.tags)
        self.entry["inputs"][name] = {"tag": tag, "shape": list(shape), "scale": scale, "shift": shift}
        return (uniform(tag, shape) * scale + shift).requires_grad_()

    def values(self, name, values):
        self.entry["inputs"][name] = {"shape": [len(values)], "values": values}
        return torch.tensor(values, dtype=torch.float64).requires_grad_()

    def output(self, name, x):
        self.entry["outputs"][name] = {"shape": list(x.shape), "values": x.detach().flatten().tolist()}

    def gradients(self, y, dy, **wrt):
        grads = torch.autograd.grad((y * dy).sum(), list(wrt.values()))
        for name, value in zip(wrt, grads):
            self.output(f"d{name}", value)


def convolution(op, x, channels, kernel, stride, padding, output_padding=0):
    """Conv2d or ConvTranspose2d with bias; `channels` out of the layer."""
    function = {"conv2d": nn.functional.conv2d, "conv_transpose2d": nn.functional.conv_transpose2d}[op]
    geometry = {"stride": stride, "padding": padding}
    if op == "conv_transpose2d":
        geometry["output_padding"] = output_padding
        shape = (x[1], channels, kernel, kernel)
    else:
        shape = (channels, x[1], kernel, kernel)
    case = Case(op, kernel=kernel, **geometry)
    x, w, b = case.input("x", x), case.input("w", shape, 0.25), case.input("b", (channels,), 0.1)
    y = function(x, w, b, **geometry)
    case.output("y", y)
    case.gradients(y, case.input("dy", tuple(y.shape)), x=x, w=w, b=b)
    return case.entry


def batch_norm(layer, shape):
    """Two training passes on different batches: outputs and gradients of each, running statistics after both."""
    layer = layer.double().train()
    case = Case(f"batch_norm{len(shape) // 2}d", eps=layer.eps, momentum=layer.momentum)
    gamma = case.input("gamma", shape[1:2], 0.1, 1.0)
    beta = case.input("beta", shape[1:2], 0.1)
    layer.weight, layer.bias = nn.Parameter(gamma.detach()), nn.Parameter(beta.detach())
    for n in (1, 2):
        x = case.input(f"x{n}", shape, 1.5, 0.3 * n)
        y = layer(x)
        case.output(f"y{n}", y)
        wrt = {f"x{n}": x, f"gamma{n}": layer.weight, f"beta{n}": layer.bias}
        case.gradients(y, case.input(f"dy{n}", shape), **wrt)
    case.output("running_mean", layer.running_mean)
    case.output("running_var", layer.running_var)
    return case.entry


def loss(op, layer, values, targets):
    """A mean loss and its gradient."""
    case = Case(op)
    x = case.values("x", values)
    y = layer(x, case.values("target", targets).detach())
    case.output("loss", y)
    case.gradients(y, torch.tensor(1.0), x=x)
    return case.entry


def adam(eps):
    """Five steps on gradients small enough for eps to matter; the parameter after each."""
    betas = (0.5, 0.999)
    case = Case("adam", lr=2e-4, betas=list(betas), eps=eps)
    parameter = nn.Parameter(case.input("parameter", (6,)).detach())
    optimiser = torch.optim.Adam([parameter], lr=2e-4, betas=betas, eps=eps)
    for t in range(1, 6):
        parameter.grad = case.input(f"grad{t}", (6,), 10.0 ** (t - 9)).detach()
        optimiser.step()
        case.output(f"parameter{t}", parameter)
    return case.entry


def golden():
    """The content of ops.json. Images are not square, so that a swap of height and width shows."""
    Case.tags = itertools.count(500)
    probabilities = [0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.5, 0.75, 0.25, 1e-50, 1e-13]
    logits = [-50.0, -50.0, 50.0, 50.0, -50.0, 50.0, 0.0, 1.5, -2.5, 0.25, 800.0]
    targets = [0.0, 1.0, 0.0, 1.0, 0.9, 0.1, 1.0, 0.9, 0.1, 1.0, 1.0]
    cases = [
        convolution("conv2d", (2, 2, 6, 8), 3, kernel=4, stride=2, padding=1),
        convolution("conv2d", (2, 3, 4, 5), 2, kernel=3, stride=1, padding=1),
        convolution("conv2d", (2, 2, 7, 8), 1, kernel=7, stride=1, padding=0),
        convolution("conv_transpose2d", (2, 3, 3, 4), 2, kernel=4, stride=2, padding=1),
        convolution("conv_transpose2d", (2, 2, 3, 4), 2, kernel=3, stride=2, padding=1, output_padding=1),
        convolution("conv_transpose2d", (2, 2, 1, 1), 2, kernel=7, stride=1, padding=0),
        batch_norm(nn.BatchNorm2d(2, momentum=0.1), (3, 2, 2, 3)),
        batch_norm(nn.BatchNorm1d(3, 0.8), (5, 3)),
        loss("bce", nn.BCELoss(), probabilities, targets),
        loss("bce_with_logits", nn.BCEWithLogitsLoss(), logits, targets),
        adam(eps=1e-8),
        adam(eps=1e-7),
    ]
    formula = {"tag": 1000, "values": uniform(1000, (4,)).tolist()}
    return {"torch": torch.__version__.split("+")[0], "dtype": "float64", "formula": formula, "cases": cases}
