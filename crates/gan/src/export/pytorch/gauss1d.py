def minus_log(logits, label):
    """-log(p + eps) of the probability that is given to the label, from logits where eps is 0."""
    if OPTIONS["log-eps"] == 0:
        return bce(logits, label)
    p = logits.sigmoid() if label == 1 else 1 - logits.sigmoid()
    return -(p + OPTIONS["log-eps"]).log().mean()


def step(run):
    """D on fresh reals and fakes, some times; then G on fresh noise. Returns both losses."""
    for _ in range(OPTIONS["d-steps"]):
        real = run.reals()
        fake = run.G(run.noise(len(real))).detach()
        d_loss = minus_log(run.D(real), 1) + minus_log(run.D(fake), 0)
        run.update("D", d_loss)
    logits = run.D(run.G(run.noise(len(real))))
    saturating = OPTIONS["generator-loss"] == "saturating"
    g_loss = -minus_log(logits, 0) if saturating else minus_log(logits, 1)
    run.update("G", g_loss)
    return d_loss, g_loss
