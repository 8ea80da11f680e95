def answers(d, x):
    """A logit of being real, and one of each class."""
    said = d(x)
    return said[:, :1], said[:, 1:]


def step(run):
    """D on reals and detached fakes, their classes too, one update; then G on drawn classes. Returns both losses."""
    real, y = run.reals(), run.labels()
    z, wanted = run.noise(len(real)), run.classes(len(real))
    fake = run.G(z, wanted).detach()
    (real_logits, real_classes), (fake_logits, fake_classes) = answers(run.D, real), answers(run.D, fake)
    d_loss = on_reals_and_fakes(real_logits, fake_logits) + F.cross_entropy(real_classes, y)
    if OPTIONS["classes-of-fakes"]:
        d_loss = d_loss + F.cross_entropy(fake_classes, wanted)
    run.update("D", d_loss)
    z, wanted = run.noise(len(real)), run.classes(len(real))
    with running_statistics(run.D, OPTIONS["d-stats-in-g-step"]):
        logits, classes = answers(run.D, run.G(z, wanted))
    g_loss = on_fakes(logits) + F.cross_entropy(classes, wanted)
    run.update("G", g_loss)
    return d_loss, g_loss
