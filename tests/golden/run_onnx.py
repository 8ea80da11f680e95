"""Does ONNX Runtime make of exported networks what `gan` and PyTorch make of the same weights?

    python -m pip install torch==2.11.0 numpy safetensors onnx onnxruntime
    python tests/golden/run_onnx.py FOLDER RECIPE...

FOLDER/RECIPE has what `gan train`, `gan sample` and `gan export` left: run/export/*.onnx, run/checkpoints/*.safetensors,
z.npy [N, z] noise and images.npy the samples made from it, and labels.idx1-ubyte where there are classes. The models pass
onnx.checker, shapes and all. A generator's images are ours within 1e-5; a discriminator's answers are those of the
PyTorch network of recipes.py. Both are run on batches of several sizes. Exits with 1 where something differs.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from safetensors.torch import load_file

from recipes import RECIPES

LIMIT = 1e-5
# With no switch moved.
NETWORKS = {"lab": "dcgan-light"}
# Ours end in logits, and the goldens' in sigma.
ON_LOGITS = {"keras-mlp", "dcgan", "mlp", "mlp-relu", "gauss1d", "dcgan-light", "dcgan64", "cgan", "infogan"}


def model(path):
    """What runs the model, as a function of its inputs by name."""
    onnx.checker.check_model(str(path), full_check=True)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    return lambda values: session.run(None, {name: values[name] for name in names})


def difference(what, ours, theirs):
    """Prints the largest; True where it is beyond the limit."""
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        print(f"{what}: {ours.dtype} {ours.shape}, and {theirs.dtype} {theirs.shape} was expected")
        return True
    largest = float(np.abs(ours - theirs).max())
    print(f"{what}: max abs difference {largest:.3g}")
    return not largest <= LIMIT


def labels_of(folder):
    path = folder / "labels.idx1-ubyte"
    return np.frombuffer(path.read_bytes()[8:], np.uint8).astype(np.int64) if path.exists() else None


def generator(recipe, folder):
    values, images = {"z": np.load(folder / "z.npy"), "y": labels_of(folder)}, np.load(folder / "images.npy")
    run = model(folder / "run/export/generator.onnx")
    wrong = difference(f"{recipe} G", run(values)[0], images)
    few = {name: value[:3] for name, value in values.items() if value is not None}
    return difference(f"{recipe} G, three", run(few)[0], images[:3]) or wrong


def answers(recipe, net, x, y):
    """Of the PyTorch network, under the names of the model's outputs."""
    if recipe == "infogan":
        p, code = net(x)
        return [p, code[:, :10], code[:, 10:12]]
    return [net(x) if y is None or recipe == "acgan" else net(x, y)]


def discriminator(name, folder):
    recipe = NETWORKS.get(name, name)
    _, net = RECIPES[recipe].build(dropout=0.0)
    net.load_state_dict(load_file(folder / "run/checkpoints/discriminator.safetensors"), strict=True)
    net.eval()
    images, y = np.load(folder / "images.npy"), labels_of(folder)
    with torch.no_grad():
        theirs = answers(recipe, net, torch.from_numpy(images), None if y is None else torch.from_numpy(y))
    ours = model(folder / "run/export/discriminator.onnx")({"x": images, "y": y})
    if recipe in ON_LOGITS:
        ours[0] = 1 / (1 + np.exp(-ours[0]))
    pairs = zip(ours, theirs, strict=True)
    return any([difference(f"{name} D", a, b.numpy()) for a, b in pairs])


def main():
    folder, recipes = Path(sys.argv[1]), sys.argv[2:]
    wrong = [recipe for recipe in recipes if generator(recipe, folder / recipe) | discriminator(recipe, folder / recipe)]
    if wrong:
        print(f"wrong: {', '.join(wrong)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
