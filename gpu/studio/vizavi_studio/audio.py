"""Log-mel features inside the network: 80 bands, 25 ms windows, 10 ms apart, 16 kHz."""

import numpy as np
import torch
from torch import nn

RATE, WINDOW, HOP, BANDS = 16_000, 400, 160, 80
HISTORY = WINDOW - HOP
"""Samples before the new ones that the first window needs."""
FLOOR, SCALE = float(np.log(1e-4)), 4.0
FRAME = 640
"""Samples of one picture at 25 fps."""


def mel_bank(low: float = 40.0, high: float = 7600.0) -> np.ndarray:
    """[bands, window / 2 + 1]: triangles on the mel scale (O'Shaughnessy, 1987), integrated over each bin: none is empty."""
    edges = 700 * (10 ** (np.linspace(_mel(low), _mel(high), BANDS + 2) / 2595) - 1)
    width = RATE / WINDOW
    bins = np.arange(WINDOW // 2 + 1)[:, None] * width + np.linspace(-width / 2, width / 2, 21)
    a, b, c = (edges[k : k + BANDS, None, None] for k in range(3))
    bank = np.maximum(0, np.minimum((bins - a) / (b - a), (c - bins) / (c - b))).mean(2)
    return bank / bank.sum(1, keepdims=True)


def _mel(hertz: float) -> float:
    return 2595 * np.log10(1 + hertz / 700)


class LogMel(nn.Module):
    """PCM [n, HISTORY + 160 k] -> [n, k, 80], 0 for silence, about 2 for loud speech."""

    def __init__(self):
        super().__init__()
        n = np.arange(WINDOW)
        window = 0.5 - 0.5 * np.cos(2 * np.pi * (n + 0.5) / WINDOW)
        angle = 2 * np.pi * np.arange(WINDOW // 2 + 1)[:, None] * n / WINDOW
        basis = np.concatenate([np.cos(angle) * window, np.sin(angle) * window])[:, None]
        self.register_buffer("basis", torch.tensor(basis, dtype=torch.float32))
        self.register_buffer("bank", torch.tensor(mel_bank(), dtype=torch.float32)[:, :, None])

    def forward(self, pcm: torch.Tensor) -> torch.Tensor:
        spectrum = torch.conv1d(pcm[:, None], self.basis, stride=HOP)
        bins = WINDOW // 2 + 1
        power = spectrum[:, :bins] ** 2 + spectrum[:, bins:] ** 2
        mel = torch.log(torch.conv1d(power, self.bank) + 1e-4).transpose(1, 2)
        return (mel - FLOOR) / SCALE
