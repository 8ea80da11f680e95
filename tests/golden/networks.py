"""The recipes' networks as PyTorch code: (G, D), flat nn.Sequentials with parameters called "0.weight", "0.bias", ...; activations,
dropout and reshapes take an index of their own. What is beside the row has a name.
"""

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm


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


def mlp_generator(eps=0.8):
    g = [nn.Linear(100, 128), leaky()]
    for a, b in [(128, 256), (256, 512), (512, 1024)]:
        # 0.8 was meant as a momentum; as published it is eps.
        g += [nn.Linear(a, b), nn.BatchNorm1d(b, eps), leaky()]
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


def doublings(width):
    """Channels of an RGB image of 64x64 and of its halves, by pairs."""
    widths = [3, width, 2 * width, 4 * width, 8 * width]
    return list(zip(widths, widths[1:]))


def dcgan64(_dropout, width=64):
    g = [nn.Unflatten(1, (100, 1, 1)), nn.ConvTranspose2d(100, 8 * width, 4, 1, 0, bias=False)]
    for b, a in reversed(doublings(width)):
        g += [nn.BatchNorm2d(a), nn.ReLU(), up_bare(a, b)]
    d = [down_bare(3, width), leaky()]
    for a, b in doublings(width)[1:]:
        d += [down_bare(a, b), nn.BatchNorm2d(b), leaky()]
    d += [nn.Conv2d(8 * width, 1, 4, 1, 0, bias=False), nn.Flatten(), nn.Sigmoid()]
    return nn.Sequential(*g, nn.Tanh()), nn.Sequential(*d)


def critic(_dropout):
    """dcgan-light's G, and its D without BatchNorm and sigma."""
    d = [down(1, 64), leaky(), down(64, 128), leaky(), nn.Conv2d(128, 1, 7, 1, 0), nn.Flatten()]
    return dcgan_light(0.0)[0], nn.Sequential(*d)


def critic64(_dropout, width):
    """dcgan64's G, and its D without BatchNorm and sigma, but with biases."""
    d = []
    for a, b in doublings(width):
        d += [down(a, b), leaky()]
    return dcgan64(0.0, width)[0], nn.Sequential(*d, nn.Conv2d(8 * width, 1, 4), nn.Flatten())


def least_squares(_dropout):
    """dcgan-light without sigma."""
    g, d = dcgan_light(0.0)
    return g, d[:-1]


def least_squares64(_dropout, width):
    """dcgan64 without sigma."""
    g, d = dcgan64(0.0, width)
    return g, d[:-1]


def decoder(code, base, levels, n, channels):
    net = [nn.Linear(code, base * base * n), nn.Unflatten(1, (n, base, base))]
    for level in range(levels):
        net += [nn.Upsample(scale_factor=2)] if level else []
        net += [nn.Conv2d(n, n, 3, padding=1), nn.ELU(), nn.Conv2d(n, n, 3, padding=1), nn.ELU()]
    return [*net, nn.Conv2d(n, channels, 3, padding=1)]


def began(_dropout, code=64, base=7, levels=3, n=16, channels=1):
    d, a = [nn.Conv2d(channels, n, 3, padding=1), nn.ELU()], n
    for i in range(1, levels + 1):
        b = i * n
        d += [nn.Conv2d(a, b, 3, padding=1), nn.ELU(), nn.Conv2d(b, b, 3, padding=1), nn.ELU()]
        d += [nn.Conv2d(b, b, 3, 2, 1), nn.ELU()] if i < levels else []
        a = b
    d += [nn.Flatten(), nn.Linear(base * base * a, code)]
    rest = (code, base, levels, n, channels)
    return nn.Sequential(*decoder(*rest)), nn.Sequential(*d, *decoder(*rest))


