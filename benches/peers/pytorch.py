"""PyTorch's side of `cargo xtask bench --peers`: kernels and whole steps on request, one line in, one line of JSON out.

    echo '15 step dcgan 64' | python benches/peers/pytorch.py --threads 2

With `--device cuda` it is PyTorch's side of `cargo xtask gpu-report`, and has the cases

    step RECIPE BATCH fp32|tf32     a training step, eager
    graph RECIPE BATCH fp32|tf32    the same as a CUDA graph, channels_last, with Adam on the device
    peak fp32|tf32, copy            TFLOP/s of a product of 8192³, GB/s of a copy of 1 GiB
    matmul fp32|tf32                no case: how products are rounded from then on

and the kernels' cases are timed by the device's clock. `threads N` is no case either: so many threads from then on.

Requests and answers are those of benches/src/protocol.rs, the cases those of benches/src/cases/mod.rs. All of it is
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


def instance_norm(n, c, side):
    x = torch.rand(n, c, side, side).requires_grad_()
    gamma, beta = (torch.rand(c).requires_grad_() for _ in range(2))

    def run():
        y = F.relu(F.instance_norm(x, weight=gamma, bias=beta))
        torch.autograd.grad(y, (x, gamma, beta), y.detach())

    return run


def optimiser(name, *lens):
    parameters = [torch.rand(n).requires_grad_() for n in lens]
    for p in parameters:
        p.grad = torch.rand_like(p) - 0.5
    if name == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=2e-4).step
    if name == "sgd":
        return torch.optim.SGD(parameters, lr=2e-4, momentum=0.9, fused=True).step
    adam = torch.optim.Adam(parameters, lr=2e-4, betas=(0.5, 0.999), fused=True)

    def clipped():
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        adam.step()

    return clipped if name == "clipped-adam" else adam.step


def average(*lens):
    values, averages = [torch.rand(n) for n in lens], [torch.zeros(n) for n in lens]
    return lambda: torch._foreach_lerp_(averages, values, 0.001)


def clamp(*lens):
    values = [torch.rand(n) - 0.5 for n in lens]

    def run():
        for x in values:
            x.clamp_(-0.01, 0.01)

    return run


FUNCTIONS = ("relu", "leaky-relu", "tanh", "softplus", "relu-gradient", "elu", "sin", "erf", "select")


def function(name, count):
    x, dy = torch.rand(count) - 0.5, torch.rand(count) - 0.5
    return {
        "relu": lambda: F.relu(x),
        "leaky-relu": lambda: F.leaky_relu(x, 0.2),
        "tanh": lambda: torch.tanh(x),
        "softplus": lambda: F.softplus(x),
        "elu": lambda: F.elu(x),
        "sin": lambda: torch.sin(x),
        "erf": lambda: torch.erf(x),
        "select": lambda: torch.where(dy.bool(), x, dy),
        "relu-gradient": lambda: torch.ops.aten.threshold_backward(dy, x, 0),
    }[name]


def total(name, rows, columns):
    x = torch.rand(rows, columns) - 0.5
    return {"sum": lambda: x.sum(0), "sum-rows": lambda: x.sum(1), "sum-all": lambda: x.sum()}[name]


def softmax(rows, columns):
    x, dy = torch.rand(rows, columns) - 0.5, torch.rand(rows, columns) - 0.5
    return lambda: torch.ops.aten._softmax_backward_data(dy, x.softmax(1), 1, torch.float32)


def clone(count):
    x, out = torch.rand(count), torch.empty(count)
    return lambda: out.copy_(x)


def channels_last(n, c, side):
    x, out = torch.rand(n, c, side, side), torch.empty(n, c, side, side).to(memory_format=torch.channels_last)
    return lambda: out.copy_(x)


def resample(name, n, c, side):
    """Filters are convolutions of one channel each, as StyleGAN2's own reference has them."""
    x = torch.rand(n, c, side, side) - 0.5
    taps = torch.tensor([0.125, 0.375, 0.375, 0.125])
    kernel = torch.outer(taps, taps).expand(c, 1, 4, 4).contiguous()
    return {
        "upsample": lambda: F.interpolate(x, scale_factor=2),
        "average-pool": lambda: F.avg_pool2d(x, 2),
        "fir-up": lambda: F.conv_transpose2d(x, kernel, stride=2, padding=1, groups=c),
        "fir-down": lambda: F.conv2d(x, kernel, stride=2, padding=1, groups=c),
    }[name]


