def start(net, name):
    """Initial weights are those that PyTorch's layers make: U(-1/sqrt(fan_in), 1/sqrt(fan_in)), biases too."""
