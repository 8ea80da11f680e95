"""Where PyTorch's gradients go when a published loop's `detach` is gone or elsewhere, and what PyTorch says of it: detach.json.

One step of each loop in float64, on the numbers of the recipe's golden (step 1). For each turn the loss, and the norm of its
gradient in D's and in G's weights: null where it does not depend on them, or where `torch.autograd.grad` stops because an update
has overwritten what the way needs (overwritten). `says` is what a plain step does, `zero_grad()`, `backward()`, `step()` in each turn;
`retained` is the same with `retain_graph=True`.
"""

from dataclasses import dataclass

import torch

import generate
from loops import bce
from recipes import RECIPES

VARIANTS = {
    "as published": {},
    "detach removed": {"detach_d": False},
    "detach on G's side, too": {"detach_g": True},
    "removed, the fakes computed again for G": {"detach_d": False, "again": "recomputed"},
}


@dataclass(frozen=True)
class Loop:
    """One step of a published loop, with its detach on either side as an argument."""

    again: str  # what the second turn has of the first's fakes: same, recomputed, fresh
    g_first: bool = False
    d_turn: str = "together"  # halved, apart
    d_steps: int = 1
    one: float = 1.0
    zero: float = 0.0
    eps: float = 0.0

    def loss(self, p, label):
        if self.eps:
            return -torch.log((p if label == 1.0 else 1.0 - p) + self.eps).mean()
        return bce(p, label)

    def step(self, run, update, detach_d=True, detach_g=False, again=None):
        """Calls update(name, loss) in each turn."""
        again = again or self.again

        def fakes():
            z = run.noise()
            return z, run.G(z)

        def d_turn(x, fake):
            fake = fake.detach() if detach_d else fake
            if self.d_turn == "apart":
                update("D", self.loss(run.D(x), self.one))
                update("D", self.loss(run.D(fake), self.zero))
                return
            p_real, p_fake = run.D(x), run.D(fake)
            loss = self.loss(p_real, self.one) + self.loss(p_fake, self.zero)
            update("D", loss / 2 if self.d_turn == "halved" else loss)

        def g_turn(fake):
            update("G", self.loss(run.D(fake.detach() if detach_g else fake), self.one))

        def second(z, fake):
            return {"same": lambda: fake, "recomputed": lambda: run.G(z), "fresh": lambda: fakes()[1]}[again]()

        if self.g_first:
            x, (z, fake) = run.reals(), fakes()
            g_turn(fake)
            d_turn(x, second(z, fake))
            return
        for _ in range(self.d_steps):
            x, (z, fake) = run.reals(), fakes()
            d_turn(x, fake)
        g_turn(second(z, fake))


LOOPS = {
    "dcgan-light": Loop("fresh", one=0.9, zero=0.1),
    "dcgan": Loop("same"),
    "dcgan64": Loop("fresh", one=0.9, zero=0.1),
    "mlp": Loop("fresh"),
    "mlp-g-first": Loop("same", g_first=True, d_turn="halved"),
    "mlp-relu": Loop("same", g_first=True, d_turn="halved"),
    "keras-mlp": Loop("recomputed", d_turn="apart"),
    "gauss1d": Loop("fresh", d_steps=5, eps=1e-8),
}


def start(name):
    recipe = RECIPES[name]
    run = generate.Run(recipe, torch.float64)
    run.refuse = lambda *_: None  # no float32 run follows, and float64's rounding turns nothing around
    run.begin_step(recipe.skips[0] if recipe.skips else 0)
    return run


def norm_of(loss, net):
    """The norm of the loss's gradient in the network's weights, and whether it cannot be had as values were overwritten."""
    try:
        gradients = torch.autograd.grad(loss, list(net.parameters()), retain_graph=True, allow_unused=True)
    except RuntimeError as error:
        if "inplace operation" in str(error):
            return None, True
        if "does not require grad" in str(error) or "appears to not have been used" in str(error):
            return None, False
        raise
    known = [gradient for gradient in gradients if gradient is not None]
    if not known:
        return None, False
    return sum(gradient.square().sum() for gradient in known).sqrt().item(), False


def turns(name, variant):
    run, seen = start(name), []

    def update(which, loss):
        (norm_d, stale_d), (norm_g, stale_g) = norm_of(loss, run.D), norm_of(loss, run.G)
        seen.append(
            {"turn": which.lower(), "loss": loss.item(), "norm_d": norm_d, "norm_g": norm_g, "overwritten": stale_d or stale_g}
        )
        net = getattr(run, which)
        gradients = torch.autograd.grad(loss, list(net.parameters()), retain_graph=True, allow_unused=True)
        for parameter, gradient in zip(net.parameters(), gradients):
            parameter.grad = gradient
        run.optimisers[which].step()

    LOOPS[name].step(run, update, **variant)
    return seen


def says(name, variant, retain):
    """What a plain step does."""
    run = start(name)

    def update(which, loss):
        run.optimisers[which].zero_grad()
        loss.backward(retain_graph=retain)
        run.optimisers[which].step()

    try:
        LOOPS[name].step(run, update, **variant)
    except RuntimeError as error:
        for kind, words in ("second-time", "a second time"), ("overwritten", "inplace operation"):
            if words in str(error):
                return kind
        raise
    return "runs"


def golden():
    """The content of detach.json."""
    cases = [
        {
            "loop": loop,
            "variant": name,
            "turns": turns(loop, variant),
            "says": says(loop, variant, retain=False),
            "retained": says(loop, variant, retain=True),
        }
        for loop in LOOPS
        for name, variant in VARIANTS.items()
    ]
    return {"torch": torch.__version__.split("+")[0], "dtype": "float64", "cases": cases}
