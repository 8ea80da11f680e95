"""Writes the goldens of this folder: full training steps of every recipe in PyTorch, 20 or fewer, and a few layers.

    python -m pip install torch==2.11.0 numpy
    python tests/golden/generate.py               # write all
    python tests/golden/generate.py dcgan ops     # write some
    python tests/golden/generate.py --check       # compare with the committed files instead; exit 1 on a difference

What PyTorch and Detach share is the formula of every number (formula.py), the networks and the loops (recipes.py) and
these files; no weights are exchanged. Dropout has p = 0 here, because its masks cannot match.

The float64 run is the golden. A float32 run of the same steps says how far PyTorch itself gets from it; those
distances are rounding, differ between machines, and are not part of --check. Everything runs on one thread.

A recipe's file has: recipe, torch, dtype, dropout, batch, steps, latent, adam; layers (position = index in the
Sequential), parameters [{name, shape}] in tag order, counts and zero_gradient (biases straight before BatchNorm, whose
true gradient is 0) per network; d_loss, g_loss, real_acc, fake_acc per step; updates [{net, loss, grad_norms}] for
every optimiser step in order, with one L2 norm per parameter; final {net: {name: L2 norm}} of parameters and running
statistics after the last step; f32 {d_loss, g_loss: largest relative distance; d_loss_steps, g_loss_steps;
closest_kink}.

`first` is the number of the first batch of reals and of the first draw of noise. A pre-activation that rounding takes
to the other side of a ReLU's kink has another derivative, which shows in the losses as 1e-6 to 1e-5 some steps later,
where they are within 2e-7 else: how far a float32 run gets is then a matter of luck. So `first` is chosen, where the
networks are small enough for such a choice, that none comes closer to its kink than 3e-6 of its layer's root mean
square (closest_kink); rounding is about 4e-7.

The convolutional networks have too many units for that, and how far one float32 run gets is one throw of a die. Where a
recipe has `float32_runs`, `f32` is of the farthest of so many, all but the first from weights moved by one unit in the
last place: of what PyTorch's own rounding may do.
"""

import argparse
import json
import math
import sys
from pathlib import Path

import torch

import ops
from formula import D_TAG, G_TAG, NOISE_TAG, REAL_TAG, fill, is_batch_norm, uniform
from recipes import RECIPES

HERE = Path(__file__).parent
NUDGE_TAG = 1_000_000  # apart from all tags of formula.py
RELATIVE, ABSOLUTE = 1e-9, 1e-13  # --check; the absolute part is for gradients whose true value is 0


class Run:
    """Networks, optimisers, inputs by formula, and a record of every optimiser step."""

    def __init__(self, recipe, dtype, nudge=0):
        self.recipe, self.dtype = recipe, dtype
        self.G, self.D = recipe.build(dropout=0.0)
        for net, tag in (self.G, G_TAG), (self.D, D_TAG):
            net.to(torch.float64)
            fill(net, tag)
            net.to(dtype).train()
            if nudge:
                nudge_weights(net, tag, nudge)
            for layer in net:
                if isinstance(layer, (torch.nn.ReLU, torch.nn.LeakyReLU)):
                    layer.register_forward_pre_hook(self.watch_kink)
        self.optimisers = {"G": recipe.adam(self.G), "D": recipe.adam(self.D)}
        self.real_batches = self.noise_draws = recipe.first
        self.updates = []
        self.closest_kink = math.inf

    def watch_kink(self, _layer, inputs):
        x = inputs[0].detach()
        self.closest_kink = min(self.closest_kink, (x.abs().min() / x.square().mean().sqrt()).item())

    def reals(self):
        u = uniform(REAL_TAG + self.real_batches, (self.recipe.golden_batch, *self.recipe.sample))
        self.real_batches += 1
        is_image = len(self.recipe.sample) == 3
        return (u if is_image else math.sqrt(3.0) * u).to(self.dtype)

    def noise(self):
        u = uniform(NOISE_TAG + self.noise_draws, (self.recipe.golden_batch, self.recipe.latent))
        self.noise_draws += 1
        return (math.sqrt(3.0) * u).to(self.dtype)

    def update(self, name, loss):
        optimiser = self.optimisers[name]
        optimiser.zero_grad()
        loss.backward()
        norms = [norm(p.grad) for p in getattr(self, name).parameters()]
        self.updates.append({"net": name, "loss": loss.item(), "grad_norms": norms})
        optimiser.step()


def nudge_weights(net, first_tag, nudge):
    """Moves every parameter up or down by one unit in the last place, each time another way."""
    with torch.no_grad():
        for k, parameter in enumerate(net.parameters()):
            side = uniform(NUDGE_TAG * nudge + first_tag + k, tuple(parameter.shape)).sign().to(parameter.dtype)
            parameter.copy_(torch.nextafter(parameter, parameter + side))


def norm(x):
    """L2 norm, accumulated in float64."""
    return x.detach().double().norm().item()


