"""Times whole training steps of a recipe in PyTorch on the CPU: the number that Detach's own steps are held against.

    python -m pip install torch==2.11.0 numpy
    python benches/peers/step.py dcgan --batch 64 --steps 30 --threads 2

Prints one JSON line. Networks and loop are those of tests/golden/recipes.py and loops.py, with dropout as published; reals are
random and made beforehand, noise is drawn inside the step, as the loops do. Runs of two engines only compare when they
alternate on a machine that does nothing else: pytorch.py serves the same steps to `cargo xtask bench --peers`.

Recipes are timed with torch.optim.Adam, or RMSprop where they have it; `keras-mlp` too, whose goldens have Keras' place
of eps: PyTorch's fused and foreach Adam are the fastest that it has, and a formula in Python would make the peer slow.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "golden"))
from recipes import RECIPES  # noqa: E402

WARMUP = 3


class Run:
    """What a loop of loops.py needs, with random inputs and nothing recorded."""

    def __init__(self, recipe, batch, dropout, fused, **adam):
        self.G, self.D = recipe.build(dropout)
        self.optimisers = {name: recipe.timed(getattr(self, name), name, fused, **adam) for name in ("G", "D")}
        self.latent, self.batch = recipe.latent, batch
        self.pool = [torch.rand(batch, *recipe.sample) * 2 - 1 for _ in range(8)]
        self.taken = 0
        self.k = torch.zeros(())

    def reals(self):
        self.taken += 1
        return self.pool[self.taken % len(self.pool)]

    def noise(self):
        return torch.randn(self.batch, self.latent)

    def uniform(self, *shape):
        return torch.rand(*shape)

    def labels(self):
        return self.classes()

    def classes(self):
        return torch.randint(10, (self.batch,))

    def update(self, name, loss):
        self.optimisers[name].zero_grad()
        loss.backward()
        self.step(name, loss)

    def step(self, name, _loss):
        self.optimisers[name].step()


def teach_allocator():
    """A fresh glibc maps every large output anew, which slows PyTorch; freeing one 30 MB block raises its threshold."""
    block = torch.zeros(30 * 2**20, dtype=torch.uint8)
    del block


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", choices=RECIPES)
    parser.add_argument("--batch", type=int, help="default: as published")
    parser.add_argument("--steps", type=int, default=30, help="steps that are timed, after 3 that are not")
    parser.add_argument("--threads", type=int, help="default: PyTorch's own choice")
    parser.add_argument("--dropout", type=float, default=0.3, help="probability, where the recipe has dropout")
    parser.add_argument("--fused", action="store_true", help="PyTorch's fused Adam instead of its default")
    args = parser.parse_args()

    recipe = RECIPES[args.recipe]
    batch = args.batch or recipe.batch
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    teach_allocator()
    run = Run(recipe, batch, args.dropout, args.fused)
    times = []
    for _ in range(WARMUP + args.steps):
        start = time.perf_counter()
        recipe.loop(run)
        times.append((time.perf_counter() - start) * 1e3)
    times = times[WARMUP:]
    line = {
        "peer": "pytorch",
        "torch": torch.__version__,
        "recipe": args.recipe,
        "batch": batch,
        "threads": torch.get_num_threads(),
        "dropout": args.dropout,
        "fused_adam": args.fused,
        "steps": args.steps,
        "median_ms": round(statistics.median(times), 3),
        "min_ms": round(min(times), 3),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
