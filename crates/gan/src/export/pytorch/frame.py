def images_of(folder):
    """The training images of a folder of IDX files, [N, height, width], as bytes."""
    for name in "train-images-idx3-ubyte", "train-images.idx3-ubyte":
        for path in Path(folder) / name, Path(folder) / f"{name}.gz":
            if path.exists():
                data = path.read_bytes()
                data = gzip.decompress(data) if path.suffix == ".gz" else data
                shape = np.frombuffer(data[4:16], ">u4")
                return torch.from_numpy(np.frombuffer(data[16:], np.uint8).reshape(*shape).copy())
    raise SystemExit(f"{folder} has no train-images-idx3-ubyte or train-images-idx3-ubyte.gz")


class Run:
    """The networks in training, from the weights beside this script, and what they are trained on."""

    def __init__(self, images, batch=BATCH, dtype=torch.float32, seed=0):
        torch.manual_seed(seed)
        self.images, self.batch, self.dtype = images, batch, dtype
        self.G, self.D = generator(), discriminator()
        for net, name in (self.G, "generator"), (self.D, "discriminator"):
            net.load_state_dict(load_file(Path(__file__).with_name(f"{name}.safetensors")))
            net.to(dtype).train()
        self.optimisers = optimisers(self.G, self.D)
        self.order, self.steps = [], 0

    def chosen(self):
        """The numbers of the next batch's images."""
        if WITH_REPLACEMENT:
            return torch.randint(len(self.images), (self.batch,))
        if len(self.order) == 0 or (DROP_LAST and len(self.order) < self.batch):
            self.order = torch.randperm(len(self.images))
        chosen, self.order = self.order[: self.batch], self.order[self.batch :]
        return chosen

    def reals(self):
        """The next batch, in [-1, 1]."""
        channels, side = SAMPLE[0], SAMPLE[1]
        x = self.images[self.chosen(), None].to(self.dtype) / 127.5 - 1
        if x.shape[2] != side:
            x = F.interpolate(x, (side, side), mode="bilinear")
        return x.expand(-1, channels, -1, -1)

    def noise(self, n):
        return torch.randn(n, OPTIONS["latent"], dtype=self.dtype)

    def uniform(self, *shape):
        return torch.rand(*shape, dtype=self.dtype)

    def update(self, name, loss):
        """One step of an optimiser down a loss."""
        self.optimisers[name].zero_grad()
        loss.backward()
        self.optimisers[name].step()

    def step(self):
        losses = step(self)
        self.steps += 1
        return losses


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="a folder of IDX files, such as MNIST's")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=int, default=100, help="steps between two lines")
    parser.add_argument("--out", default="trained", help="the folder for the weights at the end")
    args = parser.parse_args()
    run = Run(images_of(args.data), args.batch, seed=args.seed)
    for number in range(1, args.steps + 1):
        d_loss, g_loss = run.step()
        if number % args.every == 0 or number == args.steps:
            print(f"step {number}: D {d_loss.item():.4f}, G {g_loss.item():.4f}", flush=True)
    Path(args.out).mkdir(parents=True, exist_ok=True)
    for name, net in ("generator", run.G), ("discriminator", run.D):
        save_file(net.state_dict(), Path(args.out) / f"{name}.safetensors")


if __name__ == "__main__":
    main()
