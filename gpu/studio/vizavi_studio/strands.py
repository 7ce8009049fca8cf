"""Hair, brows and lashes: curves that are rooted in triangles of the head."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from .facekit import Head
from .fields import noise, smoothstep, spline
from .regions import Regions


@dataclass
class Strands:
    name: str
    triangles: np.ndarray
    """[n, 3]: the vertices between which each strand is rooted, ..."""
    weights: np.ndarray
    """[n, 3]: ... and where between them."""
    points: np.ndarray
    """[n, s, 3] at rest, cm."""
    radius: float
    shade: np.ndarray
    """[n, s]: light that reaches it past its neighbours, 0..1."""


@dataclass
class _Roots:
    triangles: np.ndarray
    weights: np.ndarray
    points: np.ndarray
    normals: np.ndarray

    def keep(self, mask: np.ndarray) -> "_Roots":
        return _Roots(self.triangles[mask], self.weights[mask], self.points[mask], self.normals[mask])


def _sample(head: Head, normals: np.ndarray, density, count: int, rng) -> _Roots:
    triangles = head.skin_triangles
    a, b, c = (head.vertices[triangles[:, k]] for k in range(3))
    area = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)
    chance = area * np.maximum.reduce([density((a + b + c) / 3), density(a), density(b), density(c)])
    chosen = triangles[rng.choice(len(triangles), count, p=chance / chance.sum())]
    uv = rng.random((count, 2))
    flip = uv.sum(1) > 1
    uv[flip] = 1 - uv[flip]
    weights = np.stack([1 - uv.sum(1), uv[:, 0], uv[:, 1]], 1)
    points = (head.vertices[chosen] * weights[..., None]).sum(1)
    at = (normals[chosen] * weights[..., None]).sum(1)
    at /= np.linalg.norm(at, axis=1, keepdims=True)
    roots = _Roots(chosen, weights, points, at)
    return roots.keep(rng.random(count) < density(points))


def _tangent(directions: np.ndarray, normals: np.ndarray) -> np.ndarray:
    out = directions - (directions * normals).sum(-1, keepdims=True) * normals
    return out / np.maximum(np.linalg.norm(out, axis=-1, keepdims=True), 1e-6)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-6)


class _Skull:
    """The nearest point of the skin without the ears, and its outward direction."""

    def __init__(self, head: Head, normals: np.ndarray):
        used = np.unique(head.skin_triangles)
        at = head.vertices[used]
        ear = (np.abs(at[:, 0]) > 7.15) & (at[:, 1] < 4.6) & (at[:, 1] > -3.5) & (at[:, 2] < 3.2)
        self._points, self._normals = at[~ear], normals[used][~ear]
        self._tree = cKDTree(self._points)

    def nearest(self, points: np.ndarray):
        """Closest point, normal, and height above the surface."""
        _, index = self._tree.query(points)
        closest, normal = self._points[index], self._normals[index]
        return closest, normal, ((points - closest) * normal).sum(1)


def _smooth(paths: np.ndarray, times: int) -> np.ndarray:
    for _ in range(times):
        paths[:, 1:-1] = 0.25 * paths[:, :-2] + 0.5 * paths[:, 1:-1] + 0.25 * paths[:, 2:]
    return paths


def _clumps(points: np.ndarray, size: float, rng) -> tuple[np.ndarray, np.ndarray]:
    """A direction [n, 3] and a number [n] that neighbouring strands share."""
    cells = np.floor(points / size + 0.3 * rng.normal(size=points.shape))
    index = np.abs(cells @ np.array([1, 57, 113])).astype(np.int64) % 9973
    table = np.random.default_rng(5)
    return table.normal(size=(9973, 3))[index], table.random(9973)[index]


def bob(head: Head, regions: Regions, hair: dict, rng) -> Strands:
    """Combed from a parting, over the skull, then hanging to `length`."""
    fine, steps = 34, 12
    normals = head.normals()
    skull = _Skull(head, normals)
    roots = _sample(
        head, normals, lambda p: regions.scalp(p) * (p[..., 1] > -6), hair["strands"], rng
    )
    count = len(roots.points)
    clump, clump_number = _clumps(roots.points, 0.87, rng)
    # A parting is no straight line, and strands near it fall to either side.
    waver = 0.22 * noise(roots.points, 0.9, 41) + 0.16 * rng.normal(size=count)
    side = np.where(roots.points[:, 0] + waver > hair["parting"], 1.0, -1.0)
    end = hair["length"] + 0.5 * clump[:, 0] + 0.8 * rng.random(count) - 1.0 * (roots.points[:, 2] < 0)
    layer = hair["volume"] * (0.2 + rng.random(count)) * (0.75 + 0.4 * smoothstep(6, 12, roots.points[:, 1]))
    length = np.maximum(
        4.0, (roots.points[:, 1] - end) * 1.12 + 0.35 * np.maximum(0, roots.points[:, 2]) + 2.0
    )
    at = roots.points + roots.normals * 0.04
    path = [at.copy()]
    aside = np.stack([side, np.zeros(count), np.full(count, -0.4)], 1)
    direction = _unit(_tangent(aside, roots.normals) + 0.5 * roots.normals)
    for k in range(1, fine):
        t = k / (fine - 1)
        closest, normal, height = skull.nearest(at)
        distance = np.linalg.norm(at - closest, axis=1)
        flank = smoothstep(4.5, 7.2, np.abs(at[:, 0]))
        top = smoothstep(6, 11, at[:, 1])
        combed = np.stack(
            [
                side * (1.0 * top + 0.25 * (1 - flank)),
                -0.25 - 0.9 * (1 - top),
                -0.62 * top * smoothstep(-4, 4, at[:, 2]) - 0.16 * (1 - top) * smoothstep(2, 6, at[:, 2]),
            ],
            1,
        )
        combed = _tangent(combed + 0.08 * clump * (1 - t), normal)
        free = smoothstep(1.2, 3.0, distance)[:, None]
        curl = hair["curl"] * side * smoothstep(0.6, 1, t)
        hanging = np.stack([-curl, -np.ones(count), np.full(count, 0.06)], 1) + 0.04 * clump
        lift = np.clip((layer * smoothstep(0, 0.3, t) - height) * 0.55, -0.6, 0.6)[:, None]
        wanted = combed * (1 - free) + hanging * free + normal * lift * (1 - free * 0.8)
        direction = _unit(0.72 * direction + 0.28 * wanted)
        at = at + direction * (length / (fine - 1))[:, None]
        closest, normal, height = skull.nearest(at)
        near = np.linalg.norm(at - closest, axis=1) < 2.5
        at = at + normal * (np.maximum(0, 0.12 - height) * near)[:, None]
        # Kept off the face: pushed outwards beside the cheeks, less and less towards the forehead.
        limit = (hair["frame"] + 0.5 * clump_number) * (0.55 + 0.45 * smoothstep(9.0, 3.5, at[:, 1]))
        face = (at[:, 2] > 1.0) & (at[:, 1] < 8.6) & (np.abs(at[:, 0]) < limit) & (at[:, 1] > -12)
        at[face, 0] += np.sign(at[face, 0]) * (limit[face] - np.abs(at[face, 0])) * 0.3
        path.append(at.copy())
    points = _smooth(np.stack(path, 1), 6)[:, np.linspace(0, fine - 1, steps).round().astype(int)]
    inside = np.abs(points[:, :, 0]).max(1) < 9.5 + 0.12 * rng.normal(size=count)
    roots, points, layer, clump = roots.keep(inside), points[inside], layer[inside], clump[inside]
    wave = np.linspace(0, 1, steps)[None, :, None]
    points = points + hair["wave"] * wave**1.5 * np.sin(9 * wave + 4 * clump[:, None, :])
    shade = _hair_shade(points, layer)
    return _outermost_first(
        Strands("hair", roots.triangles, roots.weights, points, hair["radius"], shade)
    )


def short(head: Head, regions: Regions, hair: dict, rng) -> Strands:
    """A few centimetres long, combed aside on top and down at the sides."""
    steps = 7
    normals = head.normals()
    skull = _Skull(head, normals)
    roots = _sample(
        head, normals, lambda p: regions.scalp(p) * (p[..., 1] > -6.5), hair["strands"], rng
    )
    count = len(roots.points)
    clump, _ = _clumps(roots.points, 0.7, rng)
    top = smoothstep(7.2, 10.5, roots.points[:, 1])
    length = (hair["sides"] + (hair["length"] - hair["sides"]) * top) * (0.75 + 0.4 * rng.random(count))
    layer = (0.15 + 0.85 * rng.random(count)) * (0.18 + hair["volume"] * top)
    at = roots.points + roots.normals * 0.03
    path, direction = [at.copy()], _unit(roots.normals + 0.2 * rng.normal(size=at.shape))
    for k in range(1, steps):
        closest, normal, height = skull.nearest(at)
        del closest
        high = smoothstep(6.5, 10, at[:, 1])
        aside = np.sign(hair["parting"]) * -1.0
        combed = np.stack(
            [
                aside * 0.85 * high + 0.1 * np.sign(at[:, 0]) * (1 - high),
                0.25 * high * smoothstep(2, 6, at[:, 2]) - 0.95 * (1 - high),
                -0.55 * high - 0.35 * (1 - high) * smoothstep(-2, 3, at[:, 2]),
            ],
            1,
        )
        combed = _tangent(combed + 0.16 * clump, normal)
        lift = np.clip((layer * smoothstep(0, 0.5, k / (steps - 1)) - height) * 0.9, -0.7, 1.0)[:, None]
        direction = _unit(0.4 * direction + 0.6 * (combed + normal * lift))
        at = at + direction * (length / (steps - 1))[:, None]
        _, normal, height = skull.nearest(at)
        at = at + normal * np.maximum(0, 0.06 - height)[:, None]
        path.append(at.copy())
    points = np.stack(path, 1)
    shade = _hair_shade(points, layer)
    return _outermost_first(
        Strands("hair", roots.triangles, roots.weights, points, hair["radius"], shade)
    )


def _outermost_first(strands: Strands) -> Strands:
    """What lies behind is then not drawn at all."""
    p = strands.points
    out = np.linalg.norm(p - np.array([0, 3.5, -1.0]), axis=2).mean(1) + 0.6 * p[..., 2].mean(1)
    order = np.argsort(-out)
    return Strands(
        strands.name,
        strands.triangles[order],
        strands.weights[order],
        p[order],
        strands.radius,
        strands.shade[order],
    )


def _hair_shade(points: np.ndarray, layer: np.ndarray) -> np.ndarray:
    depth = (layer - layer.min()) / max(float(np.ptp(layer)), 1e-6)
    root = 0.55 + 0.45 * np.minimum(1, np.arange(points.shape[1]) / 3)[None]
    y, z = points[..., 1], points[..., 2]
    behind = np.clip((z + 5) / 8 + np.maximum(0, y - 6) * 0.25, 0.25, 1)
    return (0.42 + 0.58 * depth)[:, None] * root * behind


def brows(head: Head, regions: Regions, spec: dict, rng) -> Strands:
    normals = head.normals()
    roots = _sample(head, normals, regions.brows, spec["strands"], rng)
    p = roots.points
    outwards = np.sign(p[:, 0])
    inner = smoothstep(3.2, 1.0, np.abs(p[:, 0]))
    rise = 0.25 + 0.9 * inner - 0.35 * smoothstep(3, 5.2, np.abs(p[:, 0]))
    direction = np.stack([outwards * (1 - 0.55 * inner), rise, 0 * inner], 1) + 0.2 * rng.normal(size=p.shape)
    direction = _tangent(direction, roots.normals)
    length = spec["length"] * (0.6 + 0.6 * rng.random(len(p))) * (1 - 0.3 * inner)
    t = np.linspace(0, 1, 6)[None, :, None]
    bend = direction[:, None] * t + roots.normals[:, None] * 0.2 * t * (1 - 0.7 * t)
    points = p[:, None] + length[:, None, None] * bend
    points[..., 1] -= 0.12 * length[:, None] * t[..., 0] ** 2
    return Strands("brow", roots.triangles, roots.weights, points, spec["radius"], np.ones(points.shape[:2]))


def lashes(head: Head, spec: dict, rng) -> Strands:
    normals = head.normals()
    skin = head.skin_triangles
    first = {int(v): t for t, row in reversed(list(enumerate(skin))) for v in row}
    face = np.unique(head.triangles["M_Face"])
    tree = cKDTree(head.vertices[face])
    marks = head.landmarks
    parts = []
    for eye in (marks[36:42], marks[42:48]):
        for order, count, length, up in (
            ([0, 1, 2, 3], spec["upper"], spec["length"], 1),
            ([0, 5, 4, 3], spec["lower"], 0.38 * spec["length"], -1),
        ):
            curve = spline(eye[order], False, 24)
            # Lashes stand in small groups whose tips meet.
            group = np.sort(rng.random(max(6, count // 4)))
            place = np.clip(group[rng.integers(0, len(group), count)] + 0.012 * rng.normal(size=count), 0, 0.999)
            index = place * (len(curve) - 1)
            root = curve[index.astype(int)]
            _, nearest = tree.query(root)
            vertex = face[nearest]
            triangles = skin[[first[int(v)] for v in vertex]]
            weights = (triangles == vertex[:, None]).astype(float)
            weights /= weights.sum(1, keepdims=True)
            at = head.vertices[vertex] + 0.35 * (root - head.vertices[vertex])
            outwards = (at[:, 0] - eye[:, 0].mean()) * 0.42
            direction = np.stack([outwards, np.full(count, up * 0.22), np.ones(count)], 1)
            direction = _unit(direction + 0.13 * rng.normal(size=at.shape))
            fan = 0.72 + 0.28 * np.clip(np.abs(at[:, 0]) / 4.5, 0, 1)
            reach = length * (0.5 + 0.65 * rng.random(count)) * fan
            t = np.linspace(0, 1, 6)[None, :, None]
            points = at[:, None] + reach[:, None, None] * direction[:, None] * t
            points[..., 1] += up * reach[:, None] * (0.45 + 0.2 * rng.random(count))[:, None] * t[..., 0] ** 2
            parts.append((triangles, weights, points))
    triangles, weights, points = (np.concatenate(part) for part in zip(*parts))
    return Strands("lash", triangles, weights, points, spec["radius"], np.ones(points.shape[:2]))


HAIR_STYLES = {"bob": bob, "short": short}
