"""What training has in common for all parts of the codec; `train_codec.py` is the command."""

import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from .codec import FAST, LARGE, Block, Decoder, Encoder, PoseEncoder
from .distance import distance
from .frames import Region, held_out, load_anchors, load_frames, regions
from .grow import grown
from .rounding import feel_rounding

SAVE_SECONDS = 240
GUIDE = 0.001
"""What a pixel between a close-up and its part of the face costs."""


class Trainer:
    """Parts are trained one after another: poses are known, so the decoder need not wait for an encoder to find them.

    decoder: pose -> latent -> picture, both networks. encoder: picture -> latent, against the decoder as it is. large:
    latent -> picture once more, with the decoder for GPUs, which starts as the other one. closeups: see CloseUpTrainer.
    """

    batch = 4
    rate = 1.2e-3
    dense_share = 0.1
    """Of that rate, for layers with a thousand inputs."""

    def __init__(self, build: Path, iterations: int, seed: int, part: str, like: Path | None = None):
        torch.manual_seed(seed)
        self.build = build
        self.iterations = iterations
        self.part = part
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.pictures, poses, self.names = load_frames(build)
        self.poses = torch.from_numpy(poses).to(self.device)
        frames = np.arange(len(self.pictures))
        self.kept = frames[[not held_out(k) for k in frames]]
        self.held = frames[[held_out(k) for k in frames]]
        if len(self.held) < 4:
            raise SystemExit(f"{len(frames)} frames are too few")
        sample = self._load(self.kept[np.linspace(0, len(self.kept) - 1, 64).astype(int)])
        mean = sample.mean(0)
        ranges = torch.tensor(json.loads((build / "frames" / "poses.json").read_text())["ranges"])
        self.encoder = Encoder().to(self.device, memory_format=torch.channels_last)
        self.poser = PoseEncoder(ranges[:, 0], ranges[:, 1]).to(self.device)
        rest, anchors = (torch.from_numpy(a).to(self.device) for a in load_anchors(build))
        self.moves = (anchors - rest).flip(-1)
        self.regions = regions(rest.cpu().numpy())
        self.decoder = Decoder(mean, rest, LARGE if part == "large" else FAST).to(self.device, memory_format=torch.channels_last)
        moves = (sample - mean).abs().mean((0, 1))
        moves = F.avg_pool2d(moves[None, None], 9, 1, 4)[0, 0]
        weight = (0.15 + moves / moves.max()).sqrt()
        for x0, y0, x1, y1 in self.regions.values():
            weight[y0:y1, x0:x1] *= 2.5
        self.weight = weight / weight.mean()
        modules = {
            "decoder": [self.decoder, self.poser],
            "encoder": [self.encoder],
            "large": [self.decoder],
            "closeups": [self.decoder.closeups],
        }[part]
        if part in ("decoder", "closeups"):
            feel_rounding(self.decoder, Block)
        for module in (self.encoder, self.poser, self.decoder):
            module.requires_grad_(False)
        for module in modules:
            module.requires_grad_()
        if part == "large":
            # It starts where the small one ended: longer steps would first of all undo that.
            self.rate /= 2
            # Both decoders have their still pictures in common: a bundle holds them once.
            self.decoder.still.requires_grad_(False)
            self.decoder.closeups.stills.requires_grad_(False)
        self.trained = [p for module in modules for p in module.parameters() if p.requires_grad]
        # A pixel's own value is moved by every step: with the rate of the weights it would only flicker.
        shares = {id(p): 0.02 for p in (self.decoder.still, self.decoder.closeups.stills)}
        shares |= {id(p): self.dense_share for p in self.decoder.closeups.dense()}
        groups = [
            {"params": chosen, "share": share, "weight_decay": 1e-4 if share == 1 else 0.0}
            for share in (1, self.dense_share, 0.02)
            if (chosen := [p for p in self.trained if shares.get(id(p), 1) == share])
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=self.rate, weight_decay=1e-4)
        self.random = np.random.default_rng(seed)
        self.step = 0
        self.seconds = 0.0
        self.history: list[dict] = []
        self._load_known(like)

    @property
    def _file(self) -> Path:
        return self.build / ("codec.large.pt" if self.part == "large" else "codec.pt")

    def run(self, minutes: float) -> None:
        until = time.time() + 60 * minutes
        saved = started = time.time()
        before = self.seconds
        while self.step < self.iterations and time.time() < until:
            loss = self._iterate()
            self.seconds = before + time.time() - started
            if self.step % 100 == 0:
                print(f"{self.step}/{self.iterations}  {self.seconds:.0f} s  loss {loss:.4f}", flush=True)
            if time.time() - saved > SAVE_SECONDS:
                self.save()
                saved = time.time()
        self.save()

    def save(self) -> None:
        whole, mouth, eyes, seen = self.judge()
        words = f"held out {whole:.2f} dB, mouth {mouth:.2f}, eyes {eyes:.2f}; through the encoder {seen:.2f}"
        print(f"{self.part} {self.step}: {words}", flush=True)
        self.history.append(
            {
                "part": self.part,
                "step": self.step,
                "seconds": round(self.seconds),
                "whole": whole,
                "mouth": mouth,
                "eyes": eyes,
                "seen": seen,
            }
        )
        state = {
            "encoder": self.encoder.state_dict(),
            "poser": self.poser.state_dict(),
            "decoder": self.decoder.state_dict(),
            "optimizer": {**self.optimizers, self.part: self.optimizer.state_dict()},
            "names": self.names,
            "frames": len(self.pictures),
            "steps": {**self.steps, self.part: self.step},
            "seconds": {**self.spent, self.part: self.seconds},
            "history": self.history,
        }
        part = self._file.with_suffix(".part")
        torch.save(state, part)
        part.rename(self._file)

    @torch.no_grad()
    def judge(self) -> tuple[float, float, float, float]:
        """PSNR in dB over held-out frames, from the pose: whole, mouth, eyes; whole through the encoder. Draws a sheet."""
        rows, errors = [], []
        for k in self.held[:40]:
            target = self._load([k])
            made = self.decoder(self.poser(self.poses[k : k + 1])).clamp(0, 1)
            seen = self.decoder(self.encoder(target)).clamp(0, 1)
            error = ((made - target) ** 2).mean((0, 1))
            errors.append(
                [
                    _psnr(error),
                    *(_psnr(_crop(error, self.regions[name])) for name in ("mouth", "eyes")),
                    _psnr((seen - target) ** 2),
                ]
            )
            if len(rows) < 4:
                difference = ((made - target).abs() * 4).clamp(0, 1)
                rows.append(torch.cat([target[0], made[0], seen[0], difference[0]], 1))
        sheet = torch.cat(rows, 2).permute(1, 2, 0).cpu().numpy()
        Image.fromarray((sheet * 255).astype(np.uint8)).save(self._file.with_suffix(".png"))
        return tuple(float(x) for x in np.mean(errors, 0))

    def _iterate(self) -> float:
        progress = self.step / self.iterations
        rate = self.rate * min(1, (self.step + 1) / 100) * (0.5 * (1 + math.cos(math.pi * progress)) * 0.98 + 0.02)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["share"]
        loss = self._loss(self.random.choice(self.kept, self.batch, replace=False))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        self.optimizer.step()
        self.step += 1
        return loss.item()

    def _loss(self, frames: np.ndarray) -> torch.Tensor:
        target = self._load(frames)
        with torch.autocast(self.device, torch.bfloat16):
            posed = self.poser(self.poses[frames])
            if self.part == "encoder":
                latents = self.encoder(target)
            else:
                latents = roomy(posed)
            made = self.decoder(latents)
        loss = distance(made.float(), target, self.weight)
        if self.part == "encoder":
            return loss + F.mse_loss(latents, posed)
        return loss + self._astray(latents, frames)

    def _astray(self, latents: torch.Tensor, frames: np.ndarray) -> torch.Tensor:
        """How far close-ups are from the parts of the face that they show."""
        moves, _ = self.decoder.closeups.placement(latents.float())
        return GUIDE * (moves - self.moves[frames]).abs().mean()

    def _load(self, frames) -> torch.Tensor:
        pictures = torch.from_numpy(np.ascontiguousarray(self.pictures[frames]))
        # Rows of pixels as they lie: the layout that convolutions on a CPU like best.
        return pictures.to(self.device).permute(0, 3, 1, 2).float().div_(255)

    def _load_known(self, like: Path | None) -> None:
        self.optimizers: dict[str, dict] = {}
        self.steps: dict[str, int] = {}
        self.spent: dict[str, float] = {}
        basis = self.build / "codec.pt"
        if not basis.exists():
            if self.part != "decoder":
                raise SystemExit("the decoder comes first")
            if like:
                self._learn_from(like)
            return
        state = torch.load(basis, map_location=self.device, weights_only=True)
        self.encoder.load_state_dict(state["encoder"])
        self.poser.load_state_dict(state["poser"])
        if self.part == "large":
            state = self._load_large(state)
        self.decoder.load_state_dict(grown(state["decoder"], self.decoder.state_dict()))
        if self.part != "large" or self._file.exists():
            self.optimizers, self.steps, self.spent = state["optimizer"], state["steps"], state["seconds"]
            self.history = state["history"]
        if self.part in self.steps:
            if self.part in self.optimizers:  # Whoever widens the decoder takes it out.
                self.optimizer.load_state_dict(self.optimizers[self.part])
            self.step, self.seconds = self.steps[self.part], self.spent[self.part]
            self.random = np.random.default_rng([self.step, 1])
            print(f"goes on from {self.step}")


    def _load_large(self, small: dict) -> dict:
        """What is known of the large decoder; its close-ups are the small one's again if those have learned since."""
        learned = small["steps"].get("closeups", 0)
        if not self._file.exists():
            self.steps["closeups"] = learned
            return small
        state = torch.load(self._file, map_location=self.device, weights_only=True)
        if state["steps"].get("closeups") != learned:
            newer = {name: value for name, value in small["decoder"].items() if name.startswith("closeups.")}
            state["decoder"].update(newer)
            state["steps"]["closeups"] = learned
            state["optimizer"].pop("large", None)
        return state

    def _learn_from(self, like: Path) -> None:
        """Starts from another actor's weights, all but how that one looks at rest."""
        state = torch.load(like / "codec.pt", map_location=self.device, weights_only=True)
        own = ("still", "closeups.stills", "closeups.anchors")
        known = {name: value for name, value in state["decoder"].items() if name not in own}
        self.decoder.load_state_dict(known, strict=False)
        self.poser.load_state_dict(state["poser"])
        self.encoder.load_state_dict(state["encoder"])


def roomy(latents: torch.Tensor) -> torch.Tensor:
    """With room around each: neither encoder nor quantisation hits them exactly."""
    return latents + 0.03 * torch.randn_like(latents)


def _crop(error: torch.Tensor, box: Region) -> torch.Tensor:
    x0, y0, x1, y1 = box
    return error[y0:y1, x0:x1]


def _psnr(error: torch.Tensor) -> float:
    return float(-10 * torch.log10(error.mean()))
