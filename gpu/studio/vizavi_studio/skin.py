"""Colour, roughness and relief of the skin, painted over the head's UV tiles."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt

from .fields import bell, noise, polygon_distance, smoothstep, spline
from .facekit import Head
from .regions import Regions


@dataclass
class SkinMaps:
    """All [size, size, ...], 0..1."""

    colour: np.ndarray
    """sRGB."""
    roughness: np.ndarray
    relief: np.ndarray
    """0.5 is flat."""


def rest_positions(head: Head, material: str, tile: tuple[int, int], size: int) -> np.ndarray:
    """[size, size, 3]: the point of the head at each texel; texels outside take the nearest one's."""
    out = np.full((size, size, 3), np.nan, np.float32)
    for corners, uv_corners in zip(head.triangles[material], head.uv_triangles[material]):
        at = (head.uvs[uv_corners] - np.array(tile)) * size
        at[:, 1] = size - at[:, 1]
        low = np.maximum(np.floor(at.min(0) - 1).astype(int), 0)
        high = np.minimum(np.ceil(at.max(0) + 1).astype(int), size)
        if (high <= low).any():
            continue
        x, y = np.meshgrid(np.arange(low[0], high[0]) + 0.5, np.arange(low[1], high[1]) + 0.5)
        a, b, c = at
        area = (b[1] - c[1]) * (a[0] - c[0]) + (c[0] - b[0]) * (a[1] - c[1])
        if abs(area) < 1e-9:
            continue
        wa = ((b[1] - c[1]) * (x - c[0]) + (c[0] - b[0]) * (y - c[1])) / area
        wb = ((c[1] - a[1]) * (x - c[0]) + (a[0] - c[0]) * (y - c[1])) / area
        wc = 1 - wa - wb
        inside = (wa > -0.02) & (wb > -0.02) & (wc > -0.02)
        if inside.any():
            p = head.vertices[corners]
            points = wa[..., None] * p[0] + wb[..., None] * p[1] + wc[..., None] * p[2]
            out[low[1] : high[1], low[0] : high[0]][inside] = points[inside]
    nearest = distance_transform_edt(np.isnan(out[..., 0]), return_distances=False, return_indices=True)
    return out[nearest[0], nearest[1]]


