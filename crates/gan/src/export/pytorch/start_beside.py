def start(net, name):
    """Puts the weights beside this script into a network."""
    net.load_state_dict(load_file(Path(__file__).with_name(f"{name}.safetensors")))
