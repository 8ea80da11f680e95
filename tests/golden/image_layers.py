"""PyTorch's side of tests/tests/engine/image_layers: layers for images in float64, on shapes that the test asks for.

    python tests/golden/image_layers.py < cases.json

A case has a `layer`, attributes, and `inputs`: formula.py's numbers by tag and shape, scaled and shifted. For each there
are `y` and what else the layer writes, the gradients of sum(y * dy) in every input, and those of the sum of these
gradients times directions: the second derivative along the directions. `dy` and the directions are formula.py's, too.
"""

import json
import sys

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from formula import uniform


def upfirdn(x, up, down, pad, taps):
    """Zeros after pixels, zeros around them (negative: cut), the taps along both axes, every `down`-th."""
    n, c, h, w = x.shape
    x = F.pad(x.reshape(n, c, h, 1, w, 1), (0, up - 1, 0, 0, 0, up - 1)).reshape(n, c, h * up, w * up)
    x = F.pad(x, (*pad, *pad))
    taps = torch.tensor(taps, dtype=x.dtype)
    kernel = torch.outer(taps, taps).expand(c, 1, -1, -1)
    return F.conv2d(x, kernel, groups=c)[:, :, ::down, ::down]


def adain(x, style, scale, scale_bias, shift, shift_bias):
    gamma, beta = F.linear(style, scale, scale_bias), F.linear(style, shift, shift_bias)
    return (1 + gamma)[:, :, None, None] * F.instance_norm(x) + beta[:, :, None, None]


def conditional(x, table, classes):
    gamma, beta = table[torch.tensor(classes)].chunk(2, dim=1)
    return gamma[:, :, None, None] * F.batch_norm(x, None, None, training=True) + beta[:, :, None, None]


def minibatch_stddev(x, size):
    n, c, h, w = x.shape
    y = x.reshape(size, -1, c, h, w)
    y = y - y.mean(dim=0)
    y = (y.square().mean(dim=0) + 1e-8).sqrt().mean(dim=[1, 2, 3])
    return torch.cat([x, y.reshape(-1, 1, 1, 1).repeat(size, 1, h, w)], dim=1)


def spectral(layer, weight, u, v, dim):
    """`layer` with this weight, spectrally normalised, one iteration before it is used; and its parametrisation."""
    layer = spectral_norm(layer.double(), dim=dim)
    parametrisation = layer.parametrizations.weight
    del parametrisation._parameters["original"]
    parametrisation.original = weight
    with torch.no_grad():
        parametrisation[0]._u.copy_(u / u.norm())
        parametrisation[0]._v.copy_(v / v.norm())
    return layer.train(), parametrisation[0]


def spectral_layer(case, x, weight, u, v):
    shape = weight.shape
    layer, dim = {
        "spectral_conv": lambda: (nn.Conv2d(shape[1], shape[0], shape[2], padding=1, bias=False), 0),
        "spectral_transposed": lambda: (nn.ConvTranspose2d(shape[0], shape[1], shape[2], stride=2, bias=False), 1),
        "spectral_linear": lambda: (nn.Linear(shape[1], shape[0], bias=False), 0),
    }[case]()
    layer, kept = spectral(layer, weight, u, v, dim)
    y = layer(x)
    return y, {"u": kept._u, "v": kept._v}


def attention(x, gamma, *rest):
    n, c, h, w = x.shape
    weights = rest[0::3]
    theta, phi, g, o = (
        spectral(nn.Conv2d(weight.shape[1], weight.shape[0], 1, bias=False), weight, u, v, 0)[0]
        for weight, u, v in zip(weights, rest[1::3], rest[2::3])
    )
    queries = theta(x).reshape(n, -1, h * w)
    keys = F.max_pool2d(phi(x), 2).reshape(n, -1, h * w // 4)
    values = F.max_pool2d(g(x), 2).reshape(n, -1, h * w // 4)
    seen = torch.softmax(queries.transpose(1, 2) @ keys, dim=-1)
    return x + gamma * o((values @ seen.transpose(1, 2)).reshape(n, c // 2, h, w))


def forward(case, inputs):
    """The output, and what else the layer writes."""
    layer, x = case["layer"], inputs[0]
    if layer.startswith("spectral"):
        return spectral_layer(layer, *inputs)
    simple = {
        "nearest": lambda: F.interpolate(x, scale_factor=2),
        "bilinear": lambda: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False),
        "average": lambda: F.avg_pool2d(x, 2),
        "resample": lambda: upfirdn(x, case["up"], case["down"], case["pad"], case["taps"]),
        "reflect": lambda: F.pad(x, case["pads"], mode="reflect"),
        "replicate": lambda: F.pad(x, case["pads"], mode="replicate"),
        "instance_norm": lambda: F.instance_norm(x),
        "instance_norm_affine": lambda: F.relu(F.instance_norm(x, weight=inputs[1], bias=inputs[2])),
        "adain": lambda: adain(*inputs),
        "layer_norm": lambda: F.layer_norm(x, inputs[1].shape, inputs[1], inputs[2]),
        "pixel_norm": lambda: x / (x.square().mean(dim=1, keepdim=True) + 1e-8).sqrt(),
        "conditional": lambda: conditional(*inputs, case["classes"]),
        "minibatch_stddev": lambda: minibatch_stddev(x, case["size"]),
        "embedding": lambda: F.embedding(torch.tensor(case["classes"]), x),
        "dilated": lambda: F.conv2d(x, inputs[1], **case["geometry"]),
        "dilated_transposed": lambda: F.conv_transpose2d(x, inputs[1], **case["geometry"]),
        "attention": lambda: attention(*inputs),
    }
    return simple[layer](), {}


def derivatives(y, dy, inputs, create_graph):
    found = torch.autograd.grad((y * dy).sum(), inputs, create_graph=create_graph, allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for x, g in zip(inputs, found)]


def run(case):
    inputs = [
        (uniform(x["tag"], tuple(x["shape"])) * x["scale"] + x["shift"]).requires_grad_(x["trained"])
        for x in case["inputs"]
    ]
    trained = [x for x in inputs if x.requires_grad]
    y, written = forward(case, inputs)
    tag = case["tag"]
    first = derivatives(y, uniform(tag, tuple(y.shape)), trained, True)
    along = sum((g * uniform(tag + 1 + i, tuple(g.shape))).sum() for i, g in enumerate(first))
    second = derivatives(along, torch.tensor(1.0), trained, False) if along.requires_grad else map(torch.zeros_like, trained)
    outputs = {"y": y, **written}
    outputs |= {f"first {i}": g for i, g in enumerate(first)} | {f"second {i}": g for i, g in enumerate(second)}
    return {name: value.detach().flatten().tolist() for name, value in outputs.items()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps([run(case) for case in json.load(sys.stdin)]))
