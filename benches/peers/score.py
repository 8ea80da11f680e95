"""What `gan score` does, with PyTorch: how long it takes, and what it comes to.

    python -m pip install torch==2.11.0 numpy safetensors
    python benches/peers/score.py RUN MNIST [--count 10000] [--threads 2] [--samples FILE] [--seed 0]

RUN is a run of dcgan-light, MNIST a folder of its IDX files. Samples are drawn, or read from an .idx3-ubyte.gz, a classifier (the one that comes with the
program) sees them and as many training and test images, and FID, KID, precision, recall, density and coverage of samples and of
test images follow, as fast as PyTorch does it: batches, products for distances, eigenvalues of 64 × 64 in float64.
"""

import argparse
import gzip
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/golden"))
from networks import dcgan_light  # noqa: E402


def classifier():
    weights = load_file(ROOT / "crates/gan/src/score/classifier/mnist.safetensors")
    body = nn.Sequential(
        nn.Conv2d(1, 16, 4, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU(),
        nn.Flatten(), nn.Linear(1024, 64), nn.ReLU(),
    )
    names = {"body.0": "0", "body.2": "2", "body.4": "4", "penultimate": "7"}
    body.load_state_dict({f"{names[k.rpartition('.')[0]]}.{k.rpartition('.')[2]}": v for k, v in weights.items() if k.rpartition(".")[0] in names})
    return body.to(memory_format=torch.channels_last).eval()


def pixels(path):
    data = (gzip.open if path.suffix == ".gz" else open)(path, "rb").read()
    return np.frombuffer(data, np.uint8, offset=16).reshape(-1, 1, 28, 28)


def images(folder, name, count, seed):
    all = pixels(next(p for p in (folder / name, folder / f"{name}.gz") if p.exists()))
    return torch.from_numpy(all[np.random.default_rng(seed).permutation(len(all))[:count]])


def drawn(run, count):
    generator, _ = dcgan_light(0.0)
    generator.load_state_dict(load_file(run / "checkpoints/generator.safetensors"))
    generator = generator.to(memory_format=torch.channels_last).eval()
    made = torch.cat([generator(torch.randn(500, 100)) for _ in range(count // 500)])
    return ((made + 1) * 127.5).round().clamp(0, 255).byte()


def features(net, bytes, size=500):
    return torch.cat([net(batch.float() / 127.5 - 1) for batch in bytes.split(size)])


def fid(real, samples):
    moments = lambda x: (x.double().mean(0), torch.cov(x.double().T))
    (m, c), (n, d) = moments(real), moments(samples)
    values, vectors = torch.linalg.eigh(c)
    root = vectors * values.clamp_min(0).sqrt() @ vectors.T
    shared = torch.linalg.eigvalsh(root @ d @ root).clamp_min(0).sqrt().sum()
    return ((m - n) ** 2).sum() + c.trace() + d.trace() - 2 * shared


def kid(real, samples, size=1000):
    def mmd(x, y):
        m, d = x.shape
        kernel = lambda a, b: (a @ b.T / d + 1) ** 3
        xx, yy, xy = kernel(x, x), kernel(y, y), kernel(x, y)
        return (xx.sum() - xx.trace() + yy.sum() - yy.trace()) / (m * (m - 1)) - 2 * xy.mean()

    pairs = zip(samples.double().split(size), real.double().split(size))
    return torch.stack([mmd(x, y) for x, y in pairs]).mean()


def squares(x, y):
    return ((x**2).sum(1)[:, None] + (y**2).sum(1) - 2 * x @ y.T).clamp_min(0)


def radii(x, size=1000):
    """Squared distances to the nearest, 3rd and 5th other row."""
    rows = []
    for start in range(0, len(x), size):
        block = squares(x[start : start + size], x)
        block[torch.arange(len(block)), start + torch.arange(len(block))] = torch.inf
        rows.append(block.topk(5, largest=False).values)
    return torch.cat(rows)


def overlap(real, around, samples, size=1000):
    within = radii(samples)
    precision, density = torch.zeros(len(samples), dtype=bool), 0
    recall, coverage = [], []
    for start in range(0, len(real), size):
        block = squares(real[start : start + size], samples)
        small, large = around[start : start + size, 2:3], around[start : start + size, 4:5]
        precision |= (block <= small).any(0)
        near = block <= large
        density += near.sum()
        coverage.append(near.any(1))
        recall.append((block <= within[:, 2]).any(1))
    share = lambda x: torch.cat(x).double().mean()
    return precision.double().mean(), share(recall), density / (5 * len(samples)), share(coverage)


@torch.inference_mode()
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("mnist", type=Path)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--samples", type=Path, help="samples instead of RUN's own")
    parser.add_argument("--seed", type=int, default=0, help="of the noise, and of which images are taken")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    start = time.perf_counter()
    net = classifier()
    made = torch.from_numpy(pixels(args.samples).copy()[: args.count]) if args.samples else drawn(args.run, args.count)
    real, test = (features(net, images(args.mnist, f"{name}-images-idx3-ubyte", args.count, args.seed)) for name in ("train", "t10k"))
    around = radii(real)
    out = {}
    for name, these in (("samples", features(net, made)), ("floor", test)):
        numbers = [fid(real, these), kid(real, these), *overlap(real, around, these)]
        keys = ("fid", "kid", "precision", "recall", "density", "coverage")
        out[name] = {key: round(float(value), 5) for key, value in zip(keys, numbers)}
    print(json.dumps(out | {"seconds": round(time.perf_counter() - start, 3)}))


if __name__ == "__main__":
    main()
