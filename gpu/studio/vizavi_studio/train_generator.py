"""Step 7: features and reference motion -> ear and flow. Goes on from SPEECH/generator.pt.

python -m vizavi_studio.train_generator SPEECH [--minutes 40] [--without rms]
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from .generator import LOOKAHEAD, Ear, Flow, gated
from .motion import CLOSED, DRIVEN, EMOTIONS, KEPT_CLOSED
from .voices import VOICES

BATCH, FRAMES = 20, 120
RATE = 1.5e-3
FORGOTTEN = 0.1
SAVE_SECONDS = 120
HELD_SENTENCES = 30
"""The last sentences of every voice are never trained on."""


class Corpus:
    """Utterances of some voices, one after the other."""

    def __init__(self, speech: Path, voices: list[str], held: bool, turns: list[int]):
        parts = []
        for turn in turns:
            for voice in voices:
                data = np.load(speech / f"prepared.{turn}.{voice}.npz")
                ends = np.cumsum(data["lengths"])
                cut = ends[-HELD_SENTENCES - 1]
                span = slice(cut, None) if held else slice(0, cut)
                emotion = np.repeat(data["emotions"], data["lengths"])[span]
                mel = data["features"].reshape(-1, 4, 80)[span]
                parts.append((mel, data["driven"][span], data["flags"][span], emotion))
        self.mel, self.driven, self.flags, self.emotion = (np.concatenate(each) for each in zip(*parts))

    def batch(self, starts: np.ndarray, frames: int):
        index = starts[:, None] + np.arange(frames)
        mel = torch.from_numpy(self.mel[index]).float().flatten(1, 2)
        # Frame f is heard to its end before the face of f - LOOKAHEAD is made.
        late = index - LOOKAHEAD
        flags = torch.from_numpy(self.flags[late]).float() / 255
        driven = torch.from_numpy(self.driven[late]).float()
        emotion = F.one_hot(torch.from_numpy(self.emotion[late]), len(EMOTIONS)).float()
        return mel, driven, flags, emotion


class Trainer:
    def __init__(self, speech: Path, without: str, iterations: int, seed: int):
        torch.manual_seed(seed)
        self.file = speech / (f"generator.without-{without}.pt" if without else "generator.pt")
        self.iterations = iterations
        voices = [voice for voice in VOICES if voice != without]
        self.corpus = Corpus(speech, voices, False, [0, 1, 2])
        self.held = Corpus(speech, [without] if without else ["slt", "rms", "en-us+f4"], True, [0])
        self.scale = torch.from_numpy(self.corpus.driven.astype(np.float32).std(0)).clamp(min=0.01)
        self.ear, self.flow = Ear(), Flow()
        self.parameters = [*self.ear.parameters(), *self.flow.parameters()]
        self.optimizer = torch.optim.AdamW(self.parameters, lr=RATE, weight_decay=1e-3)
        self.random = np.random.default_rng(seed)
        self.step, self.seconds = 0, 0.0
        self.history: list[dict] = []
        if self.file.exists():
            self._resume()

    def run(self, minutes: float) -> None:
        until = time.time() + 60 * minutes
        saved = started = time.time()
        before = self.seconds
        running = None
        while self.step < self.iterations and time.time() < until:
            losses = self._iterate()
            running = losses if running is None else 0.98 * running + 0.02 * losses
            self.seconds = before + time.time() - started
            if self.step % 100 == 0:
                flow, contact = running
                print(f"{self.step}/{self.iterations}  {self.seconds:.0f} s  flow {flow:.4f} contact {contact:.4f}", flush=True)
            if time.time() - saved > SAVE_SECONDS:
                self.save()
                saved = time.time()
        self.save()

    def _iterate(self) -> np.ndarray:
        progress = self.step / self.iterations
        rate = RATE * min(1, (self.step + 1) / 200) * (0.5 * (1 + math.cos(math.pi * progress)) * 0.97 + 0.03)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        starts = self.random.integers(LOOKAHEAD, len(self.corpus.mel) - FRAMES, BATCH)
        mel, driven, flags, emotion = self.corpus.batch(starts, FRAMES)
        heard, contact, _ = self.ear(self._other_voices(mel), *self.ear.memories(BATCH))
        heard = F.dropout(heard, FORGOTTEN)
        target = driven / self.scale
        noise = torch.randn_like(target)
        # One step from noise is used too: its velocity is learned more often than the rest.
        at = torch.rand(*target.shape[:2], 1)
        at = torch.where(torch.rand_like(at) < 0.25, torch.zeros_like(at), at)
        velocity = self.flow(noise + at * (target - noise), at, heard, emotion)
        # The first frames have heard too little.
        flow = ((velocity - (target - noise)) ** 2)[:, 8:].mean()
        told = F.binary_cross_entropy_with_logits(contact[:, 8:], flags[:, 8:])
        loss = flow + told
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.step += 1
        return np.array([flow.item(), told.item()])

    def _other_voices(self, mel: torch.Tensor) -> torch.Tensor:
        """Throats of other lengths (vocal tract length perturbation, Jaitly and Hinton, 2013) and other microphones."""
        n, _, bands = mel.shape
        stretch = torch.empty(n, 1).uniform_(0.88, 1.14)
        place = (torch.arange(bands) * stretch).clamp(max=bands - 1.001)
        below = place.long()[:, None].expand(mel.shape)
        share = (place - place.floor())[:, None]
        bent = torch.gather(mel, 2, below) * (1 - share) + torch.gather(mel, 2, below + 1) * share
        knots = torch.empty(n, 1, 6).uniform_(-0.14, 0.14)
        tone = F.interpolate(knots, size=bands, mode="linear", align_corners=True)
        # Silence stays silence.
        return (bent + tone * (bent > 0.03)).clamp(min=0)

    @torch.no_grad()
    def judge(self) -> dict[str, float]:
        """On sentences that were held out: correlation of jaw and mouth, closures of p, b and m, with one and two steps."""
        count = len(self.held.mel) - LOOKAHEAD
        mel, driven, flags, emotion = self.held.batch(np.array([LOOKAHEAD]), count - LOOKAHEAD)
        heard, contact, _ = self.ear(mel, *self.ear.memories(1))
        result = {}
        for steps in (1, 2):
            torch.manual_seed(0)
            made = self.flow.solve(0.7 * torch.randn_like(driven), heard, emotion, steps) * self.scale
            made = gated(made, contact, torch.tensor(CLOSED), torch.tensor(KEPT_CLOSED))[0].numpy()
            true = driven[0].numpy()
            spoken = flags[0, :, 1].numpy() > 0.5
            result[f"jaw{steps}"] = float(np.corrcoef(made[spoken, 0], true[spoken, 0])[0, 1])
            moved = [k for k in range(14) if true[:, k].std() > 0.01]
            result[f"mouth{steps}"] = float(np.mean([np.corrcoef(made[:, k], true[:, k])[0, 1] for k in moved]))
        shut = 1.3 * torch.sigmoid(1.5 * contact[0, :, 0]).numpy() - 0.15
        result["closed"], result["precision"] = closures(flags[0, :, 0].numpy(), shut)
        return result

    def save(self) -> None:
        facts = self.judge()
        print(f"{self.step}: " + ", ".join(f"{name} {value:.3f}" for name, value in facts.items()), flush=True)
        self.history.append({"step": self.step, "seconds": round(self.seconds), **facts})
        state = {
            "ear": self.ear.state_dict(),
            "flow": self.flow.state_dict(),
            "scale": self.scale,
            "driven": list(DRIVEN),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "history": self.history,
        }
        part = self.file.with_suffix(".part")
        torch.save(state, part)
        part.rename(self.file)

    def _resume(self) -> None:
        state = torch.load(self.file, weights_only=True)
        self.ear.load_state_dict(state["ear"])
        self.flow.load_state_dict(state["flow"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds, self.history = state["step"], state["seconds"], state["history"]
        self.random = np.random.default_rng([self.step, 1])
        print(f"goes on from {self.step}")


def closures(true: np.ndarray, made: np.ndarray) -> tuple[float, float]:
    """Share of closures that are met within 40 ms, and of made ones that are near a true one; both curves 0..1."""
    return _met(true, made), _met(made, true)


def _met(asked: np.ndarray, given: np.ndarray) -> float:
    inside = asked > 0.5
    starts = np.flatnonzero(inside & ~np.r_[False, inside[:-1]])
    ends = np.flatnonzero(inside & ~np.r_[inside[1:], False])
    hits = [given[max(0, a - 1) : b + 2].max() > 0.5 for a, b in zip(starts, ends)]
    return float(np.mean(hits)) if hits else 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("speech", type=Path)
    parser.add_argument("--iterations", type=int, default=12_000)
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without", default="", help="a voice that is held out, to be reported")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    Trainer(args.speech, args.without, args.iterations, args.seed).run(args.minutes)


if __name__ == "__main__":
    main()
