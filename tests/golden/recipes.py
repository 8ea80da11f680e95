"""The recipes as PyTorch code: training loops exactly as published, on the networks of networks.py.

A loop is one function that runs one training step on a `run`, which has

    run.G, run.D             the networks, in train mode
    run.reals()              the next batch of reals
    run.noise()              the next draw of noise
    run.uniform(*shape)      the next draw, of numbers from [0, 1)
    run.k                    a number that the loop keeps, from 0
    run.update_both(losses)  one optimiser step of each network on its own loss, both gradients taken first
    run.labels()             the classes of the batch that was taken last
    run.classes()            the next draw, of a class for each sample
    run.update(name, loss)   zero_grad, backward and one optimiser step of network "G" or "D"

so the same loop produces goldens (generate.py) and timings (benches/peers/step.py).
"""

from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Callable

import torch
from torch import nn

from formula import is_batch_norm
from networks import began, cgan, cgan_planes, critic, dcgan, dcgan64, dcgan_light, gauss1d, keras_mlp, least_squares, mlp
from networks import mlp_relu, sagan
from optimisers import AdamKeras


@dataclass(frozen=True)
class Step:
    """Losses as tensors; D's outputs on reals and fakes in D's (last) step, before that step's update, where they are
    probabilities; what else the step tells, by name."""

    d_loss: torch.Tensor
    g_loss: torch.Tensor
    p_real: torch.Tensor = None
    p_fake: torch.Tensor = None
    scalars: dict = field(default_factory=dict)


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
    lr: float | dict = 2e-4  # or by network
    betas: tuple = (0.5, 0.999)
    eps: float = 1e-8
    optimiser: str = "adam"  # PyTorch's, "adam-keras": Keras' place of eps, or "rmsprop", which has eps alone
    golden_steps: int = 20
    float32_steps: int = 0  # how many a float32 run follows before small differences grow; 0 for all
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

    def optimise(self, net, name):
        """The recipe's optimiser on the network "G" or "D"."""
        if self.optimiser == "adam-keras":
            return AdamKeras(net.parameters(), lr=self.lr_of(name), betas=self.betas, eps=self.eps)
        return self.timed(net, name)

    def timed(self, net, name, fused=None, **kwargs):
        """The optimiser of PyTorch's own that is or stands for the recipe's: what is timed (benches/peers)."""
        if self.optimiser == "rmsprop":
            return torch.optim.RMSprop(net.parameters(), lr=self.lr_of(name), eps=self.eps, **kwargs)
        return torch.optim.Adam(
            net.parameters(), lr=self.lr_of(name), betas=self.betas, eps=self.eps, fused=fused, **kwargs
        )

    def lr_of(self, name):
        return self.lr[name] if isinstance(self.lr, dict) else self.lr


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


def slopes(d, x):
    """The gradient of the sum of d in each of the samples x, with a graph."""
    x = x.detach().requires_grad_()
    return torch.autograd.grad(d(x).sum(), x, create_graph=True)[0]


def rows_norm(x):
    """The norm of each sample."""
    return x.flatten(1).norm(2, dim=1)


def scores(on_real, on_fake):
    return {"real_score": on_real.mean(), "fake_score": on_fake.mean()}


def step_wgan(run, fresh):
    """Five critic steps, on one batch of reals or a fresh one each, weights clipped after each; then G on fresh noise."""
    x = run.reals()
    for i in range(5):
        if fresh and i > 0:
            x = run.reals()
        on_real, on_fake = run.D(x), run.D(run.G(run.noise()).detach())
        d_loss = on_fake.mean() - on_real.mean()
        run.update("D", d_loss)
        with torch.no_grad():
            for p in run.D.parameters():
                p.clamp_(-0.01, 0.01)
    fake = run.G(run.noise())
    fake.retain_grad()
    g_loss = -run.D(fake).mean()
    run.update("G", g_loss)
    weights = torch.cat([p.detach().flatten() for p in run.D.parameters()])
    told = {"slope": rows_norm(fake.grad * len(fake)).mean()}
    if not any(is_batch_norm(layer) for layer in run.D):  # whose biases before it go where rounding takes them
        told["clipped"] = (weights.abs() >= 0.01).double().mean()
    return Step(d_loss, g_loss, scalars=scores(on_real, on_fake) | told)


def step_wgan_gp(run, fresh):
    """Five critic steps with a penalty on the slope between reals and fakes; then G on fresh noise."""
    x = run.reals()
    for i in range(5):
        if fresh and i > 0:
            x = run.reals()
        fake = run.G(run.noise()).detach()
        on_real, on_fake = run.D(x), run.D(fake)
        alpha = run.uniform(len(x), 1, 1, 1)
        slope = rows_norm(slopes(run.D, alpha * x + (1 - alpha) * fake))
        penalty = 10 * (slope - 1).square().mean()
        d_loss = on_fake.mean() - on_real.mean() + penalty
        run.update("D", d_loss)
    g_loss = -run.D(run.G(run.noise())).mean()
    run.update("G", g_loss)
    return Step(d_loss, g_loss, scalars=scores(on_real, on_fake) | {"penalty": penalty, "slope": slope.mean()})


def step_lsgan(run):
    """As step_fresh, with halves of squared distances from 1 and 0."""
    on_real, on_fake = run.D(run.reals()), run.D(run.G(run.noise()).detach())
    d_loss = (on_real - 1).square().mean() / 2 + on_fake.square().mean() / 2
    run.update("D", d_loss)
    g_loss = (run.D(run.G(run.noise())) - 1).square().mean() / 2
    run.update("G", g_loss)
    return Step(d_loss, g_loss, scalars=scores(on_real, on_fake))


