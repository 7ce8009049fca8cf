"""Step 4: frames -> pose encoder and decoder, then the encoder of pictures. Goes on from BUILD/codec.pt.

python -m vizavi_studio.train_codec BUILD [--minutes 60] [--threads 2] [--part decoder|encoder|large] [--like OTHER_BUILD]
"""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from .codec import FAST, LARGE, Decoder, Encoder, PoseEncoder
from .frames import Region, load_anchors, load_frames, regions

BATCH = 4
RATE = 1.2e-3
SAVE_SECONDS = 240
SQUARED = 5.0
GUIDE = 0.001
"""What a pixel between a close-up and the part of the face that it shows costs."""


def held_out(frame: int) -> bool:
    """Such frames are never trained on, however many there are."""
    return frame % 25 == 7


class Trainer:
    """Parts are trained one after another: poses are known, so the decoder need not wait for an encoder to find them.

    decoder: pose -> latent -> picture, both networks. encoder: picture -> latent, against the decoder as it is. large:
    latent -> picture once more, with the decoder for GPUs.
    """

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
        modules = {"decoder": [self.decoder, self.poser], "encoder": [self.encoder], "large": [self.decoder]}[part]
        for module in (self.encoder, self.poser, self.decoder):
            module.requires_grad_(module in modules)
        self.trained = [p for module in modules for p in module.parameters()]
        # A pixel's own value is moved by every step: with the rate of the weights it would only flicker.
        shares = {id(p): 0.02 for p in (self.decoder.still, self.decoder.closeups.stills)}
        shares |= {id(p): 0.1 for p in self.decoder.closeups.dense()}
        groups = [
            {"params": chosen, "share": share, "weight_decay": 1e-4 if share == 1 else 0.0}
            for share in (1, 0.1, 0.02)
            if (chosen := [p for p in self.trained if shares.get(id(p), 1) == share])
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=RATE, weight_decay=1e-4)
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
        rate = RATE * min(1, (self.step + 1) / 100) * (0.5 * (1 + math.cos(math.pi * progress)) * 0.98 + 0.02)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["share"]
        frames = self.random.choice(self.kept, BATCH, replace=False)
        target = self._load(frames)
        with torch.autocast(self.device, torch.bfloat16):
            posed = self.poser(self.poses[frames])
            if self.part == "encoder":
                latents = self.encoder(target)
            else:
                # Room around each latent: neither encoder nor quantisation hits them exactly.
                latents = posed + 0.03 * torch.randn_like(posed)
            made = self.decoder(latents)
        loss = self._distance(made.float(), target)
        if self.part == "encoder":
            loss = loss + F.mse_loss(latents, posed)
        else:
            moves, _ = self.decoder.closeups.placement(latents.float())
            loss = loss + GUIDE * (moves - self.moves[frames]).abs().mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        self.optimizer.step()
        self.step += 1
        return loss.item()

    def _distance(self, made: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Differences, of edges and of coarser pictures too; where nothing moves they count less."""
        weight = self.weight
        difference = made - target
        # Absolute ones keep edges sharp, squared ones leave no lash out.
        out = (difference.abs() * weight).mean() + SQUARED * (difference**2 * weight).mean()
        for axis, size in ((2, weight[1:]), (3, weight[:, 1:])):
            out = out + 0.5 * ((made.diff(dim=axis) - target.diff(dim=axis)).abs() * size).mean()
        for scale in (4, 16):
            out = out + 0.3 * (F.avg_pool2d(made, scale) - F.avg_pool2d(target, scale)).abs().mean()
        return out

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
        if self._file.exists() and self.part == "large":
            state = torch.load(self._file, map_location=self.device, weights_only=True)
        if self.part != "large" or self._file.exists():
            self.decoder.load_state_dict(state["decoder"])
            self.optimizers, self.steps, self.spent = state["optimizer"], state["steps"], state["seconds"]
            self.history = state["history"]
        if self.part in self.steps:
            self.optimizer.load_state_dict(self.optimizers[self.part])
            self.step, self.seconds = self.steps[self.part], self.spent[self.part]
            self.random = np.random.default_rng([self.step, 1])
            print(f"goes on from {self.step}")


    def _learn_from(self, like: Path) -> None:
        """Starts from another actor's weights, all but how that one looks at rest."""
        state = torch.load(like / "codec.pt", map_location=self.device, weights_only=True)
        own = ("still", "closeups.stills", "closeups.anchors")
        known = {name: value for name, value in state["decoder"].items() if name not in own}
        self.decoder.load_state_dict(known, strict=False)
        self.poser.load_state_dict(state["poser"])
        self.encoder.load_state_dict(state["encoder"])


def _crop(error: torch.Tensor, box: Region) -> torch.Tensor:
    x0, y0, x1, y1 = box
    return error[y0:y1, x0:x1]


def _psnr(error: torch.Tensor) -> float:
    return float(-10 * torch.log10(error.mean()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("--iterations", type=int, default=16_000)
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--like", type=Path, help="another actor's build, trained already, to start from")
    parser.add_argument("--part", choices=["decoder", "encoder", "large"], default="decoder")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    Trainer(args.build, args.iterations, args.seed, args.part, args.like).run(args.minutes)


if __name__ == "__main__":
    main()
