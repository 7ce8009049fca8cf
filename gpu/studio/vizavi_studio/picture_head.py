"""The decoder's last step: from features to I420 pictures, inside the graph."""

import torch
from torch import nn
from torch.nn import functional as F

from .codec import Decoder

# BT.601, limited range: from RGB in 0..1 to Y, U, V in 0..255 (ITU-R BT.601-7, 2.5.3).
_FROM_RGB = torch.tensor(
    [[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]], dtype=torch.float32
)
_OFFSET = torch.tensor([16.0, 128.0, 128.0])


class I420Decoder(nn.Module):
    """Latents [t, 16, 8, 8] -> y u8 [t, 512, 512], u and v u8 [t, 256, 256].

    Colour conversion and halving of the chroma are linear, so they are folded into the painting convolution: 24 channels
    instead of 48, and nothing is converted afterwards.
    """

    def __init__(self, decoder: Decoder):
        super().__init__()
        self.trunk = decoder
        weight, bias = decoder.paint.weight.detach(), decoder.paint.bias.detach()
        inner = weight.shape[1]
        blocks = weight.view(3, 4, 4, inner, 3, 3)
        shifts = bias.view(3, 4, 4)
        coloured = torch.einsum("kc,cyxiab->kyxiab", _FROM_RGB, blocks)
        moved = torch.einsum("kc,cyx->kyx", _FROM_RGB, shifts)
        halved = coloured[1:].view(2, 2, 2, 2, 2, inner, 3, 3).mean((2, 4))
        self.paint = nn.Conv2d(inner, 24, 3, padding=1)
        with torch.no_grad():
            self.paint.weight.copy_(torch.cat([coloured[0].reshape(16, inner, 3, 3), halved.reshape(8, inner, 3, 3)]))
            small = moved[1:].view(2, 2, 2, 2, 2).mean((2, 4))
            self.paint.bias.copy_(torch.cat([moved[0].reshape(16), small.reshape(8)]))
        still = torch.einsum("kc,cyx->kyx", _FROM_RGB, decoder.still.detach()[0]) + _OFFSET[:, None, None]
        # 0.5 more: the cast to whole numbers cuts off.
        self.register_buffer("still_y", still[0] + 0.5)
        self.register_buffer("still_uv", F.avg_pool2d(still[1:][None], 2)[0] + 0.5)

    def forward(self, latents: torch.Tensor):
        painted = self.paint(self.trunk.trunk(latents))
        y = F.pixel_shuffle(painted[:, :16], 4)[:, 0] + self.still_y
        uv = F.pixel_shuffle(painted[:, 16:], 2) + self.still_uv
        y = torch.clamp(y, 0, 255).to(torch.uint8)
        uv = torch.clamp(uv, 0, 255).to(torch.uint8)
        return y, uv[:, 0], uv[:, 1]


def to_rgb(y, u, v) -> torch.Tensor:
    """I420 planes as a viewer shows them: RGB [t, 3, 512, 512] in 0..1."""
    wide = [F.interpolate(p[:, None].float(), scale_factor=2, mode="bilinear", align_corners=False) for p in (u, v)]
    yuv = torch.cat([y[:, None].float(), *wide], 1) - _OFFSET[:, None, None]
    return torch.einsum("ck,nkyx->ncyx", torch.linalg.inv(_FROM_RGB), yuv).clamp(0, 1)
