"""Goldens of functions of tensors in float64, written to functions.json by `generate.py functions`.

Operands are as in ops.json. Of a function y there are its value, the gradients `d…` of L = sum(y * dy) with respect to
each operand, and of the second order the derivatives `dd…` of sum(d… * v…), summed over the operands, with respect to
each operand and to dy: for directions v… of the file's formula.
"""

import itertools
import math

import torch
from torch.nn import functional as F

import ops
from formula import uniform


class Case(ops.Case):
    """One entry of functions.json."""

    tags = itertools.count(6000)

    def input(self, name, shape, scale=1.0, shift=0.0):
        tag = next(Case.tags)
        self.entry["inputs"][name] = {"tag": tag, "shape": list(shape), "scale": scale, "shift": shift}
        return (uniform(tag, shape) * scale + shift).requires_grad_()


def function(op, f, *operands, labels=None, **attributes):
    """`f` of operands (shape, scale, shift), which are called a, b, … in that order; `labels` come last."""
    case = Case(op, **attributes)
    x = {name: case.input(name, *operand) for name, operand in zip("abc", operands)}
    arguments = list(x.values())
    if labels is not None:
        arguments.append(case.values("labels", labels).detach())
    y = f(*arguments)
    case.output("y", y)
    if not y.requires_grad:
        return case.entry
    x["y"] = case.input("dy", tuple(y.shape))
    first = gradients((y * x["y"]).sum(), x)
    directional = torch.zeros((), dtype=torch.float64)
    for name in list(x)[:-1]:
        case.output(f"d{name}", first[name])
        directional = directional + (first[name] * case.input(f"v{name}", tuple(x[name].shape)).detach()).sum()
    for name, value in gradients(directional, x).items():
        case.output(f"dd{name}", value)
    return case.entry


def gradients(y, x):
    """Of `y`, with zeros where it does not depend on an operand."""
    if not y.requires_grad:
        return {name: torch.zeros_like(value) for name, value in x.items()}
    found = torch.autograd.grad(y, list(x.values()), create_graph=True, allow_unused=True)
    return {name: torch.zeros_like(x[name]) if g is None else g for name, g in zip(x, found)}


def unary():
    wide, unit = 3.0, 1.0
    functions = {
        "floor": torch.floor,
        "ceil": torch.ceil,
        "round": torch.round,
        "sin": torch.sin,
        "cos": torch.cos,
        "erf": torch.erf,
        "gelu": F.gelu,
        "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    }
    for shape, (op, f) in zip(itertools.cycle([(7,), (3, 5), (2, 3, 4)]), functions.items()):
        yield function(op, f, (shape, wide))
    for alpha in (1.0, 0.7):
        yield function("elu", lambda x: F.elu(x, alpha), ((4, 5), wide), alpha=alpha)
    yield function("clip", lambda x: x.clamp(-0.3, 0.4), ((5, 4), unit), low=-0.3, high=0.4)


def binary():
    two = [((3, 4),), ((3, 4),)]
    functions = {
        "less": torch.lt,
        "less_equal": torch.le,
        "greater": torch.gt,
        "greater_equal": torch.ge,
        "equal": torch.eq,
        "not_equal": torch.ne,
        "minimum": torch.minimum,
        "maximum": torch.maximum,
    }
    for op, f in functions.items():
        yield function(op, lambda a, b: f(a, b).to(torch.float64), *two)
    yield function("pow", torch.pow, ((2, 5), 0.9, 1.0), ((2, 5), 3.0))
    yield function("select", lambda c, a, b: torch.where(c > 0, a.square(), b.sin()), ((6, 2),), ((6, 2),), ((6, 2),))


def shapes():
    x = ((3, 4, 5), 2.0)
    for axis in range(3):
        yield function("softmax", lambda a: a.softmax(axis), x, axis=axis)
        yield function("log_softmax", lambda a: a.log_softmax(axis), x, axis=axis)
        yield function("argmax", lambda a: a.detach().argmax(axis, keepdim=True), x, axis=axis)
        yield function("argmin", lambda a: a.detach().argmin(axis, keepdim=True), x, axis=axis)
        yield function("flip", lambda a: a.flip(axis), x, axis=axis)
    for axes in ([0], [1, 2], [0, 1, 2]):
        yield function("min_axes", lambda a: a.amin(axes, keepdim=True), x, axes=axes)
        yield function("max_axes", lambda a: a.amax(axes, keepdim=True), x, axes=axes)
    yield function("slice_step", lambda a: a[:, 1::2], x, axis=1, start=1, step=2, len=2)
    yield function("slice_step", lambda a: a.flip(2)[:, :, ::3], x, axis=2, start=4, step=-3, len=2)
    yield function("one_hot", lambda y: F.one_hot(y.long(), 4), labels=[3.0, 0.0, 1.0], classes=4)
    yield function("cross_entropy", lambda x, y: F.cross_entropy(x, y.long()), ((4, 3), 3.0), labels=[2.0, 0.0, 0.0, 1.0])
    for size, shape in ((2, (2, 3, 4, 6)), (3, (1, 2, 7, 5))):
        yield function("max_pool2", lambda x: F.max_pool2d(x, size), (shape,), size=size)


def products():
    for a, b in [
        ((4,), (4,)),
        ((4,), (4, 3)),
        ((2, 4), (4,)),
        ((4,), (2, 4, 3)),
        ((3, 2, 4), (4,)),
        ((3, 2, 4), (4, 5)),
        ((2, 4), (3, 4, 5)),
        ((2, 1, 3, 4), (5, 4, 2)),
        ((2, 3, 2, 4), (2, 3, 4, 2)),
    ]:
        yield function("matmul", torch.matmul, (a,), (b,))


def golden():
    """The content of functions.json."""
    Case.tags = itertools.count(6000)
    cases = [*unary(), *binary(), *shapes(), *products()]
    for case in cases:
        for name, output in case["outputs"].items():
            assert all(map(math.isfinite, output["values"])), (case["op"], name)
    return {"torch": torch.__version__.split("+")[0], "dtype": "float64", "cases": cases}
