"""Saves the networks of recipes as PyTorch has them, to be imported: `python save_weights.py RECIPE...` makes RECIPE.safetensors.

Weights are drawn; running statistics have moved, as if there had been training. Tensors are called generator.0.weight, …,
discriminator.0.weight, …
"""

import sys

import torch
from safetensors.torch import save_file

from recipes import RECIPES


def save(name):
    recipe = RECIPES[name]
    torch.manual_seed(1)
    g, d = recipe.build(dropout=0.0)
    with torch.no_grad():
        for _ in range(3):
            fake = g.train()(torch.randn(16, recipe.latent))
            d.train()(fake + torch.randn_like(fake))
    tensors = {}
    for prefix, net in ("generator", g), ("discriminator", d):
        tensors |= {f"{prefix}.{key}": value.contiguous() for key, value in net.state_dict().items()}
    save_file(tensors, f"{name}.safetensors")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        save(name)
