"""Where on the head hair, brows and stubble grow: densities 0..1 over points of the head at rest."""

from dataclasses import dataclass

import numpy as np

from .fields import along, noise, smoothstep, spline


@dataclass
class Regions:
    landmarks: np.ndarray
    brow_drop: float
    """How far the brows sit below the crest of the bone that the landmarks follow, cm."""
    brow_width: float
    hairline: float
    """How far the front hairline lies above (+) or below (-) its usual height, cm."""
    recession: float
    """How far it recedes at the temples, cm."""

    def scalp(self, points: np.ndarray) -> np.ndarray:
        x, y, z = (points[..., k] for k in range(3))
        width = np.abs(x)
        line = 8.9 + self.hairline - 0.045 * np.minimum(width, 5.2) ** 2 - 4.0 * np.maximum(0, width - 5.2)
        line = line + self.recession * smoothstep(1.5, 4.0, width) * smoothstep(6.2, 4.6, width)
        front = smoothstep(-0.2, 1.1, y - line + 0.18 * noise(points, 1.1, 21)) * (y > 2)
        side = smoothstep(2.6, 1.6, z) * smoothstep(-1.8, -1.0, y + 0.12 * noise(points, 2, 22)) * (width < 8.3)
        back = smoothstep(-1, -3, z) * smoothstep(-7.5, -5.5, y)
        ear = (width > 7.05) & (y < 4.8) & (y > -4) & (z < 3.4)
        return np.clip(np.maximum(np.maximum(front, side), back), 0, 1) * ~ear

    def brow_curves(self) -> tuple[np.ndarray, np.ndarray]:
        """Right and left, from the head's right to its left."""
        shift = np.array([0, -self.brow_drop, 0])
        return spline(self.landmarks[17:22] + shift, False), spline(self.landmarks[22:27] + shift, False)

    def brows(self, points: np.ndarray) -> np.ndarray:
        out = np.zeros(points.shape[:-1])
        right, left = self.brow_curves()
        for curve in (right, left):
            distance, place = along(points, curve)
            outwards = place if curve is left else 1 - place
            width = self.brow_width * (0.27 * (1 - 0.66 * smoothstep(0.5, 1, outwards)) + 0.03)
            width = width * smoothstep(-0.08, 0.14, outwards)
            out = np.maximum(out, smoothstep(width, width * 0.3, distance) * (points[..., 2] > 3))
        return out

    def beard(self, points: np.ndarray) -> np.ndarray:
        """Where stubble grows: jaw, chin, upper lip and upper neck."""
        x, y, z = (points[..., k] for k in range(3))
        mouth, nose, chin = self.landmarks[48:60].mean(0), self.landmarks[33], self.landmarks[8]
        cheek = mouth[1] - 0.2 + 0.16 * np.abs(x) ** 1.35
        below = smoothstep(0.6, -0.6, y - cheek) * smoothstep(chin[1] - 4.5, chin[1] - 1.5, y)
        lip = smoothstep(nose[1] - 0.25, nose[1] - 0.7, y) * smoothstep(3.2, 2.2, np.abs(x)) * (y > mouth[1])
        sides = smoothstep(1.0, 2.5, z) * (np.abs(x) < 7.3)
        return np.clip(np.maximum(below, lip) * sides, 0, 1)
