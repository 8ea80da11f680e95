"""The recipes as PyTorch code: the loops of loops.py on the networks of networks.py, and what a golden is made of."""

from dataclasses import dataclass
from functools import partial
from typing import Callable

import torch

from loops import step_acgan, step_began, step_cgan, step_dcgan, step_fresh, step_g_first, step_gauss1d
from loops import step_infogan, step_keras_mlp, step_lsgan, step_mlp_cgan, step_sagan, step_smoothed, step_wgan
from loops import step_wgan_gp
from networks import acgan, began, cgan, cgan_planes, critic, critic64, dcgan, dcgan64, dcgan_light, gauss1d
from networks import infogan, keras_mlp, least_squares, least_squares64, mlp, mlp_cgan, mlp_relu, sagan, sagan64
from optimisers import AdamKeras


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


def zoo(networks, loop, d_count, g_count=759_873, **more):
    """Ten steps of a recipe, on the generator of dcgan-light where nothing else is said."""
    settings = {"golden_batch": 4, "golden_steps": 10, "float32_steps": 3, "float32_runs": 8, "clear": Clear(5e-7, 5e-7, sign=2e-6)}
    return Recipe(networks, loop, (g_count, d_count), **settings | more)


# Of 64x64 pixels and three channels, in narrow networks: what differs there is the networks.
RGB = {"golden_batch": 2, "sample": (3, 64, 64), "golden_steps": 3}

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
    "wgan-64": zoo(
        partial(critic64, width=8),
        partial(step_wgan, fresh=True),
        44_537,
        146_032,
        lr=5e-5,
        optimiser="rmsprop",
        skips=(3, 0, 0),
        **RGB,
    ),
    "wgan-gp-64": zoo(
        partial(critic64, width=8),
        partial(step_wgan_gp, fresh=False),
        44_537,
        146_032,
        lr=1e-4,
        betas=(0.0, 0.9),
        skips=(4, 3, 0),
        **RGB,
    ),
    "lsgan-64": zoo(partial(least_squares64, width=8), step_lsgan, 44_640, 146_032, skips=(4, 0, 0), **RGB),
    "began-64": zoo(
        partial(began, base=8, levels=4, n=4, channels=3),
        partial(step_began, gamma=0.5),
        93_111,
        17_935,
        latent=64,
        lr=1e-4,
        **RGB,
    ),
    "sagan-64": zoo(
        partial(sagan64, width=8),
        partial(step_sagan, always=True),
        44_618,
        146_113,
        lr={"G": 1e-4, "D": 4e-4},
        betas=(0.0, 0.9),
        skips=(2, 0, 0),
        **RGB,
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
    "mlp-cgan": Recipe(mlp_cgan, step_mlp_cgan, (1_511_312, 932_865), 8, golden_steps=10),
    "mlp-cgan-fixed": Recipe(
        partial(mlp_cgan, eps=1e-5), step_mlp_cgan, (1_511_312, 932_865), 8, golden_steps=10, first=4000
    ),
    "acgan": zoo(
        acgan,
        partial(step_acgan, fixed=False),
        201_547,
        g_count=822_593,
        skips=(35, 0, 0, 0, 0, 0, 1, 0, 1, 0),
    ),
    "acgan-fixed": zoo(
        acgan,
        partial(step_acgan, fixed=True),
        201_547,
        g_count=822_593,
        skips=(50, 0, 0, 0, 0, 0, 0, 0, 0, 1),
    ),
    "infogan": zoo(
        infogan,
        step_infogan,
        6_692_431,
        g_count=6_652_481,
        latent=64,
        lr={"G": 1e-3, "D": 2e-4},
        golden_steps=3,
        float32_steps=2,
        clear=Clear(kink=1e-7, later_kink=1e-7),
    ),
    "infogan-narrow": zoo(
        partial(infogan, width=4, hidden=32),
        step_infogan,
        13_487,
        g_count=16_773,
        latent=64,
        lr={"G": 1e-3, "D": 2e-4},
    ),
}
