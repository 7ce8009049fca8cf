"""Sound -> motion by conditional flow matching (Lipman et al., ICLR 2023), then motion -> latent.

Frame f is computed from samples before 640 (f + 1) and shows the face for the frame LOOKAHEAD earlier. All memory lies in
one state vector, zero before the first sample: results do not depend on how a stream is cut into calls.
"""

import torch
from torch import nn
from torch.nn import functional as F

from .audio import BANDS, FRAME, HISTORY, HOP, LogMel
from .codec import PoseEncoder
from .motion import CLOSED, DRIVEN, EMOTIONS, KEPT_CLOSED, MOUTH

LOOKAHEAD = 3
HIDDEN, NARROW, WIDE = 192, 96, 160
MEL_BEFORE, FEATURES_BEFORE = 4, 2
PER_FRAME = FRAME // HOP
NOISE_MEMORY = 0.88
"""Chance moves slowly: the noise of a frame is that of the frame before, mostly. Two such filters, one after the other."""
STATE = {
    "pcm": HISTORY,
    "mel": MEL_BEFORE * BANDS,
    "features": FEATURES_BEFORE * WIDE,
    "first": HIDDEN,
    "second": HIDDEN,
    "noise": 2 * len(DRIVEN),
    "turn": 1,
}
CHANCE = 0.75
"""Standard deviation of the noise at which motion begins, of 1: how far it may stray from the likeliest."""
SILENT_FRAMES = 200
PERIOD = 1024
"""Frames after which chance repeats itself."""


class Ear(nn.Module):
    """Log-mel -> what is heard in each frame."""

    def __init__(self):
        super().__init__()
        self.near = nn.Conv1d(BANDS, NARROW, MEL_BEFORE + 1)
        self.frame = nn.Conv1d(NARROW, WIDE, PER_FRAME, stride=PER_FRAME)
        self.wide = nn.Conv1d(WIDE, WIDE, FEATURES_BEFORE + 1)
        self.first = nn.GRU(WIDE, HIDDEN, batch_first=True)
        self.second = nn.GRU(HIDDEN, HIDDEN, batch_first=True)
        self.out = nn.Linear(2 * HIDDEN + WIDE, HIDDEN)
        # Whether the lips are closed, and whether anybody speaks.
        self.contact = nn.Linear(HIDDEN, 2)

    def forward(self, mel, before, features_before, first, second):
        """mel [n, 4 t, 80]; the four memories -> heard [n, t, 192], contact logits [n, t, 2], and the memories after."""
        mel = torch.cat([before, mel], 1)
        near = F.relu(self.near(mel.transpose(1, 2)))
        features = torch.cat([features_before, F.relu(self.frame(near))], 2)
        wide = F.relu(self.wide(features)).transpose(1, 2)
        one, first = self.first(wide, first)
        two, second = self.second(one, second)
        heard = F.silu(self.out(torch.cat([one, two, wide], 2)))
        return heard, self.contact(heard), (mel[:, -MEL_BEFORE:], features[:, :, -FEATURES_BEFORE:], first, second)

    def memories(self, n: int):
        zeros = torch.zeros
        return (
            zeros(n, MEL_BEFORE, BANDS),
            zeros(n, WIDE, FEATURES_BEFORE),
            zeros(1, n, HIDDEN),
            zeros(1, n, HIDDEN),
        )


class Flow(nn.Module):
    """The velocity that carries noise to motion: x(0) is noise, x(1) motion, both of unit variance."""

    def __init__(self, width: int = 320):
        super().__init__()
        size = len(DRIVEN)
        self.enter = nn.Linear(size + HIDDEN + len(EMOTIONS) + 8, width)
        self.one = nn.Linear(width, width)
        self.two = nn.Linear(width, width)
        self.leave = nn.Linear(width, size)
        self.register_buffer("waves", torch.pi * torch.tensor([0.5, 1.0, 2.0, 4.0]))

    def forward(self, x: torch.Tensor, time: torch.Tensor, heard: torch.Tensor, emotion: torch.Tensor) -> torch.Tensor:
        """x [..., 26], time [..., 1] in 0..1, heard [..., 192], emotion [..., 5] -> velocity [..., 26]."""
        angle = time * self.waves
        given = torch.cat([x, heard, emotion, torch.sin(angle), torch.cos(angle)], -1)
        h = F.silu(self.enter(given))
        h = h + F.silu(self.one(h))
        h = h + F.silu(self.two(h))
        return self.leave(h)

    def solve(self, x: torch.Tensor, heard: torch.Tensor, emotion: torch.Tensor, steps: int) -> torch.Tensor:
        """Euler's method."""
        for k in range(steps):
            time = torch.ones_like(x[..., :1]) * k / steps
            x = x + self.forward(x, time, heard, emotion) / steps
        return x