def train(recipe, dtype, nudge=0):
    """Runs the golden's steps; returns the run and its curves."""
    run = Run(recipe, dtype, nudge)
    curves = {"d_loss": [], "g_loss": [], "real_acc": [], "fake_acc": []}
    for _ in range(recipe.golden_steps):
        step = recipe.loop(run)
        curves["d_loss"].append(step.d_loss.item())
        curves["g_loss"].append(step.g_loss.item())
        curves["real_acc"].append((step.p_real > 0.5).double().mean().item())
        curves["fake_acc"].append((step.p_fake < 0.5).double().mean().item())
    return run, curves


def zero_gradient(net):
    """Biases of layers that feed a BatchNorm directly: the batch mean takes them out again."""
    pairs = zip(net, list(net)[1:])
    return [f"{i}.bias" for i, (layer, after) in enumerate(pairs) if is_batch_norm(after) and layer.bias is not None]


def final_norms(net):
    """L2 norm of every parameter and running statistic."""
    return {name: norm(x) for name, x in net.state_dict().items() if x.is_floating_point()}


def float32_distance(golden, runs):
    """Relative distance of the losses of float32 runs, of whichever is farthest: the largest, and step by step."""

    def distance(a, *bs):
        return max(abs(b - a) for b in bs) / max(abs(a), 1e-12)

    out = {}
    for key in "d_loss", "g_loss":
        steps = list(map(distance, golden[key], *(run[key] for run in runs)))
        out |= {key: max(steps), f"{key}_steps": steps}
    return out


def recipe_golden(name):
    """The content of NAME.json."""
    recipe = RECIPES[name]
    run, curves = train(recipe, torch.float64)
    single = [train(recipe, torch.float32, nudge)[1] for nudge in range(recipe.float32_runs)]
    nets = {"G": run.G, "D": run.D}
    golden = {
        "recipe": name,
        "torch": torch.__version__.split("+")[0],
        "dtype": "float64",
        "dropout": 0.0,
        "batch": recipe.golden_batch,
        "steps": recipe.golden_steps,
        "latent": recipe.latent,
        "first": recipe.first,
        "adam": {"lr": recipe.lr, "betas": list(recipe.betas), "eps": recipe.eps},
        "layers": {k: [str(layer) for layer in net] for k, net in nets.items()},
        "parameters": {
            k: [{"name": n, "shape": list(p.shape)} for n, p in net.named_parameters()] for k, net in nets.items()
        },
        "counts": dict(zip("GD", recipe.counts)),
        "zero_gradient": {k: zero_gradient(net) for k, net in nets.items()},
        **curves,
        "updates": run.updates,
        "final": {k: final_norms(net) for k, net in nets.items()},
        "f32": float32_distance(curves, single) | {"closest_kink": run.closest_kink},
    }
    distance = golden["f32"]
    print(
        f"{name}: float32 is {distance['d_loss']:.1e} (d_loss), {distance['g_loss']:.1e} (g_loss) from float64, "
        f"closest kink {distance['closest_kink']:.1e}"
    )
    return golden


def render(golden):
    """JSON with one line per key, and one line per item of the long lists of objects."""

    def value(key, x):
        if key in ("updates", "cases"):
            return "[\n" + ",\n".join("    " + json.dumps(item) for item in x) + "\n  ]"
        return json.dumps(x)

    return "{\n" + ",\n".join(f'  "{key}": {value(key, x)}' for key, x in golden.items()) + "\n}\n"


def differences(old, new, path=""):
    """Yields a line for every place where two goldens differ."""
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        for key in old.keys() - {"f32", "torch"}:
            yield from differences(old[key], new[key], f"{path}/{key}")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, (a, b) in enumerate(zip(old, new)):
            yield from differences(a, b, f"{path}/{i}")
    elif isinstance(old, float) and isinstance(new, float):
        if not abs(old - new) <= RELATIVE * max(abs(old), abs(new)) + ABSOLUTE:
            yield f"{path}: committed {old!r}, now {new!r}"
    elif old != new:
        yield f"{path}: committed {old!r}, now {new!r}"


def check(path, golden):
    """Prints how `golden` differs from the committed file; True where it does not."""
    if not path.exists():
        print(f"{path.name}: missing; run without --check to write it")
        return False
    lines = list(differences(json.loads(path.read_text()), json.loads(render(golden))))
    for line in lines[:10]:
        print(f"{path.name}{line}")
    print(f"{path.name}: " + (f"{len(lines)} differences" if lines else "same"))
    return not lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join([*RECIPES, 'ops'])}; all if none")
    parser.add_argument("--check", action="store_true", help="compare with the committed files instead of writing them")
    args = parser.parse_args()
    names = args.names or [*RECIPES, "ops"]
    if unknown := set(names) - {*RECIPES, "ops"}:
        parser.error(f"no golden is called {', '.join(sorted(unknown))}")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    same = True
    for name in names:
        golden = ops.golden() if name == "ops" else recipe_golden(name)
        path = HERE / f"{name}.json"
        if args.check:
            same &= check(path, golden)
        else:
            path.write_text(render(golden))
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
