"""Writes the goldens of this folder: full training steps of every recipe in PyTorch, 20 or fewer, a few layers, functions
of tensors, the optimisers, losses and penalties.

    python -m pip install torch==2.11.0 numpy
    python tests/golden/generate.py               # write all
    python tests/golden/generate.py dcgan ops     # write some
    python tests/golden/generate.py --check       # compare with the committed files instead; exit 1 on a difference

What PyTorch and Detach share is the formula of every number (formula.py), the networks (networks.py), the loops (loops.py) and
these files; no weights are exchanged. Dropout has p = 0 here, because its masks cannot match.

The float64 run is the golden. A float32 run of the same steps says how far PyTorch itself gets from it; those
distances are rounding, differ between machines, and are not part of --check. Everything runs on one thread.

A recipe's file has: recipe, torch, dtype, dropout, batch, steps, latent, first, skips where there are any; adam {kind:
"adam" for torch.optim.Adam, "adam-keras" for Keras' place of eps (optimisers.py); lr, betas, eps}; layers (position =
index in the Sequential), parameters [{name, shape}] in tag order, counts and zero_gradient (biases straight before
BatchNorm, whose true gradient is 0) per network; d_loss, g_loss, real_acc, fake_acc per step; updates [{net, loss,
grad_norms}] for every optimiser step in order, with one L2 norm per parameter; final {net: {name: L2 norm}} of
parameters and running statistics after the last step; f32 {d_loss, g_loss: largest relative distance; d_loss_steps,
g_loss_steps; steps, how many were followed, and gradient, the largest relative distance of a gradient of step 1, where
not all were; closest_kink; closest_sign, closest_linear_sign where they were chosen}.

`first` is the number of the first batch of reals and of the first draw of noise; a step of `skips` passes over so many
of both before it takes its own. Both are chosen so that the float64 run keeps clear of its kinks, of which there are
two kinds:

* A pre-activation that rounding takes to the other side of a ReLU's kink has another derivative, which shows in the
  losses as 1e-6 to 1e-5 some steps later, where they are within 2e-7 else, and as 1e-3 to 1e-1 after twenty.
  closest_kink is the closest that one comes, as a share of its layer's root mean square.
* Adam's first update is lr * g / (|g| + eps), the sign of g. A gradient that rounding takes to the other side of 0 moves
  its weight by 2 lr the other way, thousands of times what rounding does, and takes pre-activations across their kinks
  with it. closest_sign is the closest that an element of a first gradient comes to 0, as a share of its parameter's
  root mean square; closest_linear_sign is that of the weights of fully connected layers, which do less harm. Keras'
  formula has |g| + eps / sqrt(1 - beta2) there: the same kink, rounded off over a range 32 times as wide.

How far a float32 run gets is a matter of luck where either comes within rounding, and a matter of rounding where none
does. `clear` in recipes.py says what is kept clear; a run that comes closer is refused. choose.py finds the numbers,
from PyTorch's float64 run alone.

The thresholds were set knowing how far PyTorch's own float32 runs get with them; given the thresholds, choose.py asks
the float64 run alone. Our results have no say in either.

Of the convolutional recipes, `f32` is of the farthest of several float32 runs (`float32_runs`), all but the first from
weights moved by one unit in the last place: of what PyTorch's own rounding may do. `dcgan64` and `infogan`
have six and thirteen million first gradients, too many to keep them all from 0, and their runs are three steps for that
reason; those of narrow networks for 64x64 pixels are, as ten say no more of networks.
"""

import argparse
import json
import math
import sys
from pathlib import Path

import torch

import detach
import functions
import losses
import ops
import optim
from formula import D_TAG, G_TAG, NOISE_TAG, REAL_TAG, fill, is_batch_norm, uniform
from recipes import RECIPES

HERE = Path(__file__).parent
LAYERS = {"detach": detach, "functions": functions, "losses": losses, "ops": ops, "optim": optim}
GOLDENS = [*RECIPES, *LAYERS]
NUDGE_TAG = 1_000_000  # apart from all tags of formula.py
RELATIVE, ABSOLUTE = 1e-9, 1e-13  # --check; the absolute part is for gradients whose true value is 0