def step_began(run, gamma):
    """D on L(x) - k L(G(z)) and G on L(G(z)), both gradients before either moves; then k."""
    x = run.reals()
    fake = run.G(run.uniform(len(x), 64) * 2 - 1)
    error_real, error_fake = ((run.D(v) - v).abs().mean() for v in (x, fake))
    d_loss = error_real - run.k * error_fake
    run.update_both({"D": d_loss, "G": error_fake})
    balance = (gamma * error_real - error_fake).detach()
    run.k = (run.k + 0.001 * balance).clamp(0.0, 1.0)
    told = {"real_error": error_real, "fake_error": error_fake, "k": run.k, "convergence": error_real + balance.abs()}
    return Step(d_loss, error_fake, scalars=told)


@contextmanager
def evaluated(parts):
    """Spectral norms that take no iteration."""
    for part in parts:
        part.eval()
    try:
        yield
    finally:
        for part in parts:
            part.train()


def step_sagan(run, always):
    """Hinge loss; spectral norms take an iteration in every pass, or through D in the one on reals alone."""
    parts = [] if always else [m for m in run.D.modules() if isinstance(m, torch.nn.utils.parametrizations._SpectralNorm)]
    x = run.reals()
    fake = run.G(run.noise()).detach()
    on_real = run.D(x)
    with evaluated(parts):
        on_fake = run.D(fake)
    d_loss = (1 - on_real).relu().mean() + (1 + on_fake).relu().mean()
    run.update("D", d_loss)
    with evaluated(parts):
        g_loss = -run.D(run.G(run.noise())).mean()
    run.update("G", g_loss)
    return Step(d_loss, g_loss, scalars=scores(on_real, on_fake))


def step_cgan(run):
    """As step_smoothed, reals with their classes and fakes with classes that are drawn after their noise."""
    x, y = run.reals(), run.labels()
    z, of = run.noise(), run.classes()
    p_real, p_fake = run.D(x, y), run.D(run.G(z, of).detach(), of)
    d_loss = bce(p_real, 0.9) + bce(p_fake, 0.1)
    run.update("D", d_loss)
    z, of = run.noise(), run.classes()
    g_loss = bce(run.D(run.G(z, of), of), 0.9)
    run.update("G", g_loss)
    return Step(d_loss, g_loss, p_real, p_fake)


def zoo(networks, loop, d_count, g_count=759_873, **more):
    """Ten steps of a recipe, on the generator of dcgan-light where nothing else is said."""
    settings = {"golden_batch": 4, "golden_steps": 10, "float32_steps": 3, "float32_runs": 8, "clear": Clear(5e-7, 5e-7, sign=2e-6)}
    return Recipe(networks, loop, (g_count, d_count), **settings | more)


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
    "wgan": zoo(
        dcgan_light,
        partial(step_wgan, fresh=False),
        138_817,
        lr=5e-5,
        optimiser="rmsprop",
        first=1000,
        skips=(98, 0, 6, 2, 0, 0, 0, 0, 0, 0),
    ),
    "wgan-fixed": zoo(
        critic,
        partial(step_wgan, fresh=True),
        138_561,
        lr=5e-5,
        optimiser="rmsprop",
        skips=(122, 0, 5, 1, 1, 0, 3, 0, 1, 0),
    ),
    "wgan-gp": zoo(
        critic,
        partial(step_wgan_gp, fresh=False),
        138_561,
        lr=1e-4,
        betas=(0.0, 0.9),
        skips=(272, 2, 0, 0, 0, 0, 2, 6, 1, 0),
    ),
    "wgan-gp-fixed": zoo(
        critic,
        partial(step_wgan_gp, fresh=True),
        138_561,
        lr=1e-4,
        betas=(0.0, 0.9),
        skips=(3, 0, 2, 0, 1, 0, 3, 0, 0, 1),
    ),
    "lsgan": zoo(
        least_squares,
        step_lsgan,
        138_817,
        skips=(57, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    ),
    "lsgan-fixed": zoo(
        critic,
        step_lsgan,
        138_561,
        skips=(48, 0, 1, 0, 0, 1, 0, 0, 2, 0),
    ),
    "began": zoo(began, partial(step_began, gamma=0.5), 280_529, g_count=65_025, latent=64, lr=1e-4),
    "began-fixed": zoo(began, partial(step_began, gamma=0.75), 280_529, g_count=65_025, latent=64),
    "sagan": zoo(
        sagan,
        partial(step_sagan, always=True),
        143_682,
        g_count=764_994,
        lr={"G": 1e-4, "D": 4e-4},
        betas=(0.0, 0.9),
        skips=(75, 0, 0, 0, 0, 2, 0, 0, 0, 2),
    ),
    "sagan-fixed": zoo(
        sagan,
        partial(step_sagan, always=False),
        143_682,
        g_count=764_994,
        lr={"G": 1e-4, "D": 4e-4},
        betas=(0.0, 0.9),
        skips=(88, 1, 0, 1, 0, 0, 0, 0, 0, 1),
    ),
    "cgan": zoo(
        cgan,
        step_cgan,
        201_537,
        g_count=822_593,
        skips=(43, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    ),
    "cgan-planes": zoo(
        cgan_planes,
        step_cgan,
        149_057,
        g_count=822_593,
        skips=(144, 0, 0, 0, 0, 0, 0, 0, 0, 2),
    ),
}
