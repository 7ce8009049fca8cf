"""Functions of space from which skin, hair and brows are made."""

import numpy as np
from scipy.ndimage import map_coordinates


def smoothstep(low, high, x):
    """0 below low, 1 above high, smooth between; low > high turns it round."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def noise(points: np.ndarray, frequency: float, seed: int) -> np.ndarray:
    """Smooth noise, about N(0, 0.5); `frequency` in cells a centimetre."""
    grid = np.random.default_rng(seed).normal(size=(64, 64, 64)).astype(np.float32)
    cells = (points * frequency).reshape(-1, 3).T % 63
    return map_coordinates(grid, cells, order=1, mode="wrap").reshape(points.shape[:-1])


def bell(points: np.ndarray, centre, width) -> np.ndarray:
    """A Gaussian hill over x and y; 1 at its centre."""
    return np.exp(
        -(((points[..., 0] - centre[0]) / width[0]) ** 2) - ((points[..., 1] - centre[1]) / width[1]) ** 2
    )


def spline(points: np.ndarray, closed: bool, steps: int = 8) -> np.ndarray:
    """Catmull-Rom curve through the points."""
    count = len(points)

    def at(k: int) -> np.ndarray:
        return points[k % count] if closed else points[min(max(k, 0), count - 1)]

    out = []
    for i in range(count if closed else count - 1):
        a, b, c, d = at(i - 1), at(i), at(i + 1), at(i + 2)
        for t in np.arange(steps) / steps:
            out.append(
                0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
            )
    return np.array(out)


def polygon_distance(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """Signed distance in x and y, negative inside."""
    xy = points[..., :2]
    nearest = np.full(xy.shape[:-1], np.inf)
    inside = np.zeros(xy.shape[:-1], bool)
    for start, end in zip(polygon, np.roll(polygon, -1, 0)):
        edge, offset = end - start, xy - start
        t = np.clip(offset @ edge / (edge @ edge), 0, 1)
        nearest = np.minimum(nearest, ((offset - t[..., None] * edge) ** 2).sum(-1))
        crosses = (start[1] > xy[..., 1]) != (end[1] > xy[..., 1])
        at = (end[0] - start[0]) * (xy[..., 1] - start[1]) / (end[1] - start[1] + 1e-9) + start[0]
        inside ^= crosses & (xy[..., 0] < at)
    return np.where(inside, -1, 1) * np.sqrt(nearest)


def along(points: np.ndarray, curve: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance to a curve in x and y, and where on it the nearest point lies, 0..1."""
    xy = points[..., :2]
    nearest = np.full(xy.shape[:-1], np.inf)
    place = np.zeros(xy.shape[:-1])
    for i in range(len(curve) - 1):
        start, edge = curve[i, :2], curve[i + 1, :2] - curve[i, :2]
        offset = xy - start
        t = np.clip(offset @ edge / (edge @ edge), 0, 1)
        distance = np.sqrt(((offset - t[..., None] * edge) ** 2).sum(-1))
        closer = distance < nearest
        place = np.where(closer, (i + t) / (len(curve) - 1), place)
        nearest = np.minimum(nearest, distance)
    return nearest, place