class TooClose(Exception):
    """A float64 run came closer to a kink than the recipe's `clear` allows."""


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
            for layer in net.modules():
                if isinstance(layer, (torch.nn.ReLU, torch.nn.LeakyReLU)):
                    layer.register_forward_pre_hook(self.watch_kink)
        self.optimisers = {"G": recipe.optimise(self.G, "G"), "D": recipe.optimise(self.D, "D")}
        self.real_batches = self.noise_draws = recipe.first
        self.k = torch.zeros((), dtype=dtype)
        self.updates = []
        self.first_gradients = []
        self.steps = 0
        self.closest_kink = self.closest_sign = self.closest_linear_sign = math.inf

    def watch_kink(self, _layer, inputs):
        x = inputs[0].detach()
        distance = (x.abs().min() / x.square().mean().sqrt()).item()
        self.closest_kink = min(self.closest_kink, distance)
        clear = self.recipe.clear
        self.refuse("a ReLU's input", distance, clear.kink if self.steps == 1 else clear.later_kink)

    def watch_sign(self, net):
        """On the gradients of a first update, but for those whose true value is 0: those of a parameter, and those that
        are 0 in any precision, as of a class that no sample is of, or of a bias that moves reals and fakes alike."""
        zero = zero_gradient(net)
        for name, parameter in net.named_parameters():
            if name in zero:
                continue
            g = parameter.grad
            if not g.any():
                continue
            distance = (g[g != 0].abs().min() / g.square().mean().sqrt()).item()
            key = "linear_sign" if g.dim() == 2 else "sign"
            setattr(self, f"closest_{key}", min(getattr(self, f"closest_{key}"), distance))
            self.refuse(f"the first gradient of {name}", distance, getattr(self.recipe.clear, key))

    def keep_gradients(self, name):
        """Of step 1, but for those whose true value is 0."""
        zero, net = zero_gradient(getattr(self, name)), getattr(self, name)
        self.first_gradients += [p.grad.double().clone() for n, p in net.named_parameters() if n not in zero]

    def refuse(self, what, distance, limit):
        if distance < limit and self.dtype is torch.float64:
            raise TooClose(f"{what} is {distance:.1e} from 0 in step {self.steps}, nearer than {limit:.1e}")

    def begin_step(self, skip):
        self.steps += 1
        self.real_batches += skip
        self.noise_draws += skip

    def reals(self):
        u = uniform(REAL_TAG + self.real_batches, (self.recipe.golden_batch, *self.recipe.sample))
        self.real_batches += 1
        is_image = len(self.recipe.sample) == 3
        return (u if is_image else math.sqrt(3.0) * u).to(self.dtype)

    def noise(self):
        u = uniform(NOISE_TAG + self.noise_draws, (self.recipe.golden_batch, self.recipe.latent))
        self.noise_draws += 1
        return (math.sqrt(3.0) * u).to(self.dtype)

    def uniform(self, *shape):
        u = uniform(NOISE_TAG + self.noise_draws, shape)
        self.noise_draws += 1
        return ((u + 1) / 2).to(self.dtype)

    def labels(self):
        first = self.real_batches - 1
        return torch.arange(first, first + self.recipe.golden_batch) % 10

    def classes(self):
        return (10 * self.uniform(self.recipe.golden_batch)).floor().long()

    def update(self, name, loss):
        self.optimisers[name].zero_grad()
        loss.backward()
        self.step(name, loss)

    def step(self, name, loss):
        """The optimiser's, with the gradients that the parameters have, and its record."""
        optimiser = self.optimisers[name]
        if not optimiser.state:
            self.watch_sign(getattr(self, name))
        norms = [norm(p.grad) for p in getattr(self, name).parameters()]
        if self.steps == 1:
            self.keep_gradients(name)
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
    curves = {}
    for skip in recipe.skips or [0] * recipe.golden_steps:
        run.begin_step(skip)
        step = recipe.loop(run)
        told = {"d_loss": step.d_loss, "g_loss": step.g_loss}
        if step.p_real is not None:
            told["real_acc"] = (step.p_real > 0.5).double().mean()
            told["fake_acc"] = (step.p_fake < 0.5).double().mean()
        for name, value in (told | step.scalars).items():
            curves.setdefault(name, []).append(value.item())
    return run, curves


