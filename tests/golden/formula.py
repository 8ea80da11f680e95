"""Numbers by formula: what lets PyTorch and Detach start from the same weights without sharing a file.

u(tag, i) is splitmix64 of (tag << 32 | i), mapped to [-1, 1). It is exact in float64, so both sides hold the same
bits; a float32 run uses the same numbers rounded. `i` is the row-major index of an element in PyTorch's own order
(NCHW for images, [out, in, kh, kw] for Conv2d, [in, out, kh, kw] for ConvTranspose2d).

    tag       1000 + k      parameter k of the generator, in the order of named_parameters()
              2000 + k      parameter k of the discriminator
              3000 + n      batch n of reals; which ones a run takes is first and skips in recipes.py
              100000 + n    draw n of noise
              500 ... 999   operands of ops.json, listed there
              5000 ... 5999 operands of optim.json, listed in optim.py
              6000 ... 9999 operands of losses.json and of functions.json, listed there

    parameter of rank >= 2                  u * sqrt(shape[0] / number of elements)
    BatchNorm weight                        1 + 0.1 u
    every other parameter of rank 0 or 1    0.1 u
    k-th vector of a spectral norm          u / ||u||, with the tag of the first parameter + 500 + k
    reals                                   u as images [B, C, H, W]; sqrt(3) u as samples [B, 1] in gauss1d
    noise                                   sqrt(3) u, [B, z]  (variance 1, like the normal noise it stands for)
    classes of batch n                      (i + n) mod 10 for its sample i
    classes that are drawn                  floor(10 (u + 1) / 2), [B]
"""

import math

import numpy as np
import torch

G_TAG, D_TAG, REAL_TAG, NOISE_TAG = 1000, 2000, 3000, 100000


def uniform(tag, shape):
    """u(tag, i) for every element of `shape`, as a float64 tensor."""
    index = np.arange(math.prod(shape), dtype=np.uint64)
    with np.errstate(over="ignore"):
        x = (np.uint64(tag << 32) | index) + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x = x ^ (x >> np.uint64(31))
    u = (x >> np.uint64(11)).astype(np.float64) * 2.0**-53 * 2.0 - 1.0
    return torch.from_numpy(u.reshape(shape))


def fill(net, first_tag):
    """Overwrites all parameters of a network by the formula, and the vectors of spectral norms."""
    with torch.no_grad():
        for k, (name, parameter) in enumerate(net.named_parameters()):
            layer = net.get_submodule(name.rpartition(".")[0])
            u = uniform(first_tag + k, tuple(parameter.shape))
            if parameter.dim() >= 2:
                value = u * math.sqrt(parameter.shape[0] / parameter.numel())
            elif is_batch_norm(layer) and name.endswith("weight"):
                value = 1.0 + 0.1 * u
            else:
                value = 0.1 * u
            parameter.copy_(value)
        vectors = [x for name, x in net.named_buffers() if name.endswith(("._u", "._v"))]
        for k, vector in enumerate(vectors):
            u = uniform(first_tag + 500 + k, tuple(vector.shape))
            vector.copy_(u / u.norm())


def is_batch_norm(layer):
    """True for BatchNorm1d and BatchNorm2d."""
    return isinstance(layer, torch.nn.modules.batchnorm._BatchNorm)
