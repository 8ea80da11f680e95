class BesideClass(nn.Sequential):
    """A row of layers on the pixels of x and, behind them, the one-hot class."""

    def forward(self, x, y):
        pixels = x.flatten(1)
        return super().forward(torch.cat([pixels, one_hot(y, pixels)], 1))


def step(run):
    """G first; then D on reals with their classes and on the fakes made before G's update. Returns both losses."""
    real, y = run.reals(), run.labels()
    z, wanted = run.noise(len(real)), run.classes(len(real))
    fake = run.G(z, wanted)
    g_loss = (run.D(fake, wanted) - 1).square().mean()
    run.update("G", g_loss)
    on_real, on_fake = run.D(real, y), run.D(fake.detach(), wanted)
    d_loss = ((on_real - 1).square().mean() + on_fake.square().mean()) / 2
    run.update("D", d_loss)
    return d_loss, g_loss
