"""Eyes and mouth, drawn where they would be if the head held still, then put where the head is.

A convolution has to learn fine detail anew for every place where it may show up: most of a small decoder's error was lashes,
lips and teeth that move with the head. In a frame of their own they hardly move. Two small matrix products carry a
close-up to its place, because moving and stretching along rows and columns are separable (Catmull and Smith, "3-D
Transformations of Images in Scanline Order", SIGGRAPH 1980).
"""

from dataclasses import dataclass
from itertools import groupby

import torch
from torch import nn
from torch.nn import functional as F

PATCH = (96, 112)
"""Rows and columns of a close-up, pixels; fades within FEATHER at its edges."""
FEATHER = 12
REACH = (36, 32)
"""Pixels up or down and sideways around a close-up at rest that it may be moved into; what lies beyond is cut off."""
STRETCH = 0.25
CELL = 4
_FAST_EYE, _FAST_MOUTH, _LARGE = (96, 80, 64), (96, 112, 112), (128, 128, 128)
FAST_CLOSEUPS = (_FAST_EYE, _FAST_EYE, _FAST_MOUTH)
"""For right eye, left eye and mouth: channels at 1/4, 1/2 and the whole of its cells of 4x4 pixels, for one core of a CPU."""
LARGE_CLOSEUPS = (_LARGE, _LARGE, _LARGE)
# A smooth kernel in few operations, least squares to a flat response below 0.3 cycles a pixel at any phase.
_HEIGHT, _BEND, _FALL = 1.0126, 0.9221, 1.0847


@dataclass(frozen=True)
class Band:
    """Some rows of the box, counted from its first, and which close-ups can reach them."""

    top: int
    bottom: int
    of: slice


