"""Are the scripts that `gan export --to pytorch` writes the loops of goldens, number by number?

    python -m pip install torch==2.11.0 numpy safetensors
    python tests/golden/run_export.py GOLDEN=FOLDER...

Each FOLDER has train.py and its weights, of networks without dropout. The script's own step is run in float64 on the golden's
weights, reals and noise, all by formula. Losses of every step and the norms of weights at the end are the golden's within
1e-9; those of biases whose true gradient is 0 follow rounding and are left out. Exits with 1 where something differs.
"""

import importlib.util
import json
import sys
from pathlib import Path

import torch

import generate
from formula import D_TAG, G_TAG, fill
from recipes import RECIPES

LIMIT = 1e-9


def module(folder):
    spec = importlib.util.spec_from_file_location("exported", folder / "train.py")
    exported = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(exported)
    return exported


def replay(exported, name):
    """Losses of each step, and the run at its end."""
    recipe = RECIPES[name]
    numbers = generate.Run(recipe, torch.float64)

    class Replay(exported.Run):
        def reals(self):
            return numbers.reals()

        def noise(self, n):
            z = numbers.noise()
            assert z.shape == (n, exported.OPTIONS["latent"])
            return z

        def uniform(self, *shape):
            return numbers.uniform(*shape)

        def labels(self):
            return numbers.labels()

        def classes(self, n):
            return numbers.classes()

    run = Replay(None, dtype=torch.float64)
    fill(run.G, G_TAG)
    fill(run.D, D_TAG)
    losses = []
    for skip in recipe.skips or [0] * recipe.golden_steps:
        numbers.begin_step(skip)
        losses.append([loss.item() for loss in run.step()])
    return losses, run


def is_golden(name, folder):
    golden = json.loads((generate.HERE / f"{name}.json").read_text())
    losses, run = replay(module(folder), name)
    pairs = []
    for step, both in enumerate(losses):
        pairs += [(f"step {step + 1}, {key}", ours, golden[key][step]) for key, ours in zip(("d_loss", "g_loss"), both)]
    for which, net in ("G", run.G), ("D", run.D):
        for parameter, values in net.named_parameters():
            if parameter not in golden["zero_gradient"][which]:
                pairs.append((f"{which}.{parameter}", generate.norm(values), golden["final"][which][parameter]))
    wrong = [(what, ours, theirs) for what, ours, theirs in pairs if not abs(ours - theirs) <= LIMIT * abs(theirs)]
    for what, ours, theirs in wrong[:10]:
        print(f"{name}: {what} is {ours}, and {theirs} in the golden")
    print(f"{name}: {len(pairs) - len(wrong)} of {len(pairs)} numbers of {len(losses)} steps are the golden's")
    return not wrong


def main():
    torch.set_num_threads(1)
    pairs = [pair.split("=") for pair in sys.argv[1:]]
    same = [is_golden(name, Path(folder)) for name, folder in pairs]
    return 0 if same and all(same) else 1


if __name__ == "__main__":
    sys.exit(main())
