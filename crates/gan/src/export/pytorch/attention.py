class SelfAttention(nn.Module):
    """x + gamma o(softmax(theta(x) phi(x)^T) g(x)), keys and values of the largest of each 2x2 pixels."""

    def __init__(self, c):
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(()))
        self.theta, self.phi, self.g, self.o = (
            spectral_norm(nn.Conv2d(a, b, 1, bias=False)) for a, b in [(c, c // 8), (c, c // 8), (c, c // 2), (c // 2, c)]
        )

    def forward(self, x):
        n, _, h, w = x.shape
        q, k, v = self.theta(x).flatten(2), F.max_pool2d(self.phi(x), 2).flatten(2), F.max_pool2d(self.g(x), 2).flatten(2)
        attention = torch.softmax(q.transpose(1, 2) @ k, dim=2)
        return x + self.gamma * self.o((v @ attention.transpose(1, 2)).reshape(n, -1, h, w))
