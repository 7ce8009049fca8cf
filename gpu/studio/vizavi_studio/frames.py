"""The rendered frames as one memory-mapped array, and where the face's parts are in them."""

import json
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

STILL = 4
"""Levels of 255 by which a pixel may change that counts as still."""


def load_frames(build: Path) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Pictures u8 [n, h, w, 3], poses f32 [n, p], names of the poses' columns; n: frames rendered without a gap.

    Unpacked pictures are kept in `frames.u8`: decoding them again would take longer than training on them.
    """
    folder = build / "frames"
    poses = json.loads((folder / "poses.json").read_text())
    files = [folder / f"{k:06d}.png" for k in range(len(poses["rows"]))]
    count = next((k for k, file in enumerate(files) if not file.exists()), len(files))
    if count == 0:
        raise SystemExit(f"{folder}: no frames; run render/dataset.ts first")
    height, width = np.array(Image.open(files[0]).convert("RGB")).shape[:2]
    frame_bytes = height * width * 3
    cache = build / "frames.u8"
    known = cache.stat().st_size // frame_bytes if cache.exists() else 0
    with cache.open("r+b" if cache.exists() else "wb") as out:
        out.seek(known * frame_bytes)
        for file in files[known:count]:
            out.write(np.array(Image.open(file).convert("RGB")).tobytes())
    pictures = np.memmap(cache, np.uint8, "r", shape=(count, height, width, 3))
    return pictures, np.array(poses["rows"][:count], np.float32), poses["names"]


def held_out(frame: int) -> bool:
    """Such frames are never trained on, however many there are."""
    return frame % 25 == 7


def resting(pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean picture f32 [3, h, w], 0..1, and where anything ever moves, f32 [h, w], 0..1, with soft edges."""
    chosen = np.linspace(0, len(pictures) - 1, min(len(pictures), 160)).astype(int)
    mean = np.mean([pictures[k].astype(np.float32) for k in chosen], axis=0)
    most = np.max([np.abs(pictures[k] - mean).max(2) for k in chosen], axis=0)
    moves = np.clip((most - STILL) / STILL, 0, 1)
    # A margin, for poses between those that were rendered.
    moves = ndimage.gaussian_filter(ndimage.maximum_filter(moves, 17), 3)
    return (mean / 255).transpose(2, 0, 1), moves


def load_anchors(build: Path) -> tuple[np.ndarray, np.ndarray]:
    """x, y of right eye, left eye and mouth in pixels: at rest [3, 2], and in each frame [n, 3, 2]."""
    known = json.loads((build / "frames" / "poses.json").read_text())
    if "anchors" not in known:
        raise SystemExit(f"{build}/frames/poses.json says nothing of anchors; run render/dataset.ts again, it keeps its frames")
    return np.array(known["restAnchors"], np.float32), np.array(known["anchors"], np.float32)


Region = tuple[int, int, int, int]


def regions(rest: np.ndarray) -> dict[str, Region]:
    """Boxes x0, y0, x1, y1 that hold mouth and eyes however the head moves; PSNR is judged in them too."""
    (right, upper_right), (left, upper_left), (x, y) = rest.tolist()
    upper = (upper_right + upper_left) / 2
    boxes = {"mouth": (x - 66, y - 50, x + 74, y + 60), "eyes": (right - 55, upper - 44, left + 54, upper + 46)}
    return {name: tuple(round(v) for v in box) for name, box in boxes.items()}
