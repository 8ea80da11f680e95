"""Goldens of the optimisers in float64, written to optim.json by `generate.py optim`.

Ten steps of two parameters, of `formula.uniform(5000 + k)`, with gradients `formula.uniform(5100 + 10 t + k) * scales[t]` in
step t = 0, 1, ...; `after` has both parameters, flat, after so many steps. Gradients reach from far below eps to far above 1.

An entry's `optim` is a configuration of Detach's. Keras' Adam is not in PyTorch; it is its formula in numpy.
"""

import math

import torch

from formula import uniform

SHAPES = [(4, 3), (5,)]
SHOWN = (1, 2, 3, 10)
SCALES = [1e-4, 1.0, 0.01, 30.0, 1e-3, 0.1, 3.0, 1e-5, 0.3, 1.0]
PARAMETER_TAG, GRADIENT_TAG = 5000, 5100

CASES = {
    "Adam": {"kind": "adam", "lr": 2e-4, "beta1": 0.5, "beta2": 0.999, "eps": 1e-8},
    "Adam, weight decay": {"kind": "adam", "lr": 1e-2, "beta1": 0.9, "beta2": 0.99, "eps": 1e-4, "weight-decay": 0.1},
    "AMSGrad": {"kind": "adam", "lr": 1e-2, "beta1": 0.5, "beta2": 0.9, "eps": 1e-8, "amsgrad": True},
    "Keras' Adam": {"kind": "adam-keras", "lr": 1e-2, "beta1": 0.5, "beta2": 0.999, "eps": 1e-4},
    "RMSprop": {"kind": "rmsprop", "lr": 5e-3, "eps": 1e-8, "alpha": 0.99},
    "RMSprop, centred, momentum, weight decay": {
        "kind": "rmsprop",
        "lr": 5e-3,
        "eps": 1e-3,
        "alpha": 0.9,
        "momentum": 0.7,
        "centred": True,
        "weight-decay": 0.05,
    },
    "SGD": {"kind": "sgd", "lr": 0.01},
    "SGD, momentum, dampening": {"kind": "sgd", "lr": 0.01, "momentum": 0.9, "dampening": 0.3},
    "SGD, Nesterov, weight decay": {
        "kind": "sgd",
        "lr": 0.01,
        "momentum": 0.9,
        "nesterov": True,
        "weight-decay": 0.1,
    },
    "clip_grad_norm_": {"kind": "sgd", "lr": 0.1, "clip-norm": 0.5},
    "clip_grad_value_": {"kind": "rmsprop", "lr": 0.01, "eps": 1e-8, "alpha": 0.9, "clip-value": 0.2},
}


class KerasAdam:
    """p -= lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + eps)."""

    def __init__(self, parameters, lr, beta1, beta2, eps):
        self.parameters, self.lr, self.beta1, self.beta2, self.eps = parameters, lr, beta1, beta2, eps
        self.m = [p.detach().numpy() * 0.0 for p in parameters]
        self.v = [p.detach().numpy() * 0.0 for p in parameters]
        self.t = 0

    def step(self):
        self.t += 1
        size = self.lr * math.sqrt(1.0 - self.beta2**self.t) / (1.0 - self.beta1**self.t)
        for i, parameter in enumerate(self.parameters):
            g = parameter.grad.numpy()
            self.m[i] = self.beta1 * self.m[i] + (1.0 - self.beta1) * g
            self.v[i] = self.beta2 * self.v[i] + (1.0 - self.beta2) * g * g
            parameter.data -= torch.from_numpy(size * self.m[i] / (self.v[i] ** 0.5 + self.eps))


def optimiser(parameters, optim):
    """What PyTorch has for a configuration."""
    o = dict(optim)
    kind, lr, decay = o.pop("kind"), o.pop("lr"), o.pop("weight-decay", 0.0)
    o.pop("clip-norm", None), o.pop("clip-value", None)
    if "centred" in o:
        o["centered"] = o.pop("centred")
    if kind == "adam-keras":
        return KerasAdam(parameters, lr, **o)
    if kind == "adam":
        o["betas"] = (o.pop("beta1"), o.pop("beta2"))
    of_kind = {"adam": torch.optim.Adam, "rmsprop": torch.optim.RMSprop, "sgd": torch.optim.SGD}[kind]
    return of_kind(parameters, lr=lr, weight_decay=decay, **o)


def case(name, optim):
    """One entry of optim.json."""
    parameters = [torch.nn.Parameter(uniform(PARAMETER_TAG + k, shape)) for k, shape in enumerate(SHAPES)]
    by = optimiser(parameters, optim)
    after = {}
    for t, scale in enumerate(SCALES):
        for k, parameter in enumerate(parameters):
            parameter.grad = uniform(GRADIENT_TAG + 10 * t + k, SHAPES[k]) * scale
        if "clip-norm" in optim:
            torch.nn.utils.clip_grad_norm_(parameters, optim["clip-norm"])
        if "clip-value" in optim:
            torch.nn.utils.clip_grad_value_(parameters, optim["clip-value"])
        by.step()
        if t + 1 in SHOWN:
            after[str(t + 1)] = [parameter.detach().flatten().tolist() for parameter in parameters]
    return {"name": name, "optim": optim, "after": after}


def golden():
    """The content of optim.json."""
    return {
        "torch": torch.__version__.split("+")[0],
        "dtype": "float64",
        "shapes": [list(shape) for shape in SHAPES],
        "scales": SCALES,
        "cases": [case(name, optim) for name, optim in CASES.items()],
    }
