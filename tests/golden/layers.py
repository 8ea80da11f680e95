"""How far PyTorch's float32 is from its float64 in the discriminator of `dcgan64`: what tests/tests/engine/layers.rs prints
beside Detach's.

    python tests/golden/layers.py BATCH

One line of JSON: `layers` has for each convolution ||y32 - y64|| / ||y64|| of its output, its input and weight being the
same float32 numbers in both; `gradients` has ||g32 - g64|| / ||g64|| of the gradient of each weight by the loss of the
first step on reals, through all of the network. Weights and reals are formula.py's.
"""

import json
import sys

import torch

from formula import D_TAG, REAL_TAG, fill, uniform
from recipes import RECIPES


def distance(a, b):
    return ((a.double() - b).norm() / b.norm()).item()


def networks():
    """The discriminator in float32, and with the same rounded weights in float64."""
    narrow = RECIPES["dcgan64"].networks(0.0)[1].float()
    fill(narrow, D_TAG)
    wide = RECIPES["dcgan64"].networks(0.0)[1].double()
    wide.load_state_dict({name: value.double() for name, value in narrow.state_dict().items()})
    return narrow, wide


def layers(batch):
    """Of each convolution by itself."""
    narrow, wide = networks()
    x, errors = uniform(REAL_TAG, (batch, 3, 64, 64)).float(), []
    with torch.no_grad():
        for a, b in zip(narrow, wide):
            y = a(x)
            if isinstance(a, torch.nn.Conv2d):
                errors.append(distance(y, b(x.double())))
            x = y
    return errors


def gradients(batch):
    """Of each convolution's weight, through the network."""
    x, all_gradients = uniform(REAL_TAG, (batch, 3, 64, 64)).float(), []
    for net in networks():
        dtype = next(net.parameters()).dtype
        logits = net[:-1](x.to(dtype))
        loss = torch.nn.functional.softplus(-logits).mean()
        weights = [p for p in net.parameters() if p.dim() == 4]
        all_gradients.append(torch.autograd.grad(loss, weights))
    return [distance(a, b) for a, b in zip(*all_gradients)]


if __name__ == "__main__":
    batch = int(sys.argv[1])
    torch.set_num_threads(1)
    print(json.dumps({"layers": layers(batch), "gradients": gradients(batch)}))
