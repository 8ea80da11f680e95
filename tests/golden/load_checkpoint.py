"""Does PyTorch load generators saved by `gan`, and give the same images from the same noise?

    python -m pip install torch==2.11.0 numpy safetensors
    python tests/golden/load_checkpoint.py RECIPE generator.safetensors z.npy images.npy [RECIPE ...]

z.npy holds [N, z] noise, images.npy the [N, 1, 28, 28] images (or [N, 1] samples of gauss1d) made from it, both
float32 and before any scaling to bytes. The load is strict: names and shapes must all match. Prints the largest
absolute difference and exits with 1 where it is above 1e-5.
"""

import argparse
import sys

import numpy as np
import torch
from safetensors.torch import load_file

from recipes import RECIPES

LIMIT = 1e-5


def is_same(recipe, weights, noise, images, args):
    generator, _ = RECIPES[recipe].build(dropout=0.0)
    state = {k.removeprefix(args.prefix): v for k, v in load_file(weights).items() if k.startswith(args.prefix)}
    generator.load_state_dict(state, strict=True)
    generator.train(args.train_mode)

    with torch.no_grad():
        ours = generator(torch.from_numpy(np.load(noise))).numpy()
    theirs = np.load(images)
    if ours.shape != theirs.shape or theirs.dtype != np.float32:
        print(f"{recipe}: {images} is {theirs.dtype} {theirs.shape}, PyTorch made {ours.dtype} {ours.shape}")
        return False
    difference = float(np.abs(ours - theirs).max())
    print(f"{recipe}: max abs difference {difference:.3g} over {len(ours)} samples (limit {LIMIT:g})")
    return difference <= LIMIT


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "files", nargs="+", help="four words a generator: its recipe, its .safetensors, .npy [N, z], .npy [N, 1, 28, 28]"
    )
    parser.add_argument("--prefix", default="", help="take only tensors whose name starts so, and cut it off")
    parser.add_argument("--train-mode", action="store_true", help="BatchNorm by the statistics of these N samples")
    args = parser.parse_args()
    if len(args.files) % 4 != 0:
        parser.error("four words a generator are needed")
    fours = zip(*[iter(args.files)] * 4)
    return 0 if all([is_same(*four, args) for four in fours]) else 1


if __name__ == "__main__":
    sys.exit(main())