def optimiser(recipe):
    """Its constants, under the names of torch.optim."""
    if recipe.optimiser == "rmsprop":
        return {"kind": "rmsprop", "lr": recipe.lr, "alpha": 0.99, "eps": recipe.eps}
    return {"kind": recipe.optimiser, "lr": recipe.lr, "betas": list(recipe.betas), "eps": recipe.eps}


def zero_gradient(net):
    """Biases of layers that feed a BatchNorm directly: the batch mean takes them out again."""
    pairs = enumerate(zip(net, list(net)[1:]))
    names = [f"{i}.bias" for i, (layer, after) in pairs if is_batch_norm(after) and layer.bias is not None]
    rows = [(name, child) for name, child in net.named_children() if isinstance(child, torch.nn.Sequential)]
    return names + [f"{name}.{bias}" for name, row in rows for bias in zero_gradient(row)]


def final_norms(net):
    """L2 norm of every parameter and running statistic."""
    return {name: norm(x) for name, x in net.state_dict().items() if x.is_floating_point()}


def float32_distance(golden, runs, followed):
    """Relative distance of the losses of float32 runs, of whichever is farthest: the largest, and step by step, for so
    many steps."""

    def distance(a, *bs):
        return max(abs(b - a) for b in bs) / max(abs(a), 1e-12)

    out = {}
    for key in "d_loss", "g_loss":
        steps = list(map(distance, golden[key][:followed], *(run[key] for run in runs)))
        out |= {key: max(steps), f"{key}_steps": steps}
    return out


def gradient_distance(golden, runs):
    """Relative distance of the gradients of step 1 of float32 runs, of whichever is farthest."""
    distances = [
        norm(narrow - wide) / max(norm(wide), 1e-300)
        for run in runs
        for narrow, wide in zip(run.first_gradients, golden.first_gradients, strict=True)
        if norm(narrow - wide) > 0
    ]
    return max(distances)


def closest(run):
    """How close the run came to its kinks, of either kind where both were to be kept clear."""
    kinds = ["kink"] + [k for k in ("sign", "linear_sign") if getattr(run.recipe.clear, k)]
    distances = {f"closest_{k}": getattr(run, f"closest_{k}") for k in kinds}
    return {name: distance for name, distance in distances.items() if math.isfinite(distance)}  # some have no kinks


def recipe_golden(name):
    """The content of NAME.json."""
    recipe = RECIPES[name]
    try:
        run, curves = train(recipe, torch.float64)
    except TooClose as e:
        raise SystemExit(f"{name}: {e}; run choose.py") from e
    single = [train(recipe, torch.float32, nudge) for nudge in range(recipe.float32_runs)]
    followed = recipe.float32_steps or recipe.golden_steps
    float32 = float32_distance(curves, [curves for _, curves in single], followed)
    if recipe.float32_steps:
        float32 |= {"steps": followed, "gradient": gradient_distance(run, [narrow for narrow, _ in single])}
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
        **({"skips": list(recipe.skips)} if recipe.skips else {}),
        "adam": optimiser(recipe),
        "layers": {k: [str(layer) for layer in net] for k, net in nets.items()},
        "parameters": {
            k: [{"name": n, "shape": list(p.shape)} for n, p in net.named_parameters()] for k, net in nets.items()
        },
        "counts": dict(zip("GD", recipe.counts)),
        "zero_gradient": {k: zero_gradient(net) for k, net in nets.items()},
        "curves": list(curves),
        **curves,
        "updates": run.updates,
        "final": {k: final_norms(net) for k, net in nets.items()},
        "f32": float32 | closest(run),
    }
    distance = golden["f32"]
    print(
        f"{name}: float32 is {distance['d_loss']:.1e} (d_loss), {distance['g_loss']:.1e} (g_loss) from float64, "
        f"closest kink {distance.get('closest_kink', math.inf):.1e}"
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
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(GOLDENS)}; all if none")
    parser.add_argument("--check", action="store_true", help="compare with the committed files instead of writing them")
    args = parser.parse_args()
    names = args.names or GOLDENS
    if unknown := set(names) - {*GOLDENS}:
        parser.error(f"no golden is called {', '.join(sorted(unknown))}")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    same = True
    for name in names:
        golden = LAYERS[name].golden() if name in LAYERS else recipe_golden(name)
        path = HERE / f"{name}.json"
        if args.check:
            same &= check(path, golden)
        else:
            path.write_text(render(golden))
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
