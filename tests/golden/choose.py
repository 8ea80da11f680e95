"""Finds the `skips` of recipes whose networks have too many units for one `first` to keep them all clear of kinks.

    python tests/golden/choose.py dcgan dcgan-light     # some minutes each

The rule: every step takes the first batch and draws, counted on from the step before, with which the float64 run stays
as far from its kinks as `clear` in recipes.py says. A step that comes closer is taken back and tried with the next ones,
so that twenty steps cost twenty searches, not one search for twenty lucky steps in a row. Given `clear`, nothing but
PyTorch's float64 run has a say.
"""

import copy
import sys

import torch

from generate import Run, TooClose
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


def choose(recipe):
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
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for name in sys.argv[1:]:
        print(f"{name}: skips=(", end="", flush=True)
        for skip in choose(RECIPES[name]):
            print(skip, end=", ", flush=True)
        print(")")


if __name__ == "__main__":
    main()
