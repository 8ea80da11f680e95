def slopes(d, x):
    """The gradient of D at each of the samples x, with a graph, as rows."""
    x = x.detach().requires_grad_()
    return torch.autograd.grad(d(x).sum(), x, create_graph=True)[0].flatten(1)


def penalty(run, real, fake):
    """What holds the critic's slopes; 0 where nothing does."""
    o = OPTIONS["penalty"]
    if o["kind"] == "none" or run.steps % o["every"] != 0:
        return 0
    weight = o["weight"] * o["every"]
    if o["kind"] == "gradient":
        alpha = run.uniform(len(real), 1, 1, 1)
        between = alpha * real + (1 - alpha) * fake
        return weight * (slopes(run.D, between).norm(dim=1) - 1).square().mean()
    places = {"r1": [real], "r2": [fake], "r1-r2": [real, fake]}[o["kind"]]
    return weight * sum(slopes(run.D, x).square().sum(1).mean() / 2 for x in places)


def step(run):
    """Steps of the critic, with a penalty where there is one; then G on fresh noise. Returns both losses."""
    real = run.reals()
    for i in range(OPTIONS.get("d-steps", 1)):
        if i > 0 and OPTIONS["fresh-reals"]:
            real = run.reals()
        fake = run.G(run.noise(len(real))).detach()
        on_real, on_fake = run.D(real), run.D(fake)
        d_loss = D_LOSSES[OPTIONS["loss"]](on_real, on_fake) + penalty(run, real, fake)
        run.update("D", d_loss)
    on_fake = run.D(run.G(run.noise(len(real))))
    g_loss = G_LOSSES[OPTIONS["loss"]](on_fake, lambda: run.D(real))
    run.update("G", g_loss)
    return d_loss, g_loss
