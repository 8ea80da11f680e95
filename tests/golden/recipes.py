"""The recipes as PyTorch code: networks and training loops, exactly as published.

A network is a flat nn.Sequential, so its parameters are called "0.weight", "0.bias", ...; activations, dropout and
reshapes take an index of their own. A loop is one function that runs one training step on a `run`, which has

    run.G, run.D             the networks, in train mode
    run.reals()              the next batch of reals
    run.noise()              the next draw of noise
    run.update(name, loss)   zero_grad, backward and one optimiser step of network "G" or "D"

so the same loop produces goldens (generate.py) and timings (benches/peers/step.py).
"""

from collections import namedtuple
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Callable

import torch
from torch import nn

from optimisers import AdamKeras

# Losses as tensors; p_real, p_fake: D's outputs on reals and fakes in D's (last) step, before that step's update.
Step = namedtuple("Step", "d_loss g_loss p_real p_fake")


@dataclass(frozen=True)
class Clear:
    """How close a golden's float64 run may come to what rounding can turn around; see generate.py."""

    kink: float = 3e-6  # every ReLU's input of step 1, which starts from the same weights
    later_kink: float = 3e-6  # and of the steps that carry the rounding of earlier ones
    sign: float = 0.0  # every element of a first gradient
    linear_sign: float = 0.0  # the same for weights of rank 2, which one unit of each sample has, not many pixels


@dataclass(frozen=True)
class Recipe:
    """One published system; `golden_batch` and `golden_steps` keep the goldens quick, `batch` is the published one."""

    networks: Callable  # dropout probability -> (G, D)
    loop: Callable  # run -> Step
    counts: tuple  # parameters of G and of D
    golden_batch: int
    latent: int = 100
    sample: tuple = (1, 28, 28)
    batch: int = 64
    lr: float = 2e-4
    betas: tuple = (0.5, 0.999)
    eps: float = 1e-8
    optimiser: str = "adam"  # PyTorch's, or "adam-keras": Keras' place of eps
    golden_steps: int = 20
    float32_runs: int = 1  # from weights moved by one unit in the last place, all but the first; see generate.py
    first: int = 0  # the golden's first batch of reals and draw of noise; see generate.py
    skips: tuple = ()  # before each step, batches of reals and draws of noise passed over; see choose.py
    clear: Clear = Clear()

    def build(self, dropout):
        """(G, D), with their parameter counts checked against the published ones."""
        nets = self.networks(dropout)
        counts = tuple(sum(p.numel() for p in net.parameters()) for net in nets)
        if counts != self.counts:
            raise SystemExit(f"parameter counts are {counts}, the recipe has {self.counts}")
        return nets

    def optimise(self, net):
        """The recipe's optimiser on one network."""
        kinds = {"adam": torch.optim.Adam, "adam-keras": AdamKeras}
        return kinds[self.optimiser](net.parameters(), lr=self.lr, betas=self.betas, eps=self.eps)

    def adam(self, net, **kwargs):
        """torch.optim.Adam with the recipe's constants, whichever optimiser it has: what is timed (benches/peers)."""
        return torch.optim.Adam(net.parameters(), lr=self.lr, betas=self.betas, eps=self.eps, **kwargs)


# ---- networks ----------------------------------------------------------------------------------------------------


def leaky():
    return nn.LeakyReLU(0.2)


def up(a, b):
    """ConvTranspose2d that doubles the image."""
    return nn.ConvTranspose2d(a, b, 4, 2, 1)


def down(a, b):
    """Conv2d that halves the image."""
    return nn.Conv2d(a, b, 4, 2, 1)


def image():
    return nn.Unflatten(1, (1, 28, 28))


def keras_mlp(dropout):
    g, d = [], [nn.Flatten()]
    for a, b in [(100, 256), (256, 512), (512, 1024)]:
        g += [nn.Linear(a, b), leaky()]
    g += [nn.Linear(1024, 784), nn.Tanh(), image()]
    for a, b in [(784, 1024), (1024, 512), (512, 256)]:
        d += [nn.Linear(a, b), leaky(), nn.Dropout(dropout)]
    d += [nn.Linear(256, 1), nn.Sigmoid()]
    return nn.Sequential(*g), nn.Sequential(*d)


