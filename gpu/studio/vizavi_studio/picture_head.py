"""The decoder's last step: from features to I420 pictures, inside the graph."""

import torch
from torch import nn
from torch.nn import functional as F

from .closeups import CELL
from .codec import Decoder

# BT.601, limited range: from RGB in 0..1 to Y, U, V in 0..255 (ITU-R BT.601-7, 2.5.3).
_FROM_RGB = torch.tensor(
    [[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]], dtype=torch.float32
)
_OFFSET = torch.tensor([16.0, 128.0, 128.0])


class I420Decoder(nn.Module):
    """Latents [t, 16, 8, 8] -> y u8 [t, 512, 512], u and v u8 [t, 256, 256].

    Colour conversion and halving of the chroma are linear, so they are folded into the painting convolutions: 24 channels
    instead of 48, and nothing is converted afterwards.

    `resting` [3, 512, 512] is the picture where nothing ever moves, `moves` [512, 512] 0 there and 1 elsewhere: what 8-bit
    arithmetic would add there is noise in front of a still wall.
    """

    def __init__(self, decoder: Decoder, resting: torch.Tensor, moves: torch.Tensor):
        super().__init__()
        closeups = decoder.closeups
        self.decoder = decoder
        self.paint = _fold(decoder.paint)
        self.paints = nn.ModuleList(_fold(paint) for paint in closeups.paints)
        # Half a level more: the cast to whole numbers cuts off.
        y, uv = _planes(decoder.still.detach() * moves + resting * (1 - moves), 1.0)
        self.register_buffer("still_y", F.pixel_unshuffle(y + 0.5, 4))
        self.register_buffer("still_uv", F.pixel_unshuffle(uv + 0.5, 2))
        self.register_buffer("moves_y", F.pixel_unshuffle(moves[None, None], 4))
        self.register_buffer("moves_uv", F.pixel_unshuffle(F.avg_pool2d(moves[None, None], 2).expand(1, 2, -1, -1), 2))
        fade = closeups.fade_y[:, None] * closeups.fade_x
        y, uv = _planes(closeups.stills.detach(), fade)
        self.register_buffer("fade_y", fade)
        self.register_buffer("fade_uv", F.avg_pool2d(fade[None], 2)[0])
        self.register_buffer("stills_y", y + 0.5 * fade)
        self.register_buffer("stills_uv", uv + 0.5 * self.fade_uv)

    def forward(self, latents: torch.Tensor):
        closeups = self.decoder.closeups
        painted = self.paint(self.decoder.trunk(latents))
        near = [paint(x) for paint, x in zip(self.paints, closeups.features(latents))]
        y = painted[:, :16] * self.moves_y + self.still_y
        uv = painted[:, 16:] * self.moves_uv + self.still_uv
        near_y = torch.stack([F.pixel_shuffle(x[:, :16], 4) for x in near], 1) * self.fade_y + self.stills_y
        near_uv = torch.stack([F.pixel_shuffle(x[:, 16:], 2) for x in near], 1) * self.fade_uv + self.stills_uv
        y = self._finish(y, near_y, latents, 1)[:, 0]
        uv = self._finish(uv, near_uv, latents, 2)
        return y, uv[:, 0], uv[:, 1]

    def _finish(self, cells: torch.Tensor, near: torch.Tensor, latents: torch.Tensor, step: int) -> torch.Tensor:
        """Pixels from `cells` of 4x4 of them. They are put in their places as bytes; only where close-ups are, before that."""
        closeups = self.decoder.closeups
        inner = F.pixel_shuffle(closeups.box.cut(cells, CELL), CELL // step)
        inner = closeups.mapping(latents, step).compose(inner, near)
        return closeups.box.paste(F.pixel_shuffle(_bytes(cells), CELL // step), _bytes(inner), step)


def _bytes(plane: torch.Tensor) -> torch.Tensor:
    return torch.clamp(plane, 0, 255).to(torch.uint8)


def _fold(paint: nn.Conv2d) -> nn.Conv2d:
    """A convolution that paints 4x4 RGB pixels -> one that paints their 16 Y, 4 U and 4 V."""
    weight, bias = paint.weight.detach(), paint.bias.detach()
    inner = weight.shape[1]
    blocks = weight.view(3, 4, 4, inner, 3, 3)
    shifts = bias.view(3, 4, 4)
    coloured = torch.einsum("kc,cyxiab->kyxiab", _FROM_RGB, blocks)
    moved = torch.einsum("kc,cyx->kyx", _FROM_RGB, shifts)
    halved = coloured[1:].view(2, 2, 2, 2, 2, inner, 3, 3).mean((2, 4))
    folded = nn.Conv2d(inner, 24, 3, padding=1)
    with torch.no_grad():
        folded.weight.copy_(torch.cat([coloured[0].reshape(16, inner, 3, 3), halved.reshape(8, inner, 3, 3)]))
        small = moved[1:].view(2, 2, 2, 2, 2).mean((2, 4))
        folded.bias.copy_(torch.cat([moved[0].reshape(16), small.reshape(8)]))
    return folded


def _planes(pictures: torch.Tensor, fade) -> tuple[torch.Tensor, torch.Tensor]:
    """RGB [n, 3, h, w] times `fade` [h, w] -> Y [n, 1, h, w] and UV [n, 2, h / 2, w / 2], offsets faded alike."""
    yuv = torch.einsum("kc,ncyx->nkyx", _FROM_RGB, pictures) + _OFFSET[:, None, None] * fade
    return yuv[:, :1], F.avg_pool2d(yuv[:, 1:], 2)


def to_rgb(y, u, v) -> torch.Tensor:
    """I420 planes as a viewer shows them: RGB [t, 3, 512, 512] in 0..1."""
    wide = [F.interpolate(p[:, None].float(), scale_factor=2, mode="bilinear", align_corners=False) for p in (u, v)]
    yuv = torch.cat([y[:, None].float(), *wide], 1) - _OFFSET[:, None, None]
    return torch.einsum("ck,nkyx->ncyx", torch.linalg.inv(_FROM_RGB), yuv).clamp(0, 1)
