"""Step 1: an actor's description -> geometry and maps for the renderer.

python -m vizavi_studio.build_actor actors/mira.json --facekit ict-facekit.npz --out build/mira/actor
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from .facekit import SKIN, Head, load_head
from .garment import STYLES, knit
from .regions import Regions
from .skin import paint, rest_positions
from .strands import HAIR_STYLES, Strands, brows, lashes

TEXTURE = 1024
# Vertices of the eyeballs, of which the renderer needs the centres.
EYEBALLS = {"right": (21451, 22221), "left": (23021, 23791)}
MOVES = 1e-4
"""Displacements below this many cm are left out."""


class Pack:
    """Arrays in one file, and where they lie in it."""

    def __init__(self):
        self._bytes = bytearray()
        self.index: dict[str, dict] = {}

    def add(self, name: str, array: np.ndarray) -> None:
        array = np.ascontiguousarray(array)
        kind = {"float32": "f32", "int32": "i32"}[str(array.dtype)]
        self.index[name] = {"offset": len(self._bytes), "length": int(array.size), "type": kind}
        self._bytes.extend(array.tobytes())

    def write(self, path: Path) -> None:
        path.write_bytes(self._bytes)


def identity(spec: dict) -> np.ndarray:
    """Weights of the identity modes: drawn from the seed, then moved to where the actor wants them."""
    modes = np.random.default_rng(spec["seed"]).normal(size=100) * spec["sigma"]
    for mode, weight in spec.get("modes", {}).items():
        modes[int(mode)] = weight
    return modes


def build(spec: dict, facekit: Path, out: Path) -> None:
    rng = np.random.default_rng(spec["seed"])
    head = load_head(facekit, identity(spec["identity"]))
    regions = Regions(
        landmarks=head.landmarks,
        brow_drop=spec["brows"]["drop"],
        brow_width=spec["brows"]["width"],
        hairline=spec["hair"]["hairline"],
        recession=spec["hair"]["recession"],
    )
    _undress(head, spec["garment"]["style"])
    out.mkdir(parents=True, exist_ok=True)
    for material, tile in zip(SKIN, ((0, 0), (1, 0))):
        points = rest_positions(head, material, tile, TEXTURE)
        maps = paint(points, head, regions, spec, material == "M_Face")
        _save(out / f"{material}.colour.png", maps.colour)
        _save(out / f"{material}.surface.png", np.stack([maps.relief, maps.roughness, 0 * maps.relief], -1))
    pack = Pack()
    _add_head(pack, head)
    strands = [
        HAIR_STYLES[spec["hair"]["style"]](head, regions, spec["hair"], rng),
        brows(head, regions, spec["brows"], rng),
        lashes(head, spec["lashes"], rng),
    ]
    for strand in strands:
        _add_strands(pack, strand)
    points, stitches, triangles = knit(spec["garment"]["style"])
    pack.add("garment.points", points)
    pack.add("garment.stitches", stitches)
    pack.add("garment.triangles", triangles)
    pack.write(out / "actor.bin")
    facts = {
        "arrays": pack.index,
        "materials": list(head.triangles),
        "expressions": list(head.expressions),
        "strands": [
            {"name": s.name, "count": len(s.points), "steps": s.points.shape[1], "radius": s.radius}
            for s in strands
        ],
        "landmarks": head.landmarks.tolist(),
        "eyes": {side: head.vertices[a:b].mean(0).tolist() for side, (a, b) in EYEBALLS.items()},
        "spec": spec,
    }
    (out / "actor.json").write_text(json.dumps(facts))
    counts = ", ".join(f"{s.name} {len(s.points)}" for s in strands)
    print(f"{spec['id']}: {len(head.vertices)} vertices, strands: {counts}")


def _undress(head: Head, style: str) -> None:
    """Takes away the skin that the garment covers: it would show through where the two nearly touch."""
    _, dip = STYLES[style]
    collar = STYLES[style][0][0]
    x, y, z = head.vertices.T
    around = np.hypot(x / collar[1], (z - collar[3]) / collar[2])
    front = np.maximum(0, z - collar[3]) / collar[2]
    hidden = (y < collar[0] - dip * np.minimum(1, front) - 1.5) | ((y < -9.8) & (around > 1.1))
    for material in SKIN:
        shown = ~hidden[head.triangles[material]].all(1)
        head.triangles[material] = head.triangles[material][shown]
        head.uv_triangles[material] = head.uv_triangles[material][shown]


def _add_head(pack: Pack, head: Head) -> None:
    pack.add("vertices", head.vertices)
    pack.add("uvs", head.uvs.astype(np.float32))
    for material in head.triangles:
        pack.add(f"{material}.triangles", head.triangles[material])
        pack.add(f"{material}.uvs", head.uv_triangles[material])
    for name, delta in head.expressions.items():
        moved = np.flatnonzero(np.abs(delta).max(1) > MOVES)
        pack.add(f"{name}.vertices", moved.astype(np.int32))
        pack.add(f"{name}.delta", delta[moved])


def _add_strands(pack: Pack, strands: Strands) -> None:
    pack.add(f"{strands.name}.triangles", strands.triangles.astype(np.int32))
    pack.add(f"{strands.name}.weights", strands.weights.astype(np.float32))
    pack.add(f"{strands.name}.points", strands.points.astype(np.float32))
    pack.add(f"{strands.name}.shade", strands.shade.astype(np.float32))


def _save(path: Path, image: np.ndarray) -> None:
    Image.fromarray((np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)).save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("actor", type=Path)
    parser.add_argument("--facekit", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    build(json.loads(args.actor.read_text()), args.facekit, args.out)


if __name__ == "__main__":
    main()
