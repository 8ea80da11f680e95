def one_hot(y, x):
    """A channel a class, in the type of x and of its height and width where it has any."""
    hot = F.one_hot(y, OPTIONS["classes"]).to(x.dtype)
    return hot.view(*hot.shape, *[1] * (x.dim() - 2)).expand(*hot.shape, *x.shape[2:])


class OfClass(nn.Sequential):
    """A row of layers on the one-hot class beside x."""

    def forward(self, x, y):
        return super().forward(torch.cat([one_hot(y, x), x], 1))
