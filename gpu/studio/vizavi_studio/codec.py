"""The avatar's autoencoder: 512x512 RGB -> latent [16, 8, 8] -> 512x512 RGB."""

import torch
from torch import nn
from torch.nn import functional as F

LATENT = (16, 8, 8)
SIZE = 512


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


class Encoder(nn.Module):
    """Only training and studies need it."""

    def __init__(self):
        super().__init__()
        widths = [32, 48, 64, 96, 128, 128]
        layers: list[nn.Module] = []
        before = 3
        for width in widths:
            layers += [nn.Conv2d(before, width, 4, stride=2, padding=1), nn.ReLU()]
            before = width
        layers += [Block(before), nn.ReLU(), nn.Conv2d(before, LATENT[0], 3, padding=1)]
        # Unit variance in every latent, whatever the weights: the generator's noise has a known size.
        layers.append(nn.GroupNorm(1, LATENT[0], affine=False))
        self.layers = nn.Sequential(*layers)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """RGB [n, 3, 512, 512], 0..1 -> [n, 16, 8, 8], of mean 0 and variance 1."""
        return self.layers(pictures - 0.5)


class Decoder(nn.Module):
    """Resolution grows from 8 to 128, then one convolution paints 4x4 pixels at once.

    `widths` are the channels at 8, 16, 32, 64 and 128. The picture is a mean frame plus what the network adds: what never
    changes costs no capacity. At every resolution a learned constant says where on the picture a feature is.
    """

    def __init__(self, mean: torch.Tensor, widths=(128, 96, 80, 48, 24)):
        super().__init__()
        self.register_buffer("mean", mean[None])
        self.enter = nn.Conv2d(LATENT[0], widths[0], 3, padding=1)
        self.blocks = nn.ModuleList(Block(width) for width in widths)
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

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        """[n, 16, 8, 8] -> RGB [n, 3, 512, 512]; clamp to 0..1."""
        x = self.blocks[0](F.relu(self.enter(latents)))
        for narrow, place, block in zip(self.narrow, self.places, self.blocks[1:]):
            x = block(F.interpolate(narrow(x), scale_factor=2, mode="nearest") + place)
        return self.mean + F.pixel_shuffle(self.paint(x), 4)
