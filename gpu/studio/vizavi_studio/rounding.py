"""Training that feels what 8-bit arithmetic will do to the fast decoder (Jacob et al., "Quantization and Training of Neural
Networks for Efficient Integer-Arithmetic-Only Inference", CVPR 2018)."""

import torch
from torch import nn

LEVELS = 255
MEMORY = 0.99
"""Share of a tensor's known range that each step keeps; a wider value widens it at once."""


class Rounding:
    """What a layer gives, rounded to the 256 levels between the least and the most that it has given lately."""

    def __init__(self, after_relu: bool = False):
        self.after_relu = after_relu
        self.low = self.high = 0.0

    def __call__(self, _layer: nn.Module, _inputs, out: torch.Tensor) -> torch.Tensor:
        return self.round(out)

    def before(self, _layer: nn.Module, inputs: tuple[torch.Tensor]) -> torch.Tensor:
        return self.round(inputs[0])

    def round(self, out: torch.Tensor) -> torch.Tensor:
        if not torch.is_grad_enabled():
            return out
        if self.after_relu:  # The runtime knows only what the following relu lets through.
            out = out.relu()
        least, most = (v.item() for v in torch.aminmax(out.detach()))
        self.low = min(least, self.low * MEMORY)
        self.high = max(most, self.high * MEMORY)
        step = max(self.high - self.low, 1e-6) / LEVELS
        rounded = ((out.detach().float() / step).round() * step).to(out.dtype)
        return out + (rounded - out.detach())


def feel_rounding(decoder: nn.Module, block: type[nn.Module]) -> None:
    """Every convolution and every `block` of `decoder` takes and gives rounded values while it is trained."""
    for name, module in decoder.named_modules():
        if isinstance(module, block):
            module.register_forward_pre_hook(Rounding().before)
            module.register_forward_hook(Rounding())
        elif isinstance(module, nn.Conv2d):
            module.register_forward_hook(Rounding(after_relu=name.endswith(("first", "spread")) or name == "enter"))
