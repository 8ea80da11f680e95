def idx(folder, kind, dimensions):
    """The training images or labels of a folder of IDX files, as bytes."""
    for name in f"train-{kind}-idx{dimensions}-ubyte", f"train-{kind}.idx{dimensions}-ubyte":
        for path in Path(folder) / name, Path(folder) / f"{name}.gz":
            if path.exists():
                data = path.read_bytes()
                data = gzip.decompress(data) if path.suffix == ".gz" else data
                start = 4 + 4 * dimensions
                shape = np.frombuffer(data[4:start], ">u4")
                return torch.from_numpy(np.frombuffer(data[start:], np.uint8).reshape(*shape).copy())
    raise SystemExit(f"{folder} has no train-{kind}-idx{dimensions}-ubyte and no train-{kind}-idx{dimensions}-ubyte.gz")


class Run:
    """The networks in training, and what they are trained on: a folder of IDX files, or random images without one."""

    def __init__(self, data=None, batch=BATCH, dtype=torch.float32, seed=0):
        torch.manual_seed(seed)
        self.data, self.batch, self.dtype = data, batch, dtype
        self.images, self.known = data and idx(data, "images", 3), None
        self.G, self.D = generator(), discriminator()
        for net, name in (self.G, "generator"), (self.D, "discriminator"):
            start(net, name)
            net.to(dtype).train()
        self.optimisers = optimisers(self.G, self.D)
        self.order, self.last, self.steps = [], None, 0
        self.k = torch.zeros((), dtype=dtype)  # what a loop keeps from step to step

    def chosen(self):
        """The numbers of the next batch's images."""
        if WITH_REPLACEMENT:
            return torch.randint(len(self.images), (self.batch,))
        if len(self.order) == 0 or (DROP_LAST and len(self.order) < self.batch):
            self.order = torch.randperm(len(self.images))
        chosen, self.order = self.order[: self.batch], self.order[self.batch :]
        return chosen

    def reals(self):
        """The next batch: images in [-1, 1], or normal numbers."""
        if len(SAMPLE) == 1:
            return torch.randn(self.batch, *SAMPLE, dtype=self.dtype)
        if self.images is None:
            return torch.rand(self.batch, *SAMPLE, dtype=self.dtype) * 2 - 1
        channels, side = SAMPLE[0], SAMPLE[1]
        self.last = self.chosen()
        x = self.images[self.last, None].to(self.dtype) / 127.5 - 1
        if x.shape[2] != side:
            x = F.interpolate(x, (side, side), mode="bilinear")
        return x.expand(-1, channels, -1, -1)

    def labels(self):
        """The classes of the batch that was taken last."""
        if self.images is None:
            return self.classes(self.batch)
        if self.known is None:
            self.known = idx(self.data, "labels", 1).long()
        return self.known[self.last]

    def classes(self, n):
        return torch.randint(OPTIONS["classes"], (n,))

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
    of_images = len(SAMPLE) == 3
    parser.add_argument("--data", help="a folder of IDX files, such as MNIST's, for images")
    parser.add_argument("--random", action="store_true", help="images of random pixels: to see the loop run without data")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=int, default=100, help="steps between two lines")
    parser.add_argument("--out", default="trained", help="the folder for the weights at the end")
    args = parser.parse_args()
    if of_images and not args.data and not args.random:
        parser.error("--data FOLDER says what to train on; --random tries the loop on random images")
    run = Run(args.data, args.batch, seed=args.seed)
    for number in range(1, args.steps + 1):
        d_loss, g_loss = run.step()
        if number % args.every == 0 or number == args.steps:
            print(f"step {number}: D {d_loss.item():.4f}, G {g_loss.item():.4f}", flush=True)
    Path(args.out).mkdir(parents=True, exist_ok=True)
    for name, net in ("generator", run.G), ("discriminator", run.D):
        save_file(net.state_dict(), Path(args.out) / f"{name}.safetensors")


if __name__ == "__main__":
    main()