@dataclass(frozen=True)
class Box:
    """Where close-ups can be: rows and columns of the picture, whole cells."""

    top: int
    left: int
    bottom: int
    right: int

    @staticmethod
    def around(anchors: torch.Tensor) -> "Box":
        """`anchors` [c, 2]: x, y of the close-ups' middles at rest."""
        lowest, highest = anchors.min(0).values.tolist(), anchors.max(0).values.tolist()
        reach = [PATCH[1] / 2 + REACH[1], PATCH[0] / 2 + REACH[0]]
        left, top = (int((a - r) // CELL * CELL) for a, r in zip(lowest, reach))
        right, bottom = (int((a + r) // CELL * CELL + CELL) for a, r in zip(highest, reach))
        return Box(top, left, bottom, right)

    def bands(self, anchors: torch.Tensor) -> list[Band]:
        """The box's rows, where each time others can be. Close-ups that follow each other in `anchors` lie near each other."""
        reach = PATCH[0] / 2 + REACH[0]
        middles = [y - self.top for y in anchors[:, 1].tolist()]

        def reaching(cell: int) -> list[int]:
            away = [max(y - reach - cell - CELL, cell - y - reach) for y in middles]
            return [k for k, distance in enumerate(away) if distance < 0 or distance == min(away)]

        cells = range(0, self.bottom - self.top, CELL)
        runs = [(by, list(run)) for by, run in groupby(cells, key=reaching)]
        return [Band(run[0], run[-1] + CELL, slice(by[0], by[-1] + 1)) for by, run in runs]

    def cut(self, plane: torch.Tensor, step: int = 1) -> torch.Tensor:
        return plane[..., self.top // step : self.bottom // step, self.left // step : self.right // step]

    def paste(self, plane: torch.Tensor, inner: torch.Tensor, step: int = 1) -> torch.Tensor:
        """`plane` with `inner` in place of what `cut` takes."""
        top, left, bottom, right = (v // step for v in (self.top, self.left, self.bottom, self.right))
        rows = plane[..., top:bottom, :]
        middle = torch.cat([rows[..., :left], inner, rows[..., right:]], -1)
        return torch.cat([plane[..., :top, :], middle, plane[..., bottom:, :]], -2)


class _Painter(nn.Module):
    """Latent -> one close-up's features, [n, width, rows / 4, columns / 4]."""

    def __init__(self, inputs: int, widths, block):
        super().__init__()
        cells = PATCH[0] // CELL, PATCH[1] // CELL
        self.first = cells[0] // 4, cells[1] // 4
        self.widths = widths
        self.enter = nn.Conv2d(inputs, 96, 1)
        self.spread = nn.Conv2d(96, widths[0] * self.first[0] * self.first[1], 1)
        self.narrow = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(widths, widths[1:]))
        self.places = nn.ParameterList(
            nn.Parameter(torch.zeros(1, width, cells[0] // scale, cells[1] // scale))
            for width, scale in zip(widths[1:], (2, 1))
        )
        self.blocks = nn.ModuleList(block(width) for width in widths[1:])
        for layer in [self.enter, self.spread, *self.narrow]:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)

    def forward(self, flat: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.spread(self.enter(flat)))
        x = x.view(-1, self.widths[0], *self.first)
        for narrow, place, block in zip(self.narrow, self.places, self.blocks):
            x = block(F.interpolate(narrow(x), scale_factor=2, mode="nearest") + place)
        return x


@dataclass(frozen=True)
class Mapping:
    """What carries close-ups into the box: in each band the weights of rows [n, band's rows, c, patch rows], for those
    close-ups that can be there; the weights of columns [n, c, patch columns, columns]; and how opaque close-ups are, [n, c, rows] and
    [n, c, columns]."""

    rows: list[tuple[slice, torch.Tensor]]
    columns: torch.Tensor
    over_y: torch.Tensor
    over_x: torch.Tensor

    def compose(self, inner: torch.Tensor, patches: torch.Tensor) -> torch.Tensor:
        """`inner` [n, k, h, w] of the box with `patches` [n, c, k, rows, columns] (faded) over it."""
        over = self.over_y.transpose(1, 2) @ self.over_x
        wide = (patches @ self.columns[:, :, None]).transpose(1, 2)
        # Rows of a band's close-ups side by side: their products add up by themselves.
        bands = [rows.flatten(2)[:, None] @ wide[:, :, of].flatten(2, 3) for of, rows in self.rows]
        return inner * (1 - over[:, None]) + torch.cat(bands, 2)


class CloseUps(nn.Module):
    """`anchors` [c, 2]: middles at rest; `still` [3, h, w]: a picture at rest; `widths`: channels of each; `block`: residual
    block of so many channels."""

    def __init__(self, latent: tuple[int, int, int], anchors: torch.Tensor, still: torch.Tensor, widths, block):
        super().__init__()
        size = latent[0] * latent[1] * latent[2]
        self.register_buffer("anchors", anchors.clone())
        self.box = Box.around(anchors)
        self.bands = self.box.bands(anchors)
        self.painters = nn.ModuleList(_Painter(size, channels, block) for channels in widths)
        self.paints = nn.ModuleList(nn.Conv2d(channels[-1], 48, 3, padding=1) for channels in widths)
        for paint in self.paints:
            nn.init.zeros_(paint.weight)
            nn.init.zeros_(paint.bias)
        self.hidden = nn.Linear(size, 64)
        self.where = nn.Linear(64, 4 * len(anchors))
        nn.init.normal_(self.where.weight, std=0.01)
        nn.init.zeros_(self.where.bias)
        self.register_buffer("fade_y", _faded(_centred(PATCH[0], 1), PATCH[0]))
        self.register_buffer("fade_x", _faded(_centred(PATCH[1], 1), PATCH[1]))
        # Faded already, as all that is painted on it: fade x picture.
        crops = []
        for x, y in anchors.tolist():
            top, left = round(y - PATCH[0] / 2), round(x - PATCH[1] / 2)
            crops.append(still[:, top : top + PATCH[0], left : left + PATCH[1]])
        self.stills = nn.Parameter(torch.stack(crops) * self.fade_y[:, None] * self.fade_x)

    def placement(self, latents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Moves [n, c, 2] (y, x) in pixels, and scales [n, c, 2]. What is learned here shapes no latents: a place is felt in
        every pixel, and would drown what the pixels themselves have to say."""
        out = self.where(F.relu(self.hidden(latents.detach().flatten(1)))).view(-1, len(self.anchors), 4)
        return 32 * out[..., :2], 1 + STRETCH * torch.tanh(out[..., 2:])

    def mapping(self, latents: torch.Tensor, step: int = 1) -> Mapping:
        """How close-ups lie in the box. `step` 2 is for planes of half the size, whose samples lie between two pixels."""
        moves, scales = self.placement(latents)
        box = self.box
        y = _position(box.top, box.bottom, step, self.anchors[:, 1] + moves[..., 0], scales[..., 0])
        x = _position(box.left, box.right, step, self.anchors[:, 0] + moves[..., 1], scales[..., 1])
        inside = _centred(PATCH[0], step, y.device)
        rows = [
            (band.of, _kernel(y[:, band.of, band.top // step : band.bottom // step].transpose(1, 2)[..., None], inside, step))
            for band in self.bands
        ]
        columns = _kernel(x[:, :, None], _centred(PATCH[1], step, x.device)[:, None], step)
        return Mapping(rows, columns, _faded(y, PATCH[0]), _faded(x, PATCH[1]))

    def dense(self) -> list[nn.Parameter]:
        """Weights of layers with so many inputs that steps which suit a convolution would throw their outputs about."""
        layers = [self.hidden, self.where, *(layer for p in self.painters for layer in (p.enter, p.spread))]
        return [parameter for layer in layers for parameter in layer.parameters()]

    def features(self, latents) -> list[torch.Tensor]:
        """`latents` [n, ...] for all close-ups, or a list with those of each."""
        each = latents if isinstance(latents, list) else [latents] * len(self.painters)
        return [painter(x.reshape(-1, x[0].numel(), 1, 1)) for painter, x in zip(self.painters, each)]

    def over(self, inner: torch.Tensor, latents: torch.Tensor, each=None) -> torch.Tensor:
        """What the box holds, RGB [n, 3, h, w], without -> with close-ups. `each`: latents that they are painted from, if others."""
        patches = [F.pixel_shuffle(paint(x), CELL) for paint, x in zip(self.paints, self.features(each or latents))]
        # Half precision is too coarse for places and for sums of whole pixels.
        with torch.autocast(latents.device.type, enabled=False):
            faded = torch.stack(patches, 1).float() * (self.fade_y[:, None] * self.fade_x) + self.stills
            return self.mapping(latents.float()).compose(inner, faded)

    def forward(self, picture: torch.Tensor, latents: torch.Tensor) -> torch.Tensor:
        """Picture [n, 3, h, w] without -> with close-ups."""
        return self.box.paste(picture, self.over(self.box.cut(picture), latents))


def _faded(at: torch.Tensor, size: int) -> torch.Tensor:
    """How opaque a close-up is at a distance from its middle, pixels: 0 at its ends, 1 from FEATHER on."""
    t = ((size / 2 - at.abs()) / FEATHER).clamp(0, 1)
    return t * t * (3 - 2 * t)


def _centred(size: int, step: int, device=None) -> torch.Tensor:
    """Where samples lie from the middle of `size` pixels, in pixels."""
    return torch.arange(0, size, step, dtype=torch.float32, device=device) + (step - size) / 2


def _position(first: int, last: int, step: int, middle: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Of each of the picture's samples: its place in the close-ups, from their middles, [n, c, (last - first) / step]."""
    to = torch.arange(first, last, step, dtype=torch.float32, device=middle.device) + (step - 1) / 2
    return (to - middle[..., None]) / scale[..., None]


def _kernel(to: torch.Tensor, source: torch.Tensor, step: int) -> torch.Tensor:
    # As few operations on whole matrices as it can be had with: a good part of the fast decoder's time goes here.
    unit = _FALL**0.5 / step
    away = to * unit - source * unit
    square = away * away
    return (_HEIGHT - _BEND / _FALL * square) * torch.exp(-square)
