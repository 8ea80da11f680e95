"""Whole training steps, ours and PyTorch's, in turn within the same minutes.

    cargo build --release -p detach-gan
    python benches/peers/compare.py [RECIPE ...] [--rounds 5] [--steps 60] [--batch 64] [--threads 2] [--data-dir DIR]

Needs `pip install torch==2.11.0 numpy`. Our steps are those of `gan train`, dropout on; its
`step_ms` is the time of the step alone. Each round runs both, so that a machine that slows down slows both;
the ratio is taken round by round.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
WARM_UP = 10


def ours(gan, recipe, args):
    """Median milliseconds of a step after the warm-up."""
    with tempfile.TemporaryDirectory() as folder:
        command = [gan, "train", recipe, "--out", os.path.join(folder, "run"), "--quiet", "--no-pictures", "--offline"]
        command += ["--data-dir", args.data_dir] if args.data_dir else []
        command += ["--log-every", "1", "--max-steps", str(args.steps), "--threads", str(args.threads)]
        command += ["--batch-size", str(args.batch)] if args.batch else []
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with open(os.path.join(folder, "run", "metrics.jsonl")) as lines:
            times = [json.loads(line)["step_ms"] for line in lines]
    return statistics.median(times[WARM_UP:])


def pytorch(recipe, args):
    """The same of step.py."""
    command = [sys.executable, os.path.join(HERE, "step.py"), recipe, "--steps", str(args.steps - WARM_UP)]
    command += ["--threads", str(args.threads)]
    command += ["--batch", str(args.batch)] if args.batch else []
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)["median_ms"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", default=["dcgan", "dcgan-light", "mlp", "keras-mlp"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--batch", type=int, default=None, help="images a batch (default: as published)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data-dir", help="our data (default: what gan finds, else synthetic digits)")
    parser.add_argument("--gan", default=os.path.join(ROOT, "target", "release", "gan"))
    args = parser.parse_args()
    print("| recipe | ours, ms | PyTorch, ms | PyTorch / ours | rounds |")
    print("|---|---|---|---|---|")
    for recipe in args.recipes:
        rounds = [(ours(args.gan, recipe, args), pytorch(recipe, args)) for _ in range(args.rounds)]
        mine, theirs = (statistics.median(column) for column in zip(*rounds))
        ratios = [b / a for a, b in rounds]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"| `{recipe}` | {mine:.1f} | {theirs:.1f} | **{statistics.median(ratios):.2f}** ({spread}) | {args.rounds} |", flush=True)


if __name__ == "__main__":
    main()
