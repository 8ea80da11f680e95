"""Finds the data of goldens: the `first` or the `skips` of recipes.py that keep a float64 run clear of kinks.

    python tests/golden/choose.py --first keras-mlp mlp     # five minutes and a few seconds
    python tests/golden/choose.py dcgan dcgan-light         # some minutes each

The rule for `first`: the smallest multiple of 1000 from which the whole run stays as far from its kinks as `clear` in
recipes.py says. It depends on all that moves the weights: another optimiser, another `first`.

The rule for `skips`, where networks have too many units for one `first` to keep them all clear: every step takes the
first batch and draws, counted on from the step before, with which the float64 run stays that far. A step that comes
closer is taken back and tried with the next ones, so that twenty steps cost twenty searches, not one search for twenty
lucky steps in a row.

Given `clear`, nothing but PyTorch's float64 run has a say in either.
"""

import argparse
import copy
import dataclasses
import itertools

import torch

from generate import Run, TooClose, train
from recipes import RECIPES


class Walk(Run):
    """A run that can go back to where a step began."""

    def parts(self):
        return [self.G, self.D, *self.optimisers.values()]

    def save(self):
        states = copy.deepcopy([part.state_dict() for part in self.parts()])
        return states, self.steps, self.real_batches, self.noise_draws

    def load(self, saved):
        states, self.steps, self.real_batches, self.noise_draws = saved
        for part, state in zip(self.parts(), copy.deepcopy(states)):
            part.load_state_dict(state)


def choose_first(recipe):
    """The first of 0, 1000, 2000, ... that does."""
    for first in itertools.count(0, 1000):
        try:
            train(dataclasses.replace(recipe, first=first), torch.float64)
        except TooClose:
            continue
        return first


def choose_skips(recipe):
    """Yields the skips, step by step."""
    run = Walk(recipe, torch.float64)
    for _ in range(recipe.golden_steps):
        saved, skip = run.save(), 0
        while True:
            run.begin_step(skip)
            try:
                recipe.loop(run)
            except TooClose:
                run.load(saved)
                skip += 1
            else:
                break
        yield skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", metavar="NAME", choices=RECIPES, help=f"of {', '.join(RECIPES)}")
    parser.add_argument("--first", action="store_true", help="one number for the whole run instead of skips")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for name in args.names:
        if args.first:
            print(f"{name}: first={choose_first(RECIPES[name])}", flush=True)
            continue
        print(f"{name}: skips=(", end="", flush=True)
        for skip in choose_skips(RECIPES[name]):
            print(skip, end=", ", flush=True)
        print(")")


if __name__ == "__main__":
    main()
