"""The avatar's autoencoder: 512x512 RGB -> latent [16, 8, 8] -> 512x512 RGB, and the way from a pose to the same latent."""

import torch
from torch import nn
from torch.nn import functional as F

from .closeups import FAST_CLOSEUPS, LARGE_CLOSEUPS, CloseUps

LATENT = (16, 8, 8)
SIZE = 512
FAST = (128, 96, 72, 48, 24), FAST_CLOSEUPS
"""Channels at 8, 16, 32, 64 and 128 of the decoder for one core of a CPU, and those of its close-ups."""
LARGE = (128, 128, 112, 96, 64), LARGE_CLOSEUPS
"""The same for a GPU."""


class Block(nn.Module):
    """Two 3x3 convolutions beside an identity."""

    def __init__(self, channels: int):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        with torch.no_grad():
            self.second.weight.mul_(0.3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.second(F.relu(self.first(x)))


def _normal(latents: torch.Tensor) -> torch.Tensor:
    """Mean 0 and variance 1 in each picture's latents, whatever the weights."""
    return F.group_norm(latents.float(), 1)


class Encoder(nn.Module):
    """Picture -> latent. Only training and studies need it."""

    def __init__(self):
        super().__init__()
        widths = [32, 48, 64, 96, 128, 128]
        layers: list[nn.Module] = []
        before = 3
        for width in widths:
            layers += [nn.Conv2d(before, width, 4, stride=2, padding=1), nn.ReLU()]
            before = width
        layers += [Block(before), nn.ReLU(), nn.Conv2d(before, LATENT[0], 3, padding=1)]
        self.layers = nn.Sequential(*layers)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """RGB [n, 3, 512, 512], 0..1 -> [n, 16, 8, 8], of mean 0 and variance 1."""
        return _normal(self.layers(pictures - 0.5))


class PoseEncoder(nn.Module):
    """Pose -> latent: what the generator ends with. `low` and `high` are the ranges of the parameters."""

    def __init__(self, low: torch.Tensor, high: torch.Tensor, hidden: int = 256):
        super().__init__()
        self.register_buffer("middle", (low + high) / 2)
        self.register_buffer("reach", (high - low) / 2)
        size = LATENT[0] * LATENT[1] * LATENT[2]
        self.layers = nn.Sequential(
            nn.Linear(len(low), hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, size)
        )

    def forward(self, poses: torch.Tensor) -> torch.Tensor:
        """[n, p] -> [n, 16, 8, 8], of mean 0 and variance 1."""
        out = self.layers((poses - self.middle) / self.reach)
        return _normal(out.view(-1, *LATENT))


class Decoder(nn.Module):
    """Latent -> picture. Resolution grows from 8 to 128, then one convolution paints 4x4 pixels at once.

    The picture is a learned still frame plus what the network adds: what never changes costs no capacity. At every
    resolution a learned constant says where on the picture a feature is. Eyes and mouth come from close-ups.

    `mean` [3, 512, 512], `anchors` [c, 2]: x, y of the close-ups' middles at rest.
    """

    def __init__(self, mean: torch.Tensor, anchors: torch.Tensor, sizes=FAST):
        super().__init__()
        widths, closeup_widths = sizes
        self.still = nn.Parameter(mean[None].clone())
        self.closeups = CloseUps(LATENT, anchors, mean, closeup_widths, Block)
        self.enter = nn.Conv2d(LATENT[0], widths[0], 3, padding=1)
        self.blocks = nn.ModuleList(Block(width) for width in widths[:-1])
        self.last = nn.Conv2d(widths[-1], widths[-1], 3, padding=1)
        self.narrow = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(widths, widths[1:]))
        self.places = nn.ParameterList(
            nn.Parameter(torch.zeros(1, width, 16 << k, 16 << k)) for k, width in enumerate(widths[1:])
        )
        self.paint = nn.Conv2d(widths[-1], 48, 3, padding=1)
        for layer in [self.enter, *self.narrow]:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.paint.weight)
        nn.init.zeros_(self.paint.bias)

    def trunk(self, latents: torch.Tensor) -> torch.Tensor:
        """[n, 16, 8, 8] -> what is painted with, [n, width, 128, 128]."""
        x = self.blocks[0](F.relu(self.enter(latents)))
        for narrow, place, block in zip(self.narrow, self.places, [*self.blocks[1:], self._finish]):
            x = block(F.interpolate(narrow(x), scale_factor=2, mode="nearest") + place)
        return x

    def _finish(self, x: torch.Tensor) -> torch.Tensor:
        """Half a block: at this resolution the second convolution would cost as much as all below."""
        return x + self.last(F.relu(x))

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        """[n, 16, 8, 8] -> RGB [n, 3, 512, 512]; clamp to 0..1."""
        return self.closeups(self.without(latents), latents)

    def without(self, latents: torch.Tensor) -> torch.Tensor:
        """The picture that close-ups are put on."""
        return self.still + F.pixel_shuffle(self.paint(self.trunk(latents)), 4)
