"""Step 9: what training has never seen, small enough for the repository: `npm run bench:avatar` measures with it.

python -m vizavi_studio.held_out BUILD SPEECH --voice rms --out gpu/bench/avatar
"""

import argparse
import json
import subprocess
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import wavfile

from .audio import FRAME, RATE
from .corpus import load
from .frames import held_out, load_anchors, load_frames, regions
from .motion import COLUMN, track
from .train_generator import HELD_SENTENCES

COLUMNS = 8
"""Pictures side by side in a row of the sheet."""
SENTENCES = 14
PAUSE = 0.7
"""Seconds between two sentences."""


def pictures(build: Path, out: Path) -> None:
    frames, poses, names = load_frames(build)
    chosen = [k for k in range(len(frames)) if held_out(k)]
    folder = out / build.name
    folder.mkdir(parents=True, exist_ok=True)
    height, width = frames.shape[1:3]
    sheet = np.zeros((-(-len(chosen) // COLUMNS) * height, COLUMNS * width, 3), np.uint8)
    for place, k in enumerate(chosen):
        top, left = place // COLUMNS * height, place % COLUMNS * width
        sheet[top : top + height, left : left + width] = frames[k]
    Image.fromarray(sheet).save(folder / "renders.webp", lossless=True, method=6)
    facts = {
        "names": names,
        "columns": COLUMNS,
        "poses": [[round(float(v), 4) for v in poses[k]] for k in chosen],
        **regions(load_anchors(build)[0]),
    }
    (folder / "renders.json").write_text(json.dumps(facts) + "\n")


def speech(folder: Path, voice: str, out: Path) -> None:
    """One sound file, and the reference of its every frame."""
    phones, parts, at = [], [], 0.0
    for each in load(folder, voice)[-HELD_SENTENCES:][:SENTENCES]:
        phones += [(name, a + at, b + at) for name, a, b in each.phones]
        parts += [each.pcm, np.zeros(int(PAUSE * RATE), np.float32)]
        at += len(each.pcm) / RATE + int(PAUSE * RATE) / RATE
    pcm = np.concatenate(parts)
    frames = len(pcm) // FRAME
    pcm = pcm[: frames * FRAME]
    loudness = np.abs(pcm).reshape(-1, RATE // 100).mean(1)
    reference = track(phones, loudness, frames, "neutral", np.random.default_rng(0))
    wave = out / "speech.wav"
    wavfile.write(wave, RATE, np.round(pcm * 32767).astype(np.int16))
    flac = ["-c:a", "flac", "-compression_level", "12", str(out / "speech.flac")]
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", str(wave), *flac], check=True)
    wave.unlink()
    facts = {
        "voice": voice,
        "jawOpen": [round(float(v), 3) for v in reference.driven[:, COLUMN["jawOpen"]]],
        "closed": [round(float(v), 2) for v in reference.closed],
        "active": [round(float(v), 2) for v in reference.active],
    }
    (out / "speech.json").write_text(json.dumps(facts) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("speech", type=Path)
    parser.add_argument("--voice", default="rms")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    pictures(args.build, args.out)
    speech(args.speech, args.voice, args.out)


if __name__ == "__main__":
    main()
