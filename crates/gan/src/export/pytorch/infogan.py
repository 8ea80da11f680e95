class OfCode(nn.Sequential):
    """A row of layers on noise, one-hot class and numbers side by side."""

    def forward(self, z, y, numbers):
        return super().forward(torch.cat([z, one_hot(y, z), numbers], 1))


class Recogniser(nn.Sequential):
    """A row of layers, and beside its last one a network q that reads off which code a sample was made from."""

    def __init__(self, *layers, q):
        super().__init__(*layers)
        self.q = q

    def forward(self, x, read=True):
        *features, head = list(self)[:-1]
        h = x
        for layer in features:
            h = layer(h)
        return head(h), self.q(h) if read else None


def draw(run, n):
    """Noise and a code: a class and numbers."""
    z = run.uniform(n, OPTIONS["latent"]) * 2 - 1
    y = run.classes(n)
    return z, y, run.uniform(n, OPTIONS["codes"]) * 2 - 1


def surprise(read, y, numbers):
    """How badly a code was read."""
    classes, codes = OPTIONS["classes"], OPTIONS["codes"]
    wrong = read[:, classes : classes + codes] - numbers
    return F.cross_entropy(read[:, :classes], y) + wrong.square().sum(1).mean() / 2


def step(run):
    """D and q on reals and detached fakes, one update; then G on fresh noise and code. Returns both losses."""
    weight = OPTIONS["info-weight"]
    real = run.reals()
    z, *code = draw(run, len(real))
    fake = run.G(z, *code).detach()
    (real_logits, _), (fake_logits, read) = run.D(real, read=False), run.D(fake)
    d_loss = on_reals_and_fakes(real_logits, fake_logits) + weight * surprise(read, *code)
    run.update("D", d_loss)
    z, *code = draw(run, len(real))
    with running_statistics(run.D, OPTIONS["d-stats-in-g-step"]):
        logits, read = run.D(run.G(z, *code))
    g_loss = on_fakes(logits) + weight * surprise(read, *code)
    run.update("G", g_loss)
    return d_loss, g_loss