def paint(points: np.ndarray, head: Head, regions: Regions, spec: dict, is_face: bool) -> SkinMaps:
    """`spec` is the actor's: `skin`, `hair`, `brows`."""
    skin, marks = spec["skin"], head.landmarks
    x, y, z = (points[..., k] for k in range(3))
    right_eye, left_eye = marks[36:42].mean(0), marks[42:48].mean(0)
    mouth, nose, chin = marks[48:60].mean(0), marks[30], marks[8]
    front = smoothstep(2, 6, z)
    wide, fine, finer = noise(points, 0.35, 1), noise(points, 1.6, 2), noise(points, 6, 3)
    pores = noise(points, 18, 4)
    colour = np.ones(points.shape) * np.array(skin["albedo"])

    red = np.zeros(points.shape[:-1])
    for eye in (right_eye, left_eye):
        red += 0.55 * bell(points, (eye[0] * 1.25, eye[1] - 3.4), (2.2, 1.7)) * front
    red += 0.6 * bell(points, nose, (1.4, 1.2)) * front
    red += 0.3 * bell(points, (mouth[0], chin[1] + 1), (1.6, 1.2)) * front
    red += 0.8 * smoothstep(6.6, 7.6, np.abs(x)) * smoothstep(-6, -3, y) * (y < 4)
    colour += red[..., None] * np.array([0.02, -0.055, -0.05])
    colour += (wide * 0.014)[..., None] * np.array([1, -0.4, -0.6])
    colour += (fine * 0.016)[..., None] * np.array([0.7, 1, 1])
    colour += (finer * 0.012 + pores * 0.010)[..., None]
    for eye in (right_eye, left_eye):
        lid = bell(points, (eye[0], eye[1] + 0.75), (1.7, 0.5)) * front
        shadow = bell(points, (eye[0], eye[1] - 1.1), (1.5, 0.55)) * front
        colour += lid[..., None] * np.array([-0.035, -0.05, -0.045])
        colour += (shadow * (1 + 0.6 * skin["age"]))[..., None] * np.array([-0.045, -0.045, -0.03])

    lips = np.zeros(points.shape[:-1])
    if is_face:
        border = polygon_distance(points, spline(marks[48:60][:, :2], True))
        lips = smoothstep(0.10, -0.26, border) * smoothstep(5, 6.5, z)
        lip_colour = np.array(skin["lips"]) + (finer * 0.02)[..., None]
        colour = colour * (1 - lips[..., None]) + lip_colour * lips[..., None]
        places = sum(bell(points, (eye[0], eye[1] - 2.6), (2.4, 1.4)) for eye in (right_eye, left_eye))
        places = 0.5 * places + 0.5 * bell(points, (nose[0], nose[1] + 1), (1.8, 1.2))
        freckles = skin["freckles"] * smoothstep(2.1, 2.9, noise(points, 3.3, 9)) * places * front
        colour -= freckles[..., None] * np.array([0.10, 0.13, 0.13])

    hair = np.array(spec["hair"]["root"])
    scalp = regions.scalp(points)
    covered = smoothstep(0.05, 0.75, scalp)[..., None] * 0.93
    colour = colour * (1 - covered) + hair * covered
    under_brow = 0.45 * regions.brows(points)[..., None]
    colour = colour * (1 - under_brow) + np.array(spec["brows"]["root"]) * under_brow
    beard = regions.beard(points) * (1 - lips) * skin["stubble"]
    dots = (0.55 + 0.45 * smoothstep(-0.2, 0.9, noise(points, 26, 12)))[..., None] * beard[..., None] * 0.55
    colour = colour * (1 - dots) + np.array(spec["hair"]["beard"]) * dots

    wrinkles = _wrinkles(points, marks, front) * skin["age"]
    colour -= (wrinkles * 0.05)[..., None] * np.array([0.8, 1, 1])
    relief = 0.5 * pores + 0.6 * noise(points, 30, 5) + 0.25 * finer - 2.2 * wrinkles
    relief = relief + lips * noise(points * np.array([1, 0.25, 1]), 14, 6) * 1.1
    oily = front * (bell(points, (0, 5), (2.5, 6)) + 0.6 * bell(points, nose, (1.2, 1.2)))
    roughness = 0.60 - 0.07 * oily - 0.17 * lips + 0.05 * finer + 0.08 * beard
    return SkinMaps(np.clip(colour, 0, 1), np.clip(roughness, 0.25, 0.85), np.clip(0.5 + 0.12 * relief, 0, 1))


def _wrinkles(points: np.ndarray, marks: np.ndarray, front: np.ndarray) -> np.ndarray:
    """Forehead, crow's feet, the fold beside the mouth: 0..1."""
    x, y = points[..., 0], points[..., 1]
    brow = marks[17:27].mean(0)
    lines = np.sin((y - 0.03 * x**2 + 0.12 * noise(points, 0.9, 31)) * 2 * np.pi / 0.95)
    forehead = smoothstep(0.62, 0.98, lines) * bell(points, (0, brow[1] + 2.6), (4.2, 1.5))
    out = 0.8 * forehead
    for side, outer in ((-1, marks[36]), (1, marks[45])):
        dx, dy = (x - outer[0]) * side, y - outer[1]
        rays = smoothstep(0.75, 0.98, np.cos(np.arctan2(dy, np.maximum(dx, 0.05)) * 9))
        out = out + rays * bell(points, (outer[0] + side * 1.1, outer[1]), (0.8, 1.0)) * (dx > 0.2)
        corner, wing = marks[48 if side < 0 else 54], marks[31 if side < 0 else 35]
        t = np.clip((wing[1] - y) / max(wing[1] - corner[1] + 0.4, 0.1), 0, 1)
        fold = wing[0] + side * 0.35 + (corner[0] + side * 0.75 - wing[0] - side * 0.35) * t
        depth = np.exp(-(((x - fold) / 0.16) ** 2)) * (y < wing[1] + 0.1) * (y > corner[1] - 0.5)
        out = out + 0.8 * depth
    return np.clip(out, 0, 1) * front
