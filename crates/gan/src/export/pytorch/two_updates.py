def step(run):
    """D on reals, update; D on fakes, update; then G through D on the same noise, fakes made again. Returns both losses."""
    targets = OPTIONS["targets"]
    for _ in range(OPTIONS["d-steps"]):
        real = run.reals()
        z = run.noise(len(real))
        fake = run.G(z).detach()
        on_real = bce(run.D(real), targets["real"])
        run.update("D", on_real)
        on_fake = bce(run.D(fake), targets["fake"])
        run.update("D", on_fake)
    g_loss = on_fakes(run.D(run.G(z)))
    run.update("G", g_loss)
    return (on_real + on_fake) / 2, g_loss