def reflect(n, c, side):
    x = torch.rand(n, c, side, side).requires_grad_()

    def run():
        y = F.pad(x, (3, 3, 3, 3), mode="reflect")
        torch.autograd.grad(y, x, y.detach())

    return run


def draw(name, count):
    out = torch.empty(count)
    return {"normal": out.normal_, "uniform": out.uniform_, "mask": lambda: out.bernoulli_(0.7)}[name]


def step(name, batch):
    recipe = RECIPES[name]
    run = Run(recipe, int(batch), 0.3, fused=False)
    return lambda: recipe.loop(run)


def set_matmul(mode):
    """Products and convolutions in full f32, or in TF32."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = mode == "tf32"
    torch.backends.cudnn.benchmark = True


def steps_on_gpu(way, name, batch, mode):
    """A call that runs a training step and waits for it; `call.many(n)` waits once for n."""
    set_matmul(mode)
    recipe = RECIPES[name]
    graph = way == "graph"
    run = Run(recipe, int(batch), 0.3, fused=graph, **({"capturable": True} if graph else {}))
    if graph:
        for net in (run.G, run.D):
            net.to(memory_format=torch.channels_last)
        run.pool = [x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x for x in run.pool]
    one = captured(recipe, run) if graph else lambda: recipe.loop(run)

    def call(times=1):
        for _ in range(times):
            one()
        torch.cuda.synchronize()

    call.many = True
    return call


def captured(recipe, run):
    """A step as a graph. Its batch is the same every time, which costs and spares nothing."""
    run.pool = run.pool[:1]
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(5):
            recipe.loop(run)
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        recipe.loop(run)
    return graph.replay


def peak(mode, side=8192):
    """TFLOP/s of a large product."""
    set_matmul(mode)
    a, b = torch.rand(side, side) - 0.5, torch.rand(side, side) - 0.5
    out = torch.empty(side, side)
    return lambda: 2e-9 * side**3 / device_ms(lambda: torch.mm(a, b, out=out))


def copy(count=2**28):
    """GB/s, read and written."""
    a, b = torch.rand(count), torch.empty(count)
    return lambda: 8e-6 * count / device_ms(lambda: b.copy_(a))


def device_ms(call, runs=10):
    """Milliseconds of a call, by the device's clock."""
    call()
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    for _ in range(runs):
        call()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / runs


def prepare(name, *rest):
    if name in ("step", "graph") and len(rest) == 3:
        return steps_on_gpu(name, *rest)
    if name == "step":
        return step(*rest)
    if name in ("c", "ct"):
        return convolution(name == "ct", rest[0], *map(int, rest[1:]))
    named = {
        **dict.fromkeys(("adam", "clipped-adam", "rmsprop", "sgd"), optimiser),
        **dict.fromkeys(FUNCTIONS, function),
        **dict.fromkeys(("sum", "sum-rows", "sum-all"), total),
        **dict.fromkeys(("normal", "uniform", "mask"), draw),
        **dict.fromkeys(("upsample", "average-pool", "fir-up", "fir-down"), resample),
    }
    if name in named:
        return named[name](name, *map(int, rest))
    plain = {
        "sgemm": sgemm,
        "bn": batch_norm,
        "in": instance_norm,
        "average": average,
        "clamp": clamp,
        "clone": clone,
        "channels-last": channels_last,
        "softmax": softmax,
        "reflect": reflect,
    }
    return plain[name](*map(int, rest))


def median(call, runs, device):
    """Milliseconds, after a warm-up."""
    if hasattr(call, "many"):
        call(5)
        start = time.perf_counter()
        call(runs)
        return (time.perf_counter() - start) * 1e3 / runs
    if device != "cpu":
        return device_ms(call, runs)
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
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    args = parser.parse_args()
    torch.set_default_device(args.device)
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
            elif case[0] == "threads":
                torch.set_num_threads(int(case[1]))
                answer = {"value": torch.get_num_threads()}
            elif case[0] == "matmul":
                answer = {"value": set_matmul(case[1]) or 0}
            elif case[0] in ("peak", "copy"):
                answer = {"value": {"peak": peak, "copy": copy}[case[0]](*case[1:])()}
            else:
                if case != held:
                    held = call = None  # the old case's memory goes before the new one's comes
                    call = prepare(*case)
                    held = case
                answer = {"ms": median(call, int(runs), args.device), "runs": int(runs)}
        except Exception as error:  # a case that PyTorch does not have ends a row, not the run
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
