"""A trained network's weights in a wider one that gives the same at first (Chen et al., "Net2Net: Accelerating Learning via
Knowledge Transfer", ICLR 2016; here new channels start with chance going in and nothing going out)."""

import torch


def grown(known: dict[str, torch.Tensor], wider: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """State of a wider network of the same layers: `known`'s channels first, then `wider`'s own, which nobody hears yet."""
    return {name: _grown(known[name], fresh) for name, fresh in wider.items()}


def _grown(known: torch.Tensor, fresh: torch.Tensor) -> torch.Tensor:
    if known.shape == fresh.shape:
        return known
    if any(a > b for a, b in zip(known.shape, fresh.shape)):
        raise ValueError(f"{tuple(known.shape)} does not fit into {tuple(fresh.shape)}")
    out = fresh.clone()
    if known.dim() == 4 and known.shape[1] < fresh.shape[1]:
        out[: len(known)] = 0
    out[tuple(slice(size) for size in known.shape)] = known
    return out
