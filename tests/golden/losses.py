"""Goldens of the losses of GANs and of the penalties on a critic's slope, in float64, written to losses.json by
`generate.py losses`.

A loss is of `real` and `fake`, `formula.uniform(6000, 6001) * 2` of six answers: D's and G's value, and the gradient of D's in
both and of G's in the fakes.

A penalty is of the critic Conv2d(2, 3, 3), LeakyReLU(0.2), Flatten, Linear(27, 1) with the parameters that formula.fill gives a
discriminator, at reals `uniform(6002)` and fakes `uniform(6003)`, [4, 2, 5, 5], with alpha `(uniform(6004) + 1) / 2`: its value, the
norms of the slopes, and its gradient in each parameter.
"""

import torch
from torch import nn
from torch.nn.functional import softplus

from formula import D_TAG, fill, uniform
from loops import rows_norm, slopes

LOSSES = {
    "wasserstein": (lambda x, g: g.mean() - x.mean(), lambda x, g: -g.mean()),
    "least-squares": (
        lambda x, g: (x - 1).square().mean() / 2 + g.square().mean() / 2,
        lambda x, g: (g - 1).square().mean() / 2,
    ),
    "hinge": (lambda x, g: (1 - x).relu().mean() + (1 + g).relu().mean(), lambda x, g: -g.mean()),
    "logistic": (lambda x, g: softplus(-x).mean() + softplus(g).mean(), lambda x, g: softplus(-g).mean()),
    "saturating": (lambda x, g: softplus(-x).mean() + softplus(g).mean(), lambda x, g: -softplus(g).mean()),
    "relativistic": (lambda x, g: softplus(g - x).mean(), lambda x, g: softplus(x.detach() - g).mean()),
}

PENALTIES = ("gradient", "r1", "r2", "r1-r2")


def loss(name):
    d, g = LOSSES[name]
    real, fake = ((uniform(tag, (6, 1)) * 2).requires_grad_() for tag in (6000, 6001))
    d_loss, g_loss = d(real, fake), g(real, fake)
    by_real, by_fake = torch.autograd.grad(d_loss, [real, fake])
    (g_by_fake,) = torch.autograd.grad(g_loss, fake)
    flat = {"d_by_real": by_real, "d_by_fake": by_fake, "g_by_fake": g_by_fake}
    return {"loss": name, "d": d_loss.item(), "g": g_loss.item()} | {k: x.flatten().tolist() for k, x in flat.items()}


def penalty(kind):
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(27, 1)).double()
    fill(net, D_TAG)
    real, fake = uniform(6002, (4, 2, 5, 5)), uniform(6003, (4, 2, 5, 5))
    alpha = (uniform(6004, (4, 1, 1, 1)) + 1) / 2
    if kind == "gradient":
        norms = rows_norm(slopes(net, alpha * real + (1 - alpha) * fake))
        value = 10 * (norms - 1).square().mean()
    else:
        points = {"r1": [real], "r2": [fake], "r1-r2": [real, fake]}[kind]
        all_norms = [rows_norm(slopes(net, x)) for x in points]
        norms = all_norms[0]
        value = sum(10 / 2 * n.square().mean() for n in all_norms)
    by = torch.autograd.grad(value, list(net.parameters()), allow_unused=True, materialize_grads=True)
    return {"penalty": kind, "value": value.item(), "norms": norms.tolist(), "by": [x.flatten().tolist() for x in by]}


def golden():
    """The content of losses.json."""
    cases = [*map(loss, LOSSES), *map(penalty, PENALTIES)]
    return {"torch": torch.__version__.split("+")[0], "dtype": "float64", "cases": cases}
