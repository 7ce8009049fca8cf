"""ICT-FaceKit (USC Institute for Creative Technologies, MIT licence): one head topology, 100 identity modes, 53 expressions.

Units are centimetres; +x is the head's left, +y up, +z forward.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

# Vertices of the 68 facial landmarks (iBUG order: jaw 0-16, brows 17-26, nose 27-35, eyes 36-47, mouth 48-67).
LANDMARKS = [
    1225, 1888, 1052, 367, 1719, 1722, 2199, 1447, 966, 3661, 4390, 3927, 3924, 2608, 3272, 4088, 3443,
    268, 493, 1914, 2044, 1401, 3615, 4240, 4114, 2734, 2509, 978, 4527, 4942, 4857, 1140, 2075, 1147,
    4269, 3360, 1507, 1542, 1537, 1528, 1518, 1511, 3742, 3751, 3756, 3721, 3725, 3732, 5708, 5695, 2081,
    0, 4275, 6200, 6213, 6346, 6461, 5518, 5957, 5841, 5702, 5711, 5533, 6216, 6207, 6470, 5517, 5966,
]  # fmt: skip
SKIN = ("M_Face", "M_BackHead")


@dataclass
class Head:
    """One identity, at rest."""

    vertices: np.ndarray
    """[n, 3] cm."""
    uvs: np.ndarray
    """[m, 2]; the face's tile is (0..1, 0..1), the back of the head's (1..2, 0..1)."""
    triangles: dict[str, np.ndarray]
    """By material: [t, 3] of vertices."""
    uv_triangles: dict[str, np.ndarray]
    """By material: [t, 3] of uvs."""
    expressions: dict[str, np.ndarray]
    """By name: [n, 3] displacement at weight 1."""

    @property
    def landmarks(self) -> np.ndarray:
        """[68, 3]."""
        return self.vertices[LANDMARKS]

    @property
    def skin_triangles(self) -> np.ndarray:
        return np.concatenate([self.triangles[name] for name in SKIN])

    @property
    def all_triangles(self) -> np.ndarray:
        return np.concatenate(list(self.triangles.values()))

    def normals(self) -> np.ndarray:
        """[n, 3], of unit length, weighted by area."""
        triangles = self.all_triangles
        a, b, c = (self.vertices[triangles[:, k]] for k in range(3))
        face = np.cross(b - a, c - a)
        out = np.zeros_like(self.vertices)
        for k in range(3):
            np.add.at(out, triangles[:, k], face)
        return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)


def load_head(path: Path, modes: np.ndarray) -> Head:
    """The head with the given weights (standard deviations) of its first identity modes."""
    kit = np.load(path)
    deltas = kit["identity_deltas"][: len(modes)].astype(np.float32)
    vertices = kit["vertices"] + np.tensordot(modes.astype(np.float32), deltas, 1)
    triangles: dict[str, list[tuple[int, int, int]]] = {}
    uv_triangles: dict[str, list[tuple[int, int, int]]] = {}
    # Read once: every access to the archive unpacks the array again.
    face_vertices, face_uvs = kit["face_vertices"], kit["face_uvs"]
    material_names = [str(name) for name in kit["material_names"]]
    at = 0
    for size, material in zip(kit["face_sizes"].tolist(), kit["face_materials"].tolist()):
        name = material_names[material]
        corners = face_vertices[at : at + size]
        uv_corners = face_uvs[at : at + size]
        at += size
        for k in range(1, size - 1):
            triangles.setdefault(name, []).append((corners[0], corners[k], corners[k + 1]))
            uv_triangles.setdefault(name, []).append((uv_corners[0], uv_corners[k], uv_corners[k + 1]))
    names = [str(name) for name in kit["expression_names"]]
    return Head(
        vertices=vertices.astype(np.float32),
        uvs=kit["uvs"],
        triangles={name: np.array(rows, np.int32) for name, rows in triangles.items()},
        uv_triangles={name: np.array(rows, np.int32) for name, rows in uv_triangles.items()},
        expressions=dict(zip(names, kit["expression_deltas"].astype(np.float32))),
    )
