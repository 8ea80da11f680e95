def bce(logits, target):
    """The cross-entropy of sigma(logits) against one target for the whole batch."""
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def on_reals_and_fakes(real_logits, fake_logits):
    """What D minimises."""
    targets = OPTIONS["targets"]
    return bce(real_logits, targets["real"]) + bce(fake_logits, targets["fake"])


def on_fakes(logits):
    """What G minimises."""
    targets = OPTIONS["targets"]
    if OPTIONS.get("generator-loss") == "saturating":
        return -bce(logits, targets["fake"])
    return bce(logits, targets["generator"])


@contextmanager
def running_statistics(net, move):
    """Running statistics of BatchNorm stay as they are, unless they are to move."""
    norms = [] if move else [m for m in net.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    yield
    for norm, momentum in zip(norms, before):
        norm.momentum = momentum
