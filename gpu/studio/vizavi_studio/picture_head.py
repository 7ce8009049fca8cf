"""The decoder's last step: from features to I420 pictures, inside the graph."""

import torch
from torch import nn
from torch.nn import functional as F

from .closeups import CELL, PATCH
from .codec import SIZE, Decoder

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
        y, uv = _planes(decoder.still.detach() * moves + resting * (1 - moves), 1.0)
        self.still_y = _Still(y, moves[None, None])
        self.still_uv = _Still(uv, F.max_pool2d(moves[None, None], 2))
        fade = closeups.fade_y[:, None] * closeups.fade_x
        y, uv = _planes(closeups.stills.detach(), fade)
        self.register_buffer("fade_y", fade)
        self.register_buffer("fade_uv", F.avg_pool2d(fade[None], 2)[0])
        self.register_buffer("stills_y", y)
        self.register_buffer("stills_uv", uv)

    def forward(self, latents: torch.Tensor):
        closeups = self.decoder.closeups
        y, uv = _in_place(self.paint(self.decoder.trunk(latents)), (SIZE, SIZE))
        near = [_in_place(paint(x), PATCH) for paint, x in zip(self.paints, closeups.features(latents))]
        near_y = torch.stack([y for y, _ in near], 1) * self.fade_y + self.stills_y
        near_uv = torch.stack([uv for _, uv in near], 1) * self.fade_uv + self.stills_uv
        y = self._finish(self.still_y, y, near_y, latents, 1)[:, 0]
        uv = self._finish(self.still_uv, uv, near_uv, latents, 2)
        return y, uv[:, 0], uv[:, 1]

    def _finish(self, still: "_Still", change: torch.Tensor, near: torch.Tensor, latents: torch.Tensor, step: int) -> torch.Tensor:
        closeups = self.decoder.closeups
        # Only where close-ups come over it, the picture has to be finer than bytes.
        under = closeups.box.cut(change, step) + closeups.box.cut(still.exact, step)
        inner = closeups.mapping(latents, step).compose(under, near)
        return closeups.box.paste(still.changed(change), _bytes(inner), step)


class _Still(nn.Module):
    """What a plane shows at rest, and its change added in bytes: an 8-bit decoder does that without any float."""

    def __init__(self, plane: torch.Tensor, moves: torch.Tensor):
        super().__init__()
        self.register_buffer("exact", plane)
        bytes_ = _bytes(plane)
        self.register_buffer("bytes", bytes_)
        still = moves == 0
        self.register_buffer("least", torch.where(still, bytes_, 0))
        self.register_buffer("most", torch.where(still, bytes_, 255))

    def changed(self, change: torch.Tensor) -> torch.Tensor:
        """The plane in bytes, with `change` in levels, but none where nothing ever moves."""
        return torch.maximum(torch.minimum(_bytes(_Level.apply(self.bytes) + change), self.most), self.least)


def _in_place(painted: torch.Tensor, size: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Cells [n, 16 Y + 4 U + 4 V, h / 4, w / 4] -> Y [n, 1, h, w] and UV [n, 2, h / 2, w / 2] of a picture of `size` h, w.

    Channels last, and rows of four values moved at once: that is how an 8-bit convolution leaves them, and many times faster
    than a pixel shuffle of single bytes.
    """
    height, width = (pixels // CELL for pixels in size)
    quads = painted.permute(0, 2, 3, 1).reshape(-1, height, width, 6, CELL).transpose(2, 3)
    y = quads[:, :, :4].reshape(-1, 1, CELL * height, CELL * width)
    small = quads[:, :, 4:].reshape(-1, height, 2, width, 2, 2)
    u, v = (small[:, :, k].transpose(2, 3).reshape(-1, 1, 2 * height, 2 * width) for k in range(2))
    return y, torch.cat([u, v], 1)


class _Bytes(torch.autograd.Function):
    """0..255 to the nearest whole number; beyond, to the nearest of the two. One operation of a graph."""

    @staticmethod
    def forward(_context, plane: torch.Tensor) -> torch.Tensor:
        return plane.round().clamp(0, 255).to(torch.uint8)

    @staticmethod
    def symbolic(graph, plane):
        return graph.op("QuantizeLinear", plane, *_whole(graph))


class _Level(torch.autograd.Function):
    """The other way round."""

    @staticmethod
    def forward(_context, plane: torch.Tensor) -> torch.Tensor:
        return plane.float()

    @staticmethod
    def symbolic(graph, plane):
        return graph.op("DequantizeLinear", plane, *_whole(graph))


def _whole(graph):
    """Scale 1, zero 0."""
    values = torch.tensor(1, dtype=torch.float32), torch.tensor(0, dtype=torch.uint8)
    return (graph.op("Constant", value_t=value) for value in values)


def _bytes(plane: torch.Tensor) -> torch.Tensor:
    return _Bytes.apply(plane)


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
