def step(run):
    """G first; then D, on half the sum, with the fakes made before G's update. Returns both losses."""
    real = run.reals()
    fake = run.G(run.noise(len(real)))
    g_loss = on_fakes(run.D(fake))
    run.update("G", g_loss)
    d_loss = on_reals_and_fakes(run.D(real), run.D(fake.detach())) / 2
    run.update("D", d_loss)
    return d_loss, g_loss
