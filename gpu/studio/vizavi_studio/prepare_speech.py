"""Step 6: speech -> features and reference motion, once clean and some times as bad microphones would have it.

python -m vizavi_studio.prepare_speech SPEECH [--passes 3]
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from scipy.signal import fftconvolve, lfilter

from .audio import FRAME, HISTORY, RATE, LogMel
from .corpus import load
from .motion import EMOTIONS, track
from .voices import VOICES, Speech


def worsen(pcm: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Room, tone, overdrive, level and noise by chance."""
    x = pcm
    if rng.random() < 0.35:
        length = int(rng.uniform(0.08, 0.4) * RATE)
        echo = rng.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length)
        echo *= rng.uniform(0.1, 0.45) / np.sqrt((echo**2).sum())
        echo[0] = 1
        x = fftconvolve(x, echo)[: len(x)]
    if rng.random() < 0.5:
        pole = rng.uniform(0.2, 0.95)
        x = x + rng.uniform(-0.7, 1.5) * lfilter([1 - pole], [1, -pole], x)
    if rng.random() < 0.2:
        x = np.tanh(x * rng.uniform(1, 6) / (np.abs(x).max() + 1e-6))
    x = x / (np.abs(x).max() + 1e-6) * 10 ** (rng.uniform(-22, -1) / 20)
    if rng.random() < 0.75:
        pole = rng.uniform(0, 0.97)
        noise = lfilter([np.sqrt(1 - pole * pole)], [1, -pole], rng.standard_normal(len(x)))
        x = x + noise * 10 ** (rng.uniform(-75, -34) / 20)
    return x.astype(np.float32)


def utterance(speech: Speech, emotion: str, bad: bool, rng: np.random.Generator, mel: LogMel):
    """Log-mel f16 [4 n, 80], reference f16 [n, 26], closed and active u8 [n, 2]."""
    pcm, tempo = speech.pcm, 1.0
    if bad:
        # Tempo, pitch and formants together, as of a longer or shorter throat.
        tempo = float(np.exp(rng.uniform(np.log(0.8), np.log(1.25))))
        pcm = np.interp(np.arange(int(len(pcm) * tempo)) / tempo, np.arange(len(pcm)), pcm).astype(np.float32)
    before, after = (rng.uniform(0.1, 0.9), rng.uniform(0.5, 1.3)) if bad else (0.24, 0.8)
    pcm = np.concatenate([np.zeros(int(before * RATE), np.float32), pcm, np.zeros(int(after * RATE), np.float32)])
    frames = -(-len(pcm) // FRAME)
    pcm = np.pad(pcm, (0, frames * FRAME - len(pcm)))
    phones = [(name, tempo * a + before, tempo * b + before) for name, a, b in speech.phones]
    loudness = np.abs(pcm).reshape(-1, RATE // 100).mean(1)
    reference = track(phones, loudness, frames, emotion, rng)
    if bad:
        pcm = worsen(pcm, rng)
    with torch.no_grad():
        features = mel(torch.from_numpy(np.pad(pcm, (HISTORY, 0)))[None])[0].numpy()
    flags = np.stack([reference.closed, reference.active], 1)
    return features.astype(np.float16), reference.driven.astype(np.float16), np.round(flags * 255).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("speech", type=Path)
    parser.add_argument("--passes", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    mel = LogMel()
    for turn in range(args.passes):
        for number, voice in enumerate(VOICES):
            file = args.speech / f"prepared.{turn}.{voice}.npz"
            if file.exists():
                continue
            rng = np.random.default_rng([turn, number])
            parts, emotions = [], []
            for speech in load(args.speech, voice):
                emotion = int(rng.integers(len(EMOTIONS))) if rng.random() < 0.75 else 0
                parts.append(utterance(speech, EMOTIONS[emotion], turn > 0, rng, mel))
                emotions.append(emotion)
            features, driven, flags = (np.concatenate(each) for each in zip(*parts))
            lengths = np.array([len(part[1]) for part in parts])
            with file.with_suffix(".part").open("wb") as out:
                np.savez(out, features=features, driven=driven, flags=flags, lengths=lengths, emotions=emotions)
            file.with_suffix(".part").rename(file)
            print(f"pass {turn}, {voice}: {lengths.sum() / 25 / 60:.1f} min", flush=True)


if __name__ == "__main__":
    main()
