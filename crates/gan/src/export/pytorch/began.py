def step(run):
    """D on L(x) - k L(G(z)) and G on L(G(z)), both gradients before either moves; then k. Returns both losses."""
    real = run.reals()
    fake = run.G(run.uniform(len(real), OPTIONS["latent"]) * 2 - 1)
    on_real, on_fake = ((run.D(v) - v).abs().mean() for v in (real, fake))
    d_loss = on_real - run.k * on_fake
    losses, nets = {"D": d_loss, "G": on_fake}, {"D": run.D, "G": run.G}
    gradients = {
        name: torch.autograd.grad(loss, list(nets[name].parameters()), retain_graph=True) for name, loss in losses.items()
    }
    for name, net in nets.items():
        for parameter, gradient in zip(net.parameters(), gradients[name]):
            parameter.grad = gradient
        run.optimisers[name].step()
    balance = (OPTIONS["gamma"] * on_real - on_fake).detach()
    run.k = (run.k + OPTIONS["k-rate"] * balance).clamp(0, 1)
    return d_loss, on_fake
