"""Eyes and mouth alone, many times faster than the whole picture: everything else is as it is, and made once."""

from pathlib import Path

import numpy as np
import torch

from .codec_trainer import Trainer, roomy
from .distance import distance


# What moves nothing of the mouth, and what nothing of the eyes.
UPPER = ("eyeBlink", "eyeSquint", "eyeWide", "browDown", "browInnerUp", "browOuterUp", "gazeX", "gazeY")
LOWER = (
    *("jawOpen", "mouthFunnel", "mouthPucker", "mouthPress", "mouthRollLower", "mouthRollUpper"),
    *("mouthLowerDown", "mouthShrugLower", "tongueUp", "tongueOut"),
)


class CloseUpTrainer(Trainer):
    """Part closeups: after the decoder. Latents and what lies under the close-ups stay.

    Some hundred renders are few for a mouth that also sees the brows: by chance they go together. So each close-up is
    painted from the frame's pose with the other part's parameters of another frame.
    """

    batch = 8
    rate = 1e-3
    dense_share = 0.3

    def __init__(self, build: Path, iterations: int, seed: int):
        super().__init__(build, iterations, seed, "closeups")
        closeups = self.decoder.closeups
        self.box_weight = closeups.box.cut(self.weight)
        self.box_weight = self.box_weight / self.box_weight.mean()
        self.upper, self.lower = ([self.names.index(name) for name in part] for part in (UPPER, LOWER))
        with torch.no_grad():
            self.latents = self.poser(self.poses)
            under = [closeups.box.cut(self.decoder.without(latents[None])) for latents in self.latents]
        self.under = torch.cat(under).half()
        box = closeups.box
        self.targets = np.ascontiguousarray(self.pictures[:, box.top : box.bottom, box.left : box.right])

    def _loss(self, frames: np.ndarray) -> torch.Tensor:
        target = torch.from_numpy(self.targets[frames]).to(self.device).permute(0, 3, 1, 2).float().div_(255)
        latents = roomy(self.latents[frames])
        with torch.no_grad():
            eye, mouth = (roomy(self.poser(self._mixed(frames, part))) for part in (self.lower, self.upper))
        with torch.autocast(self.device, torch.bfloat16):
            made = self.decoder.closeups.over(self.under[frames].float(), latents, [eye, eye, mouth])
        return distance(made, target, self.box_weight) + self._astray(latents, frames)

    def _mixed(self, frames: np.ndarray, columns: list[int]) -> torch.Tensor:
        poses = self.poses[frames].clone()
        poses[:, columns] = self.poses[self.random.permutation(self.kept)[: len(frames)]][:, columns]
        return poses