def dcgan(dropout):
    g = [nn.Linear(100, 12544), nn.BatchNorm1d(12544), nn.ReLU(), nn.Unflatten(1, (256, 7, 7))]
    g += [up(256, 128), nn.BatchNorm2d(128), nn.ReLU()]
    g += [up(128, 64), nn.BatchNorm2d(64), nn.ReLU()]
    g += [nn.Conv2d(64, 1, 3, 1, 1), nn.Tanh()]
    d = [down(1, 64), leaky(), nn.Dropout2d(dropout)]
    d += [down(64, 128), nn.BatchNorm2d(128), leaky(), nn.Dropout2d(dropout)]
    d += [nn.Flatten(), nn.Linear(6272, 1), nn.Sigmoid()]
    return nn.Sequential(*g), nn.Sequential(*d)


def mlp_generator():
    g = [nn.Linear(100, 128), leaky()]
    for a, b in [(128, 256), (256, 512), (512, 1024)]:
        # 0.8 was meant as a momentum; as published it is eps.
        g += [nn.Linear(a, b), nn.BatchNorm1d(b, 0.8), leaky()]
    return nn.Sequential(*g, nn.Linear(1024, 784), nn.Tanh(), image())


def mlp(_dropout):
    d = [nn.Flatten(), nn.Linear(784, 512), leaky(), nn.Linear(512, 256), leaky(), nn.Linear(256, 1), nn.Sigmoid()]
    return mlp_generator(), nn.Sequential(*d)


def mlp_relu(_dropout):
    d = [nn.Flatten()]
    for a, b in [(784, 512), (512, 256), (256, 128), (128, 1)]:
        d += [nn.Linear(a, b), nn.ReLU()]
    return mlp_generator(), nn.Sequential(*d, nn.Sigmoid())


def gauss1d(_dropout):
    def body(a):
        return [nn.Linear(a, 50), nn.ReLU(), nn.Linear(50, 50), nn.ReLU(), nn.Linear(50, 1)]

    return nn.Sequential(*body(10)), nn.Sequential(*body(1), nn.Sigmoid())


def dcgan_light(_dropout):
    g = [nn.Unflatten(1, (100, 1, 1)), nn.ConvTranspose2d(100, 128, 7, 1, 0), nn.BatchNorm2d(128), nn.ReLU()]
    g += [up(128, 64), nn.BatchNorm2d(64), nn.ReLU(), up(64, 1), nn.Tanh()]
    d = [down(1, 64), leaky(), down(64, 128), nn.BatchNorm2d(128), leaky()]
    d += [nn.Conv2d(128, 1, 7, 1, 0), nn.Flatten(), nn.Sigmoid()]
    return nn.Sequential(*g), nn.Sequential(*d)


def up_bare(a, b):
    """up without a bias."""
    return nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False)


def down_bare(a, b):
    """down without a bias."""
    return nn.Conv2d(a, b, 4, 2, 1, bias=False)


def dcgan64(_dropout):
    g = [nn.Unflatten(1, (100, 1, 1)), nn.ConvTranspose2d(100, 512, 4, 1, 0, bias=False)]
    for a, b in [(512, 256), (256, 128), (128, 64), (64, 3)]:
        g += [nn.BatchNorm2d(a), nn.ReLU(), up_bare(a, b)]
    d = [down_bare(3, 64), leaky()]
    for a, b in [(64, 128), (128, 256), (256, 512)]:
        d += [down_bare(a, b), nn.BatchNorm2d(b), leaky()]
    d += [nn.Conv2d(512, 1, 4, 1, 0, bias=False), nn.Flatten(), nn.Sigmoid()]
    return nn.Sequential(*g, nn.Tanh()), nn.Sequential(*d)


# ---- loops -------------------------------------------------------------------------------------------------------


def bce(p, target):
    """nn.BCELoss (each log clamped at -100) against one target for the whole batch."""
    return nn.functional.binary_cross_entropy(p, torch.full_like(p, target))


@contextmanager
def frozen(net):
    """Keras' trainable = False: no gradients for these weights, gradients through them."""
    net.requires_grad_(False)
    yield
    net.requires_grad_(True)


def step_keras_mlp(run):
    """D on reals, update; D on fakes, update; then G through the frozen D on the same noise, fakes recomputed."""
    z = run.noise()
    with torch.no_grad():
        fake = run.G(z)
    p_real = run.D(run.reals())
    real_loss = bce(p_real, 1.0)
    run.update("D", real_loss)
    p_fake = run.D(fake)
    fake_loss = bce(p_fake, 0.0)
    run.update("D", fake_loss)
    with frozen(run.D):
        g_loss = bce(run.D(run.G(z)), 1.0)
        run.update("G", g_loss)
    return Step((real_loss + fake_loss) / 2, g_loss, p_real, p_fake)


