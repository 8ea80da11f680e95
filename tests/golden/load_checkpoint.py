"""Does PyTorch load a generator saved by `gan`, and give the same images from the same noise?

    python -m pip install torch==2.11.0 numpy safetensors
    python tests/golden/load_checkpoint.py RECIPE generator.safetensors z.npy images.npy

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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", choices=RECIPES)
    parser.add_argument("generator", help="the generator's .safetensors file")
    parser.add_argument("noise", help=".npy, [N, z]")
    parser.add_argument("images", help=".npy, [N, 1, 28, 28]")
    parser.add_argument("--prefix", default="", help="take only tensors whose name starts so, and cut it off")
    parser.add_argument("--train-mode", action="store_true", help="BatchNorm by the statistics of these N samples")
    args = parser.parse_args()

    generator, _ = RECIPES[args.recipe].build(dropout=0.0)
    state = {k.removeprefix(args.prefix): v for k, v in load_file(args.generator).items() if k.startswith(args.prefix)}
    generator.load_state_dict(state, strict=True)
    generator.train(args.train_mode)

    with torch.no_grad():
        ours = generator(torch.from_numpy(np.load(args.noise))).numpy()
    theirs = np.load(args.images)
    if ours.shape != theirs.shape or theirs.dtype != np.float32:
        print(f"images.npy is {theirs.dtype} {theirs.shape}, PyTorch made {ours.dtype} {ours.shape}")
        return 1
    difference = float(np.abs(ours - theirs).max())
    print(f"max abs difference {difference:.3g} over {len(ours)} samples (limit {LIMIT:g})")
    return 0 if difference <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
