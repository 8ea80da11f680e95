"""PyTorch's side of `cargo xtask bench --peers`: kernels and whole steps on request, one line in, one line of JSON out.

    echo '15 step dcgan 64' | python benches/peers/pytorch.py --threads 2

Requests and answers are those of benches/src/protocol.rs, the cases those of benches/src/cases.rs. All of it is
PyTorch as its users run it: eager, contiguous NCHW, through torch.nn.functional and autograd; the backward passes of a
convolution one at a time through aten.convolution_backward. `cargo xtask bench` raises glibc's mmap threshold for it
(MALLOC_MMAP_THRESHOLD_): a `dcgan` step at batch 1024 takes 1.8 s with that and 3.0 s without.
"""

import argparse
import json
import statistics
import sys
import time

import torch
from step import RECIPES, Run, teach_allocator
from torch.nn import functional as F

WARM_UP = 0.005  # seconds; and at least one run, as in protocol.rs


def sgemm(m, n, k):
    a, b, out = torch.rand(m, k) - 0.5, torch.rand(k, n) - 0.5, torch.empty(m, n)
    return lambda: torch.mm(a, b, out=out)


def convolution(transposed, op, i, o, kernel, stride, padding, side, batch):
    x = torch.rand(batch, i, side, side) - 0.5
    w = torch.rand(*((i, o) if transposed else (o, i)), kernel, kernel) - 0.5
    forward = F.conv_transpose2d if transposed else F.conv2d
    with torch.no_grad():
        dy = torch.rand_like(forward(x, w, stride=stride, padding=padding)) - 0.5
    masks = {"dgrad": [True, False, False], "wgrad": [False, True, False]}
    if op == "fprop":
        return lambda: forward(x, w, stride=stride, padding=padding)
    sizes = [stride] * 2, [padding] * 2, [1, 1], transposed, [0, 0], 1
    return lambda: torch.ops.aten.convolution_backward(dy, x, w, None, *sizes, masks[op])


def batch_norm(n, c, side):
    x = (torch.rand(n, c, side, side) - 0.5).requires_grad_()
    gamma, beta = torch.rand(c).requires_grad_(), torch.rand(c).requires_grad_()
    mean, var = torch.zeros(c), torch.ones(c)
    dy = torch.rand(n, c, side, side) - 0.5

    def run():
        y = F.relu(F.batch_norm(x, mean, var, gamma, beta, training=True))
        torch.autograd.grad(y, (x, gamma, beta), dy)

    return run


def adam(*lens):
    parameters = [torch.rand(n).requires_grad_() for n in lens]
    for p in parameters:
        p.grad = torch.rand_like(p) - 0.5
    return torch.optim.Adam(parameters, lr=2e-4, betas=(0.5, 0.999), fused=True).step


def step(name, batch):
    recipe = RECIPES[name]
    run = Run(recipe, int(batch), 0.3, fused=False)
    return lambda: recipe.loop(run)


def prepare(name, *rest):
    if name == "step":
        return step(*rest)
    if name in ("c", "ct"):
        return convolution(name == "ct", rest[0], *map(int, rest[1:]))
    return {"sgemm": sgemm, "bn": batch_norm, "adam": adam}[name](*map(int, rest))


def median(call, runs):
    """Milliseconds, after a warm-up."""
    start = time.perf_counter()
    while True:
        call()
        if time.perf_counter() - start >= WARM_UP:
            break
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def peak_memory():
    """The most memory this process has held, in MiB."""
    with open("/proc/self/status") as lines:
        return next(float(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, help="default: PyTorch's own choice")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    teach_allocator()
    held, call = None, None
    for line in sys.stdin:
        try:
            runs, *case = line.split()
            if case == ["memory"]:
                answer = {"value": peak_memory()}
            elif case == ["info"]:
                answer = {"text": f"PyTorch {torch.__version__}"}
            else:
                if case != held:
                    held = call = None  # the old case's memory goes before the new one's comes
                    call = prepare(*case)
                    held = case
                answer = {"ms": median(call, int(runs)), "runs": int(runs)}
        except Exception as error:  # a case that PyTorch does not have ends a row, not the run
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
