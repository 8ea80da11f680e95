"""Optimisers that PyTorch does not have, on PyTorch's tensors."""

import math

import torch


class AdamKeras(torch.optim.Optimizer):
    """Adam as Keras computes it: ε is added before the bias correction, which then scales the step alone.

        m <- m + (g - m) (1 - beta1)
        v <- beta2 v + (1 - beta2) g²
        p <- p - lr sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + eps)

    torch.optim.Adam corrects v first and adds ε to its root. The two are equal where its ε is eps / sqrt(1 - beta2^t):
    32 times Keras' ε in the first step with beta2 = 0.999, 7.1 times after twenty, ε itself in the end. Moments are
    updated by the operations of torch.optim.Adam, in their order. A parameter without a gradient is passed over.
    """

    def __init__(self, parameters, lr, betas, eps):
        super().__init__(parameters, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self.step_of(parameter, group["lr"], *group["betas"], group["eps"])

    def step_of(self, parameter, lr, beta1, beta2, eps):
        """One update of one parameter."""
        state = self.state[parameter]
        if not state:
            state |= {"t": 0, "m": torch.zeros_like(parameter), "v": torch.zeros_like(parameter)}
        state["t"] += 1
        t, m, v, g = state["t"], state["m"], state["v"], parameter.grad
        m.lerp_(g, 1 - beta1)
        v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
        rate = lr * math.sqrt(1 - beta2**t) / (1 - beta1**t)
        parameter.addcdiv_(m, v.sqrt().add_(eps), value=-rate)
