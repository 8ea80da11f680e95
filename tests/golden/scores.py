"""Scores of features as NumPy computes them, to compare with ours.

    python tests/golden/scores.py real.npy samples.npy

Both hold [N, d] features. Prints a JSON object. Nothing here is clever: all pairs by their differences, eigenvalues of
the whole matrices, in float64.
"""

import json
import sys

import numpy as np


def fid(real, samples):
    first, second = np.cov(real, rowvar=False), np.cov(samples, rowvar=False)
    # The trace of the root of a product, by the eigenvalues of the product itself.
    shared = np.sqrt(np.clip(np.linalg.eigvals(first @ second).real, 0, None)).sum()
    apart = ((real.mean(0) - samples.mean(0)) ** 2).sum()
    return apart + np.trace(first) + np.trace(second) - 2 * shared


def mmd(x, y):
    m, d = x.shape
    kernel = lambda a, b: (a @ b.T / d + 1) ** 3
    xx, yy, xy = kernel(x, x), kernel(y, y), kernel(x, y)
    within = (xx.sum() - np.trace(xx) + yy.sum() - np.trace(yy)) / (m * (m - 1))
    return within - 2 * xy.sum() / (m * m)


def kid(real, samples, size=1000):
    count = min(len(real), len(samples))
    blocks = max(count // size, 1)
    bounds = [block * count // blocks for block in range(blocks + 1)]
    return np.mean([mmd(samples[a:b], real[a:b]) for a, b in zip(bounds, bounds[1:])])


def distances(x, y):
    return np.stack([((row - y) ** 2).sum(1) for row in x])


def overlap(real, samples):
    within = [np.sort(d + np.diag(np.full(len(d), np.inf)), axis=1) for d in (distances(real, real), distances(samples, samples))]
    # [real, samples]
    between = distances(real, samples)
    small, large = within[0][:, 2:3], within[0][:, 4:5]
    nearest = np.sort(within[0][:, 0])
    return {
        "precision": (between <= small).any(0).mean(),
        "recall": (between <= within[1][:, 2]).any(1).mean(),
        "density": (between <= large).sum() / (5 * len(samples)),
        "coverage": (between <= large).any(1).mean(),
        "duplicates": (within[1][:, 0] < nearest[int(len(nearest) * 0.01)]).mean(),
    }


def vendi(samples):
    unit = samples / np.linalg.norm(samples, axis=1, keepdims=True)
    values = np.linalg.eigvalsh(unit @ unit.T / len(unit))
    values = values[values > 0]
    return np.exp(-(values * np.log(values)).sum())


def main():
    real, samples = (np.load(path).astype(np.float64) for path in sys.argv[1:3])
    scores = {"fid": fid(real, samples), "kid": kid(real, samples), "vendi": vendi(samples)}
    scores |= overlap(real, samples)
    print(json.dumps({name: float(value) for name, value in scores.items()}))


if __name__ == "__main__":
    main()
