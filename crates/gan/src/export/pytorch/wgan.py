def step(run):
    """Steps of the critic, its weights clipped after each; then G on fresh noise. Returns both losses."""
    warm = OPTIONS["warmup"] and (run.steps < OPTIONS["warmup-steps"] or run.steps % 500 == 0)
    real = run.reals()
    for i in range(OPTIONS["warmup-d-steps"] if warm else OPTIONS["d-steps"]):
        if i > 0 and OPTIONS["fresh-reals"]:
            real = run.reals()
        fake = run.G(run.noise(len(real))).detach()
        on_real, on_fake = run.D(real), run.D(fake)
        d_loss = on_fake.mean() - on_real.mean()
        run.update("D", d_loss)
        with torch.no_grad():
            for parameter in run.D.parameters():
                parameter.clamp_(-OPTIONS["clip"], OPTIONS["clip"])
    g_loss = -run.D(run.G(run.noise(len(real)))).mean()
    run.update("G", g_loss)
    return d_loss, g_loss
