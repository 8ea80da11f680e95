def spectral_norms(net):
    return [m for m in net.modules() if isinstance(m, nn.utils.parametrizations._SpectralNorm)]


@contextmanager
def still(net, iterate):
    """Spectral norms take no iteration, unless they are to."""
    norms = [] if iterate else spectral_norms(net)
    for norm in norms:
        norm.eval()
    yield
    for norm in norms:
        norm.train()


def step(run):
    """D on reals and detached fakes, one update; then G through the updated D on fresh noise. Returns both losses."""
    iterate = OPTIONS["iterate-always"]
    for norm in spectral_norms(run.G) + spectral_norms(run.D):
        norm.n_power_iterations = OPTIONS["power-iterations"]
    real = run.reals()
    fake = run.G(run.noise(len(real))).detach()
    on_real = run.D(real)
    with still(run.D, iterate):
        on_fake = run.D(fake)
    d_loss = D_LOSSES[OPTIONS["loss"]](on_real, on_fake)
    run.update("D", d_loss)
    with still(run.D, iterate):
        on_fake = run.D(run.G(run.noise(len(real))))
        g_loss = G_LOSSES[OPTIONS["loss"]](on_fake, lambda: run.D(real))
    run.update("G", g_loss)
    return d_loss, g_loss
