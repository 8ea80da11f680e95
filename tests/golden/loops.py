"""Training loops exactly as published, as PyTorch code.

A loop is one function that runs one training step on a `run`, which has

    run.G, run.D             the networks, in train mode
    run.reals()              the next batch of reals
    run.noise()              the next draw of noise
    run.uniform(*shape)      the next draw, of numbers from [0, 1)
    run.k                    a number that the loop keeps, from 0
    run.labels()             the classes of the batch that was taken last
    run.classes()            the next draw, of a class for each sample
    run.step(name, loss)     one optimiser step of network "G" or "D" with the gradients that it has, which are the loss's
    run.update(name, loss)   zero_grad, backward and that step

so the same loop produces goldens (generate.py) and timings (benches/peers/step.py).
"""

from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import nn

from formula import is_batch_norm


@dataclass(frozen=True)
class Step:
    """Losses as tensors; D's outputs on reals and fakes in D's (last) step, before that step's update, where they are
    probabilities; what else the step tells, by name."""

    d_loss: torch.Tensor
    g_loss: torch.Tensor
    p_real: torch.Tensor = None
    p_fake: torch.Tensor = None
    scalars: dict = field(default_factory=dict)


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


def update_both(run, losses):
    """An optimiser step of each network on its own loss, both gradients taken first."""
    nets = {name: list(getattr(run, name).parameters()) for name in losses}
    gradients = {name: torch.autograd.grad(losses[name], nets[name], retain_graph=True) for name in losses}
    for name, loss in losses.items():
        for parameter, gradient in zip(nets[name], gradients[name]):
            parameter.grad = gradient
        run.step(name, loss)


def step_began(run, gamma):
    """D on L(x) - k L(G(z)) and G on L(G(z)), both gradients before either moves; then k."""
    x = run.reals()
    fake = run.G(run.uniform(len(x), 64) * 2 - 1)
    error_real, error_fake = ((run.D(v) - v).abs().mean() for v in (x, fake))
    d_loss = error_real - run.k * error_fake
    update_both(run, {"D": d_loss, "G": error_fake})
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


def step_mlp_cgan(run):
    """G first; then D on reals with their classes and on the fakes made before G's update; squared distances."""
    x, y = run.reals(), run.labels()
    z, of = run.noise(), run.classes()
    fake = run.G(z, of)
    g_loss = (run.D(fake, of) - 1).square().mean()
    run.update("G", g_loss)
    on_real, on_fake = run.D(x, y), run.D(fake.detach(), of)
    d_loss = ((on_real - 1).square().mean() + on_fake.square().mean()) / 2
    run.update("D", d_loss)
    return Step(d_loss, g_loss, scalars=scores(on_real, on_fake))


@contextmanager
def still(net, is_still):
    """Running statistics that do not move, where they are to be still."""
    norms = [m for m in net.modules() if is_still and is_batch_norm(m)]
    for norm in norms:
        norm.momentum = 0.0
    yield
    for norm in norms:
        norm.momentum = 0.1


def step_acgan(run, fixed):
    """As step_cgan, but D is not told the class: its answers 1 to 10 say it. Fixed, D learns the classes of reals alone,
    and its running statistics are still in G's step."""

    def answers(x):
        said = run.D(x)
        return said[:, :1].sigmoid(), said[:, 1:]

    cross_entropy = nn.functional.cross_entropy
    x, y = run.reals(), run.labels()
    z, of = run.noise(), run.classes()
    fake = run.G(z, of).detach()
    (p_real, real_classes), (p_fake, fake_classes) = answers(x), answers(fake)
    real_class_loss = cross_entropy(real_classes, y)
    d_loss = bce(p_real, 0.9) + bce(p_fake, 0.1) + real_class_loss
    if not fixed:
        d_loss = d_loss + cross_entropy(fake_classes, of)
    run.update("D", d_loss)
    z, of = run.noise(), run.classes()
    with still(run.D, fixed):
        p, classes = answers(run.G(z, of))
    fake_class_loss = cross_entropy(classes, of)
    g_loss = bce(p, 0.9) + fake_class_loss
    run.update("G", g_loss)
    told = {"real_class_loss": real_class_loss, "fake_class_loss": fake_class_loss}
    return Step(d_loss, g_loss, p_real, p_fake, told)


def step_infogan(run):
    """As step_fresh with noise and code; D and its q also read the code off detached fakes, and G wants it to be read."""
    x = run.reals()

    def draw():
        return run.uniform(len(x), 62) * 2 - 1, run.classes(), run.uniform(len(x), 2) * 2 - 1

    def surprise(read, y, numbers):
        return nn.functional.cross_entropy(read[:, :10], y), (read[:, 10:12] - numbers).square().sum(1).mean() / 2

    z, *code = draw()
    fake = run.G(z, *code).detach()
    (p_real, _), (p_fake, read) = run.D(x, False), run.D(fake)
    d_loss = bce(p_real, 1.0) + bce(p_fake, 0.0) + sum(surprise(read, *code))
    run.update("D", d_loss)
    z, *code = draw()
    p, read = run.D(run.G(z, *code))
    class_loss, code_loss = surprise(read, *code)
    g_loss = bce(p, 1.0) + class_loss + code_loss
    run.update("G", g_loss)
    return Step(d_loss, g_loss, p_real, p_fake, {"class_loss": class_loss, "code_loss": code_loss})
