def step(run):
    """D on reals and detached fakes, one update; then G through the updated D on fresh noise. Returns both losses."""
    for _ in range(OPTIONS["d-steps"]):
        real = run.reals()
        fake = run.G(run.noise(len(real))).detach()
        d_loss = on_reals_and_fakes(run.D(real), run.D(fake))
        run.update("D", d_loss)
    with running_statistics(run.D, OPTIONS.get("d-stats-in-g-step", True)):
        g_loss = on_fakes(run.D(run.G(run.noise(len(real)))))
    run.update("G", g_loss)
    return d_loss, g_loss