def step_dcgan(run):
    """D on reals and fake.detach(), one update of the sum; G through the updated D on the same fake graph."""
    fake = run.G(run.noise())
    p_real, p_fake = run.D(run.reals()), run.D(fake.detach())
    d_loss = bce(p_real, 1.0) + bce(p_fake, 0.0)
    run.update("D", d_loss)
    g_loss = bce(run.D(fake), 1.0)
    run.update("G", g_loss)
    return Step(d_loss, g_loss, p_real, p_fake)


def step_g_first(run):
    """G first; then D, on half the sum, with the fakes made before G's update."""
    fake = run.G(run.noise())
    g_loss = bce(run.D(fake), 1.0)
    run.update("G", g_loss)
    p_real, p_fake = run.D(run.reals()), run.D(fake.detach())
    d_loss = (bce(p_real, 1.0) + bce(p_fake, 0.0)) / 2
    run.update("D", d_loss)
    return Step(d_loss, g_loss, p_real, p_fake)


def step_fresh(run, one=1.0, zero=0.0):
    """D on reals and detached fakes, one update of the sum; then G with fresh noise."""
    fake = run.G(run.noise()).detach()
    p_real, p_fake = run.D(run.reals()), run.D(fake)
    d_loss = bce(p_real, one) + bce(p_fake, zero)
    run.update("D", d_loss)
    g_loss = bce(run.D(run.G(run.noise())), one)
    run.update("G", g_loss)
    return Step(d_loss, g_loss, p_real, p_fake)


def step_smoothed(run):
    """As step_fresh, with targets 0.9 and 0.1, and 0.9 for G."""
    return step_fresh(run, one=0.9, zero=0.1)


def step_gauss1d(run):
    """Five D updates, each on fresh reals and fresh fakes, to one G update on fresh noise; -log(p + 1e-8)."""

    def minus_log(p):
        return -torch.log(p + 1e-8).mean()

    for _ in range(5):
        fake = run.G(run.noise()).detach()
        p_real, p_fake = run.D(run.reals()), run.D(fake)
        d_loss = minus_log(p_real) + minus_log(1.0 - p_fake)
        run.update("D", d_loss)
    g_loss = minus_log(run.D(run.G(run.noise())))
    run.update("G", g_loss)
    return Step(d_loss, g_loss, p_real, p_fake)


RECIPES = {
    "keras-mlp": Recipe(
        keras_mlp,
        step_keras_mlp,
        (1_486_352, 1_460_225),
        16,
        batch=128,
        eps=1e-7,
        optimiser="adam-keras",
        first=890000,
    ),
    "dcgan": Recipe(
        dcgan,
        step_dcgan,
        (1_948_545, 138_817),
        8,
        float32_runs=8,
        skips=(440, 239, 34, 51, 157, 204, 174, 188, 78, 10, 106, 119, 39, 66, 11, 288, 24, 98, 62, 14),
        clear=Clear(later_kink=5e-6, sign=5e-6, linear_sign=1e-6),
    ),
    "mlp": Recipe(mlp, step_fresh, (1_510_032, 533_505), 16, first=14000),
    "mlp-g-first": Recipe(mlp, step_g_first, (1_510_032, 533_505), 16, first=35000),
    "mlp-relu": Recipe(mlp_relu, step_g_first, (1_510_032, 566_273), 16, lr=1e-4, betas=(0.9, 0.999), first=16000),
    "gauss1d": Recipe(
        gauss1d, step_gauss1d, (3_151, 2_701), 64, latent=10, sample=(1,), lr=1e-3, betas=(0.9, 0.999), first=40000
    ),
    "dcgan-light": Recipe(
        dcgan_light,
        step_smoothed,
        (759_873, 138_817),
        8,
        float32_runs=8,
        skips=(1780, 5, 8, 12, 35, 46, 25, 4, 6, 44, 5, 1, 14, 10, 34, 5, 52, 6, 22, 26),
        clear=Clear(later_kink=5e-6, sign=5e-6),
    ),
    "dcgan64": Recipe(
        dcgan64,
        step_smoothed,
        (3_576_704, 2_765_568),
        2,
        sample=(3, 64, 64),
        golden_steps=3,
        float32_runs=8,
        clear=Clear(kink=1e-7, later_kink=1e-7),
    ),
}
