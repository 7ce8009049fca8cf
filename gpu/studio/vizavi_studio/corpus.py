"""Step 5: synthetic voices read sentences. Goes on where it was stopped.

python -m vizavi_studio.corpus SPEECH [--sentences 420]
"""

import argparse
from pathlib import Path

import numpy as np

from .sentences import sentences
from .voices import RATE, VOICES, Speech, speak


def load(folder: Path, voice: str) -> list[Speech]:
    out = []
    for file in sorted((folder / voice).glob("*.npz")):
        data = np.load(file)
        phones = [(str(name), float(a), float(b)) for name, (a, b) in zip(data["names"], data["times"])]
        out.append(Speech(data["pcm"].astype(np.float32) / 32767, phones))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("speech", type=Path)
    parser.add_argument("--sentences", type=int, default=420)
    args = parser.parse_args()
    texts = sentences(args.sentences)
    for voice in VOICES:
        folder = args.speech / voice
        folder.mkdir(parents=True, exist_ok=True)
        seconds = 0.0
        for number, text in enumerate(texts):
            file = folder / f"{number:04d}.npz"
            if file.exists():
                continue
            speech = speak(voice, text)
            pcm = np.round(np.clip(speech.pcm, -1, 1) * 32767).astype(np.int16)
            names = np.array([name for name, _, _ in speech.phones])
            times = np.array([(a, b) for _, a, b in speech.phones], np.float32)
            np.savez(file, pcm=pcm, names=names, times=times, text=np.array(text))
            seconds += len(pcm) / RATE
        print(f"{voice}: {len(texts)} sentences, {seconds / 60:.1f} min new", flush=True)


if __name__ == "__main__":
    main()
