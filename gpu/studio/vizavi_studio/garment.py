"""A knitted top as a surface of revolution about the neck and shoulders."""

import numpy as np
from scipy.interpolate import PchipInterpolator

from .fields import smoothstep

# From the collar down: height, half width, half depth, centre's z; cm.
_TURTLENECK = np.array(
    [
        (-8.2, 7.0, 7.2, -2.6), (-8.6, 7.5, 7.7, -2.6), (-9.6, 7.8, 7.9, -2.5), (-10.6, 8.2, 8.2, -2.4),
        (-11.6, 9.4, 8.6, -2.3), (-12.8, 12.0, 9.2, -2.3), (-14.2, 15.2, 9.8, -2.4), (-15.8, 17.8, 10.3, -2.5),
        (-17.6, 19.4, 10.8, -2.6), (-20, 20.5, 11.4, -2.7), (-24, 21.2, 12.0, -2.8), (-30, 21.5, 12.5, -2.8),
        (-38, 21.5, 12.5, -2.8),
    ]
)  # fmt: skip
_CREW = np.array(
    [
        (-11.0, 7.9, 7.9, -2.5), (-11.3, 8.3, 8.3, -2.5), (-11.9, 8.9, 8.6, -2.4), (-12.4, 9.9, 8.8, -2.4),
        (-13.2, 12.6, 9.4, -2.3), (-14.4, 16.4, 10.0, -2.4), (-16.0, 19.4, 10.6, -2.5), (-17.8, 21.4, 11.2, -2.6),
        (-20, 22.6, 11.8, -2.7), (-24, 23.4, 12.4, -2.8), (-30, 23.8, 12.8, -2.8), (-38, 23.8, 12.8, -2.8),
    ]
)  # fmt: skip
STYLES = {"turtleneck": (_TURTLENECK, 1.6), "crew": (_CREW, 2.6)}
ROUND, ROWS = 200, 90


def knit(style: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points [n, 3], texture coordinates in stitches [n, 2], triangles [t, 3]."""
    rings, dip = STYLES[style]
    knots = np.arange(len(rings))
    along = np.linspace(0, len(rings) - 1, ROWS)
    height, width, depth, centre = (PchipInterpolator(knots, column)(along) for column in rings.T)
    angle = np.linspace(0, 2 * np.pi, ROUND + 1)
    points, stitches = [], []
    for row in range(ROWS):
        share = row / ROWS
        # Shoulders are squarer than a neck.
        power = 2 / (2.0 + 0.5 * smoothstep(6, 10, share * len(rings)))
        across = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** power
        forward = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** power
        lower = -dip * np.maximum(0, np.sin(angle)) * smoothstep(0, 0.3, 1 - share)
        points.append(
            np.stack([width[row] * across, height[row] + lower, centre[row] + depth[row] * forward], 1)
        )
        stitches.append(np.stack([angle / (2 * np.pi) * 60, np.full(ROUND + 1, along[row] * 6)], 1))
    first = (np.arange(ROWS - 1)[:, None] * (ROUND + 1) + np.arange(ROUND)[None]).reshape(-1)
    below = first + ROUND + 1
    triangles = np.concatenate(
        [np.stack([first, first + 1, below], 1), np.stack([first + 1, below + 1, below], 1)]
    )
    return (
        np.concatenate(points).astype(np.float32),
        np.concatenate(stitches).astype(np.float32),
        triangles.astype(np.int32),
    )
