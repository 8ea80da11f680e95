def step(run):
    """D on reals and detached fakes, one update; then G through the updated D on the same fakes. Returns both losses."""
    for _ in range(OPTIONS["d-steps"]):
        real = run.reals()
        fake = run.G(run.noise(len(real)))
        d_loss = on_reals_and_fakes(run.D(real), run.D(fake.detach()))
        run.update("D", d_loss)
    with running_statistics(run.D, OPTIONS["d-stats-in-g-step"]):
        g_loss = on_fakes(run.D(fake))
    run.update("G", g_loss)
    return d_loss, g_loss