class Generator(nn.Module):
    """The network of the bundle: PCM and controls -> latents. The number of steps is part of the graph."""

    def __init__(self, ear: Ear, flow: Flow, scale: torch.Tensor, poser: PoseEncoder, names: list[str], steps: int):
        super().__init__()
        self.mel = LogMel()
        self.ear, self.flow, self.poser = ear, flow, poser
        self.poses, self.steps = len(names), steps
        self.register_buffer("scale", scale)
        self.register_buffer("closed", torch.tensor(CLOSED))
        self.register_buffer("kept", torch.tensor(KEPT_CLOSED))
        self.register_buffer("chance", CHANCE * torch.randn(PERIOD, len(DRIVEN), generator=torch.Generator().manual_seed(1)))
        place = torch.zeros(len(DRIVEN), len(names))
        for k, name in enumerate(DRIVEN):
            place[k, names.index(name)] = 1
        self.register_buffer("place", place)
        # The zero state is that of long silence.
        with torch.no_grad():
            _, _, silent = ear(torch.zeros(1, PER_FRAME * SILENT_FRAMES, BANDS), *ear.memories(1))
        self.register_buffer("silent", torch.cat([each.reshape(1, -1) for each in silent[1:]], 1))
        moods = len(EMOTIONS) - 1
        self.register_buffer("low", torch.cat([poser.middle - poser.reach, torch.zeros(moods)]))
        self.register_buffer("high", torch.cat([poser.middle + poser.reach, torch.ones(moods)]))

    def forward(self, pcm: torch.Tensor, expression: torch.Tensor, state: torch.Tensor):
        """pcm [1, 640 t]; expression [1, t, p + 4]: what is added to the pose, and shares of the emotions but neutral;
        state [1, sum of STATE] -> latents [t, 16, 8, 8], params [1, t, p + 4], state."""
        parts = torch.split(state, list(STATE.values()), 1)
        pcm = torch.cat([parts[0], pcm], 1)
        memory = torch.cat(parts[2:5], 1) + self.silent
        sizes = [FEATURES_BEFORE * WIDE, HIDDEN, HIDDEN]
        features, first, second = torch.split(memory, sizes, 1)
        heard, contact, (mel, *memories) = self.ear(
            self.mel(pcm),
            parts[1].view(1, MEL_BEFORE, BANDS),
            features.view(1, WIDE, FEATURES_BEFORE),
            first.view(1, 1, HIDDEN),
            second.view(1, 1, HIDDEN),
        )
        frames = heard.shape[1]
        turn = parts[6].to(torch.int64)
        noise = self.chance[(turn[0] + torch.arange(frames)) % PERIOD][None]
        slow, filters = _filter(noise, parts[5].view(1, 2, -1))
        moods = torch.clamp(expression[..., self.poses :], 0, 1)
        moods = moods / torch.clamp(moods.sum(-1, keepdim=True), min=1)
        emotion = torch.cat([1 - moods.sum(-1, keepdim=True), moods], -1)
        driven = self.flow.solve(slow, heard, emotion, self.steps) * self.scale
        driven = gated(driven, contact, self.closed, self.kept)
        pose = expression[..., : self.poses] + driven @ self.place
        params = torch.minimum(torch.maximum(torch.cat([pose, moods], -1), self.low), self.high)
        latents = self.poser(params[0, :, : self.poses])
        memory = torch.cat([each.reshape(1, -1) for each in memories], 1) - self.silent
        after = [pcm[:, -HISTORY:], mel.reshape(1, -1), memory, filters.reshape(1, -1)]
        after.append(((turn + frames) % PERIOD).to(torch.float32))
        return latents, params, torch.cat(after, 1)


def gated(driven: torch.Tensor, contact: torch.Tensor, closed: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
    """Closes the lips where they must meet, and rests, exactly, where nobody speaks."""
    shut = torch.clamp(1.3 * torch.sigmoid(1.5 * contact[..., :1]) - 0.15, 0, 1)
    alive = torch.clamp(1.08 * torch.sigmoid(contact[..., 1:]) - 0.04, 0, 1)
    mouth, rest = driven[..., : len(MOUTH)], driven[..., len(MOUTH) :]
    mouth = mouth * (1 - shut) + shut * (closed + kept * mouth)
    return torch.cat([mouth, rest], -1) * alive


_POWERS = 64
"""Frames of one call for which the filter's matrix is laid out; a call has fewer."""


def _filter(noise: torch.Tensor, before: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Two one-pole filters, as matrices: noise [1, t, d], before [1, 2, d] -> of unit variance [1, t, d], and both after.

    y1[k] = a^(k+1) y1[-1] + sum over j <= k of a^(k-j) x[j];  y2 is the same of y1.
    """
    a = NOISE_MEMORY
    t = noise.shape[1]
    k = torch.arange(_POWERS, dtype=torch.float32)
    lag = k[:, None] - k[None]
    one = torch.where(lag >= 0, a ** lag.clamp(min=0), torch.zeros(()))
    two = torch.where(lag >= 0, (lag + 1) * a ** lag.clamp(min=0), torch.zeros(()))
    from_one = a ** (k + 1)
    once = one[:t, :t] @ noise + from_one[:t, None] * before[:, :1]
    twice = two[:t, :t] @ noise + ((k + 1) * a ** (k + 1))[:t, None] * before[:, :1] + from_one[:t, None] * before[:, 1:]
    # Variance of the second filter's output for white noise of variance 1: (1 + a^2) / (1 - a^2)^3.
    unit = ((1 - a * a) ** 3 / (1 + a * a)) ** 0.5
    return twice * unit, torch.cat([once[:, -1:], twice[:, -1:]], 1)
