"""Step 4: frames -> encoder and decoder. Goes on from BUILD/codec.pt.

python -m vizavi_studio.train_codec BUILD [--minutes 60] [--threads 1]
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from .codec import Decoder, Encoder
from .frames import load_frames

HELD_OUT = 40
"""The last frames are never trained on."""
BATCH = 4
RATE = 2e-3
SAVE_SECONDS = 120
# Held-out PSNR is judged here too: boxes of the picture at rest, widened by what the head moves; x0, y0, x1, y1.
MOUTH = (170, 250, 330, 400)
EYES = (150, 130, 350, 240)


class Trainer:
    def __init__(self, build: Path, iterations: int, seed: int):
        torch.manual_seed(seed)
        self.build = build
        self.iterations = iterations
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.pictures, _, _ = load_frames(build)
        self.count = len(self.pictures) - HELD_OUT
        if self.count < 2 * HELD_OUT:
            raise SystemExit(f"{len(self.pictures)} frames are too few")
        sample = self._load(np.linspace(0, self.count - 1, 64).astype(int))
        mean = sample.mean(0)
        self.encoder = Encoder().to(self.device)
        self.decoder = Decoder(mean).to(self.device)
        moves = (sample - mean).abs().mean((0, 1))
        moves = F.avg_pool2d(moves[None, None], 9, 1, 4)[0, 0]
        self.weight = (0.15 + moves / moves.max()).sqrt()
        parameters = [*self.encoder.parameters(), *self.decoder.parameters()]
        self.optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=1e-4)
        self.random = np.random.default_rng(seed)
        self.step = 0
        self.seconds = 0.0
        if self._file.exists():
            self._resume()

    @property
    def _file(self) -> Path:
        return self.build / "codec.pt"

    def run(self, minutes: float) -> None:
        until = time.time() + 60 * minutes
        saved = started = time.time()
        before = self.seconds
        while self.step < self.iterations and time.time() < until:
            loss = self._iterate()
            self.seconds = before + time.time() - started
            if self.step % 50 == 0:
                print(f"{self.step}/{self.iterations}  {self.seconds:.0f} s  loss {loss:.4f}", flush=True)
            if time.time() - saved > SAVE_SECONDS:
                self.save()
                saved = time.time()
        self.save()

    def save(self) -> None:
        whole, mouth, eyes = self.judge()
        print(f"{self.step}: held out {whole:.2f} dB, mouth {mouth:.2f}, eyes {eyes:.2f}", flush=True)
        state = {
            "encoder": self.encoder.state_dict(),
            "decoder": self.decoder.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
        }
        part = self._file.with_suffix(".part")
        torch.save(state, part)
        part.rename(self._file)

    @torch.no_grad()
    def judge(self) -> tuple[float, float, float]:
        """PSNR in dB over held-out frames: whole, mouth, eyes; writes a picture to look at."""
        rows, errors = [], []
        for k in range(self.count, self.count + HELD_OUT):
            target = self._load([k])
            made = self.decoder(self.encoder(target)).clamp(0, 1)
            error = ((made - target) ** 2).mean((0, 1))
            errors.append([_psnr(error), _psnr(_crop(error, MOUTH)), _psnr(_crop(error, EYES))])
            if k - self.count < 4:
                difference = ((made - target).abs() * 4).clamp(0, 1)
                rows.append(torch.cat([target[0], made[0], difference[0]], 1))
        sheet = torch.cat(rows, 2).permute(1, 2, 0).cpu().numpy()
        Image.fromarray((sheet * 255).astype(np.uint8)).save(self.build / "codec.png")
        return tuple(np.mean(errors, 0))

    def _iterate(self) -> float:
        progress = self.step / self.iterations
        rate = RATE * min(1, (self.step + 1) / 100) * (0.5 * (1 + np.cos(np.pi * progress)) * 0.98 + 0.02)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        target = self._load(self.random.choice(self.count, BATCH, replace=False))
        latents = self.encoder(target)
        # Room around each latent: the generator will not hit them exactly.
        made = self.decoder(latents + 0.03 * torch.randn_like(latents))
        loss = self._distance(made, target)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.decoder.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        return loss.item()

    def _distance(self, made: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Absolute differences, of edges and of coarser pictures too; where nothing moves they count less."""
        weight = self.weight
        out = ((made - target).abs() * weight).mean()
        for axis, size in ((2, weight[1:]), (3, weight[:, 1:])):
            out = out + 0.7 * ((made.diff(dim=axis) - target.diff(dim=axis)).abs() * size).mean()
        for scale in (2, 4, 8):
            out = out + 0.3 * (F.avg_pool2d(made, scale) - F.avg_pool2d(target, scale)).abs().mean()
        return out

    def _load(self, frames) -> torch.Tensor:
        pictures = torch.from_numpy(np.ascontiguousarray(self.pictures[frames]))
        return pictures.to(self.device).permute(0, 3, 1, 2).float() / 255

    def _resume(self) -> None:
        state = torch.load(self._file, map_location=self.device, weights_only=True)
        self.encoder.load_state_dict(state["encoder"])
        self.decoder.load_state_dict(state["decoder"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = state["step"], state["seconds"]
        print(f"goes on from {self.step}")


def _crop(error: torch.Tensor, box: tuple[int, int, int, int]) -> torch.Tensor:
    x0, y0, x1, y1 = box
    return error[y0:y1, x0:x1]


def _psnr(error: torch.Tensor) -> float:
    return float(-10 * torch.log10(error.mean()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("--iterations", type=int, default=20_000)
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    Trainer(args.build, args.iterations, args.seed).run(args.minutes)


if __name__ == "__main__":
    main()
