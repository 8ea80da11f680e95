def mse(answers, target):
    return (answers - target).square().mean()


# What D minimises, of its answers for reals and fakes.
D_LOSSES = {
    "wasserstein": lambda real, fake: fake.mean() - real.mean(),
    "least-squares": lambda real, fake: mse(real, 1) / 2 + mse(fake, 0) / 2,
    "hinge": lambda real, fake: (1 - real).relu().mean() + (1 + fake).relu().mean(),
    "logistic": lambda real, fake: F.softplus(-real).mean() + F.softplus(fake).mean(),
    "saturating": lambda real, fake: F.softplus(-real).mean() + F.softplus(fake).mean(),
    "relativistic": lambda real, fake: F.softplus(fake - real).mean(),
}

# What G minimises, of D's answers for fakes; `reals` gives those for reals.
G_LOSSES = {
    "wasserstein": lambda fake, reals: -fake.mean(),
    "least-squares": lambda fake, reals: mse(fake, 1) / 2,
    "hinge": lambda fake, reals: -fake.mean(),
    "logistic": lambda fake, reals: F.softplus(-fake).mean(),
    "saturating": lambda fake, reals: -F.softplus(fake).mean(),
    "relativistic": lambda fake, reals: F.softplus(reals().detach() - fake).mean(),
}