class SelfAttention(nn.Module):
    """x + gamma o(softmax(theta(x) phi(x)^T) g(x)), keys and values of the largest of each 2x2 pixels."""

    def __init__(self, c):
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(()))
        self.theta, self.phi, self.g, self.o = (
            spectral_norm(nn.Conv2d(a, b, 1, bias=False)) for a, b in [(c, c // 8), (c, c // 8), (c, c // 2), (c // 2, c)]
        )

    def forward(self, x):
        n, _, h, w = x.shape
        pool = nn.functional.max_pool2d
        q, k, v = self.theta(x).flatten(2), pool(self.phi(x), 2).flatten(2), pool(self.g(x), 2).flatten(2)
        attention = torch.softmax(q.transpose(1, 2) @ k, dim=2)
        return x + self.gamma * self.o((v @ attention.transpose(1, 2)).reshape(n, -1, h, w))


def sagan(_dropout):
    g = [nn.Unflatten(1, (100, 1, 1)), spectral_norm(nn.ConvTranspose2d(100, 128, 7)), nn.BatchNorm2d(128), nn.ReLU()]
    g += [spectral_norm(up(128, 64)), nn.BatchNorm2d(64), nn.ReLU(), SelfAttention(64), up(64, 1), nn.Tanh()]
    d = [spectral_norm(down(1, 64)), nn.LeakyReLU(0.1), SelfAttention(64), spectral_norm(down(64, 128)), nn.LeakyReLU(0.1)]
    d += [spectral_norm(nn.Conv2d(128, 1, 7)), nn.Flatten()]
    return nn.Sequential(*g), nn.Sequential(*d)


def sagan64(_dropout, width):
    g = [nn.Unflatten(1, (100, 1, 1)), spectral_norm(nn.ConvTranspose2d(100, 8 * width, 4, bias=False))]
    for b, a in reversed(doublings(width)[1:]):
        g += [nn.BatchNorm2d(a), nn.ReLU(), spectral_norm(up_bare(a, b))]
    g += [nn.BatchNorm2d(width), nn.ReLU(), SelfAttention(width), up_bare(width, 3), nn.Tanh()]
    d = []
    for a, b in doublings(width):
        d += [spectral_norm(down(a, b)), nn.LeakyReLU(0.1)]
    d[2:2] = [SelfAttention(width)]
    return nn.Sequential(*g), nn.Sequential(*d, spectral_norm(nn.Conv2d(8 * width, 1, 4)), nn.Flatten())


def one_hot(y, x):
    """A channel a class, in the type of x and of its height and width where it has any."""
    hot = nn.functional.one_hot(y, 10).to(x.dtype)
    return hot.view(*hot.shape, *[1] * (x.dim() - 2)).expand(*hot.shape, *x.shape[2:])


class OfClass(nn.Sequential):
    """A row of layers on the one-hot class beside x."""

    def forward(self, x, y):
        return super().forward(torch.cat([one_hot(y, x), x], 1))


class Projection(nn.Sequential):
    """dcgan-light's D, with <E[y], h> added to its logit; h are the features before its last convolution."""

    def __init__(self, *layers):
        super().__init__(*layers)
        self.embedding = nn.Embedding(10, 6272)

    def forward(self, x, y):
        h = x
        for layer in list(self)[:5]:
            h = layer(h)
        logit = self[6](self[5](h)) + (self.embedding(y) * h.flatten(1)).sum(1, keepdim=True)
        return logit.sigmoid()


def class_generator():
    """dcgan-light's G on 110 inputs."""
    layers = list(dcgan_light(0.0)[0])
    layers[:2] = [nn.Unflatten(1, (110, 1, 1)), nn.ConvTranspose2d(110, 128, 7, 1, 0)]
    return OfClass(*layers)


def cgan(_dropout):
    return class_generator(), Projection(*dcgan_light(0.0)[1][:-1])


def cgan_planes(_dropout):
    return class_generator(), OfClass(down(11, 64), *dcgan_light(0.0)[1][1:])


class BesideClass(nn.Sequential):
    """A row of layers on the pixels of x and, behind them, the one-hot class."""

    def forward(self, x, y):
        return super().forward(torch.cat([x.flatten(1), one_hot(y, x.flatten(1))], 1))


def mlp_cgan(dropout, eps=0.8):
    d = [nn.Linear(794, 512), leaky()]
    for _ in range(2):
        d += [nn.Linear(512, 512), nn.Dropout(dropout), leaky()]
    return OfClass(nn.Linear(110, 128), *list(mlp_generator(eps))[1:]), BesideClass(*d, nn.Linear(512, 1))


def acgan(_dropout):
    """dcgan-light's D without sigma, with ten answers more."""
    return class_generator(), nn.Sequential(*dcgan_light(0.0)[1][:-3], nn.Conv2d(128, 11, 7, 1, 0), nn.Flatten())


class OfCode(nn.Sequential):
    """A row of layers on noise, one-hot class and numbers side by side."""

    def forward(self, z, y, numbers):
        return super().forward(torch.cat([z, one_hot(y, z), numbers], 1))


class Recogniser(nn.Sequential):
    """D, and beside its last layer a network q on the same features: logits of the class, means of the numbers, and an
    output for the deviation of each, which is fixed at 1."""

    def __init__(self, layers, q):
        super().__init__(*layers)
        self.q = nn.Sequential(*q)

    def forward(self, x, with_q=True):
        h = x
        for layer in list(self)[:9]:
            h = layer(h)
        return self[9](h).sigmoid(), self.q(h) if with_q else None


def infogan(_dropout, width=64, hidden=1024):
    features, deep = 2 * width * 49, hidden // 8
    g = [nn.Linear(74, hidden), nn.BatchNorm1d(hidden), nn.ReLU()]
    g += [nn.Linear(hidden, features), nn.BatchNorm1d(features), nn.ReLU(), nn.Unflatten(1, (2 * width, 7, 7))]
    g += [up(2 * width, width), nn.BatchNorm2d(width), nn.ReLU(), up(width, 1), nn.Tanh()]
    d = [down(1, width), nn.LeakyReLU(0.01), down(width, 2 * width), nn.BatchNorm2d(2 * width), nn.LeakyReLU(0.01)]
    d += [nn.Flatten(), nn.Linear(features, hidden), nn.BatchNorm1d(hidden), nn.LeakyReLU(0.01), nn.Linear(hidden, 1)]
    q = [nn.Linear(hidden, deep), nn.BatchNorm1d(deep), nn.LeakyReLU(0.01), nn.Linear(deep, 14)]
    return OfCode(*g), Recogniser(d, q)
