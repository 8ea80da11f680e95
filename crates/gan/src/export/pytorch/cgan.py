def step(run):
    """D on reals with their classes and on detached fakes of drawn ones, one update; then G. Returns both losses."""
    real, y = run.reals(), run.labels()
    z, wanted = run.noise(len(real)), run.classes(len(real))
    fake = run.G(z, wanted).detach()
    d_loss = on_reals_and_fakes(run.D(real, y), run.D(fake, wanted))
    run.update("D", d_loss)
    z, wanted = run.noise(len(real)), run.classes(len(real))
    with running_statistics(run.D, OPTIONS["d-stats-in-g-step"]):
        g_loss = on_fakes(run.D(run.G(z, wanted), wanted))
    run.update("G", g_loss)
    return d_loss, g_loss
