"""How far pictures are from what they should be."""

import torch
from torch.nn import functional as F

SQUARED = 20.0


def distance(made: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Differences of pixels, of edges and of coarser pictures: RGB [n, 3, h, w] each, `weight` [h, w] of mean 1."""
    difference = made - target
    # Absolute ones keep edges sharp, squared ones leave no lash out: from 0.025 on they count for more.
    out = (difference.abs() * weight).mean() + SQUARED * (difference**2 * weight).mean()
    for axis, size in ((2, weight[1:]), (3, weight[:, 1:])):
        out = out + 0.5 * (difference.diff(dim=axis).abs() * size).mean()
    for scale in (4, 16):
        out = out + 0.3 * F.avg_pool2d(difference, scale).abs().mean()
    return out
