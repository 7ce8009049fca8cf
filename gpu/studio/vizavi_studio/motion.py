"""Phones and loudness -> how a face moves while it says them: the reference of the generator's training.

Lips, jaw and tongue follow from the phones (visemes with Gaussian weights in time, after Cohen and Massaro, "Modeling
coarticulation in synthetic visual speech", 1993). Brows, head and eyes follow stress and clauses, with chance in it.
"""

from dataclasses import dataclass

import numpy as np

FPS = 25
EMOTIONS = ("neutral", "warm", "serious", "excited", "sad")
MOUTH = (
    "jawOpen", "mouthFunnel", "mouthPucker", "mouthPress", "mouthRollLower", "mouthRollUpper", "mouthUpperUp",
    "mouthLowerDown", "mouthStretch", "mouthSmile", "mouthFrown", "mouthShrugLower", "tongueUp", "tongueOut",
)  # fmt: skip
REST_OF_FACE = (
    "cheekSquint", "eyeBlink", "eyeSquint", "eyeWide", "browDown", "browInnerUp", "browOuterUp",
    "yaw", "pitch", "roll", "shiftX", "shiftY",
)  # fmt: skip
DRIVEN = (*MOUTH, *REST_OF_FACE)
"""What the generator moves; the rest of the parameters is moved by the expression alone."""
COLUMN = {name: k for k, name in enumerate(DRIVEN)}

VISEMES = {
    "pau": {},
    "pp": dict(mouthPress=0.5, mouthRollLower=0.32, mouthRollUpper=0.28),
    "ff": dict(jawOpen=0.04, mouthRollLower=0.5, mouthUpperUp=0.3, mouthShrugLower=0.3),
    "th": dict(jawOpen=0.15, mouthLowerDown=0.16, mouthUpperUp=0.13, tongueOut=0.8),
    "dd": dict(jawOpen=0.1, mouthLowerDown=0.2, mouthUpperUp=0.14, mouthStretch=0.08, tongueUp=0.7),
    "ll": dict(jawOpen=0.18, mouthLowerDown=0.18, mouthUpperUp=0.14, tongueUp=0.9),
    "nn": dict(jawOpen=0.12, mouthLowerDown=0.18, mouthUpperUp=0.1, tongueUp=0.7),
    "kk": dict(jawOpen=0.16, mouthLowerDown=0.2, mouthUpperUp=0.12),
    "ch": dict(jawOpen=0.08, mouthFunnel=0.5, mouthPucker=0.2, mouthUpperUp=0.16, mouthLowerDown=0.2),
    "ss": dict(jawOpen=0.05, mouthStretch=0.25, mouthLowerDown=0.25, mouthUpperUp=0.18, mouthSmile=0.08),
    "rr": dict(jawOpen=0.12, mouthFunnel=0.38, mouthPucker=0.2),
    "aa": dict(jawOpen=0.5, mouthLowerDown=0.24, mouthUpperUp=0.15, mouthStretch=0.05),
    "eh": dict(jawOpen=0.3, mouthLowerDown=0.24, mouthUpperUp=0.15, mouthStretch=0.2, mouthSmile=0.1),
    "ih": dict(jawOpen=0.16, mouthLowerDown=0.22, mouthUpperUp=0.16, mouthStretch=0.24, mouthSmile=0.18),
    "oh": dict(jawOpen=0.34, mouthFunnel=0.6, mouthPucker=0.26, mouthSmile=-0.12),
    "uw": dict(jawOpen=0.13, mouthFunnel=0.45, mouthPucker=0.6, mouthSmile=-0.12),
}
_OF_PHONE = {
    "pp": "p b m", "ff": "f v", "th": "th dh", "dd": "t d", "ll": "l", "nn": "n ng", "kk": "k g hh", "ch": "ch jh sh zh",
    "ss": "s z", "rr": "r er", "aa": "aa ah ae ay aw", "eh": "eh ey ax", "ih": "ih iy y", "oh": "ao ow oy",
    "uw": "uh uw w",
}  # fmt: skip
VISEME_OF = {phone: viseme for viseme, phones in _OF_PHONE.items() for phone in phones.split()}
_STRENGTH = {"pp": 2.2, "ff": 1.9, "th": 1.3, "uw": 1.3, "oh": 1.2, "ch": 1.2, "pau": 0.9}
_TARGETS = {
    name: np.array([shape.get(each, 0.0) for each in MOUTH], np.float32) for name, shape in VISEMES.items()
}
VOWELS = set("aa ah ae ay aw eh ey ax ih iy ao ow oy uh uw er".split())
CLOSED = _TARGETS["pp"]
KEPT_CLOSED = np.array(
    [dict(mouthFunnel=0.25, mouthPucker=0.3, mouthSmile=0.6, mouthStretch=0.3, mouthFrown=1).get(n, 0) for n in MOUTH],
    np.float32,
)
"""How much of what came before stays in closed lips: some rounding, some smile."""

# What each emotion adds while there is speech, and how lively it is: jaw, brows, head.
_MOOD = {
    "neutral": ({}, (1.0, 1.0, 1.0)),
    "warm": (dict(mouthSmile=0.3, cheekSquint=0.22, eyeSquint=0.1, browInnerUp=0.08, roll=0.03), (1.0, 1.0, 1.0)),
    "serious": (dict(browDown=0.32, mouthSmile=-0.1, mouthPress=0.06, eyeSquint=0.1, pitch=0.012), (0.9, 0.5, 0.55)),
    "excited": (dict(mouthSmile=0.24, eyeWide=0.22, browOuterUp=0.22, browInnerUp=0.14, pitch=-0.02), (1.2, 1.8, 1.8)),
    "sad": (dict(browInnerUp=0.5, mouthFrown=0.32, eyeSquint=0.08, pitch=0.045, mouthSmile=-0.12), (0.8, 0.6, 0.5)),
}


@dataclass
class Track:
    driven: np.ndarray
    """f32 [n, 26]: what is added to each of DRIVEN, at the middle of each frame of 40 ms."""
    closed: np.ndarray
    """f32 [n]: 1 while p, b or m keep the lips closed."""
    active: np.ndarray
    """f32 [n]: 1 while there is speech, with soft ends."""


def track(
    phones: list[tuple[str, float, float]], loudness: np.ndarray, frames: int, emotion: str, rng: np.random.Generator
) -> Track:
    """`phones`: name, begin, end in seconds; `loudness`: of 10 ms each, any linear scale."""
    t = (np.arange(frames) + 0.5) / FPS
    mood, (jaw, brows, head) = _MOOD[emotion]
    mouth, closed = _mouth(phones, t, jaw)
    active = _active(phones, t)
    driven = np.zeros((frames, len(DRIVEN)), np.float32)
    driven[:, : len(MOUTH)] = mouth
    for name, value in mood.items():
        hold = 1 - closed if name == "mouthSmile" else 1.0
        driven[:, COLUMN[name]] += value * active * hold
    _stress(driven, phones, loudness, t, brows, head, rng)
    _sway(driven, active, head, rng)
    _blinks(driven, phones, t, rng)
    return Track(driven, closed, active)


def _mouth(phones, t: np.ndarray, jaw: float) -> tuple[np.ndarray, np.ndarray]:
    total, weights = np.zeros((len(t), len(MOUTH))), np.zeros(len(t))
    closed, teeth = np.zeros(len(t)), np.zeros(len(t))
    for name, begin, end in phones:
        viseme = VISEME_OF.get(name, "pau")
        lasts = end - begin
        if viseme == "pau" and lasts > 0.25:
            # A long pause rests in its middle.
            inside = np.clip(np.minimum(t - begin, end - t) / 0.07, 0, 1) * 2
            near = np.exp(-(((t - begin - 0.06) / 0.05) ** 2)) + np.exp(-(((t - end + 0.06) / 0.05) ** 2))
            weight = np.where((t > begin) & (t < end), inside, 0) + 0.9 * near
        else:
            weight = np.exp(-(((t - begin - 0.45 * lasts) / (0.5 * lasts + 0.028)) ** 2)) * _STRENGTH.get(viseme, 1)
        weights += weight
        total += weight[:, None] * _TARGETS[viseme]
        if viseme in ("pp", "ff"):
            # Lips or teeth do meet: from just before the sound to the end of its hold, and in one frame at least.
            hold = begin + lasts * (0.75 if name in ("p", "b") else 0.9)
            meet = np.clip(1 - np.maximum(begin + 0.005 - t, t - hold) / 0.05, 0, 1)
            middle = int(np.argmin(np.abs(t - (begin + hold) / 2)))
            if abs(t[middle] - (begin + hold) / 2) < 0.5 / FPS:
                meet[middle] = 1
            if viseme == "pp":
                closed = np.maximum(closed, meet)
            else:
                teeth = np.maximum(teeth, 0.85 * meet)
    mouth = 0.9 * total / np.maximum(weights, 1e-4)[:, None] * np.minimum(1, weights / 0.05)[:, None]
    mouth[:, 0] *= jaw
    mouth = mouth * (1 - teeth[:, None]) + teeth[:, None] * _TARGETS["ff"]
    mouth = mouth * (1 - closed[:, None]) + closed[:, None] * (CLOSED + KEPT_CLOSED * mouth)
    return mouth.astype(np.float32), closed.astype(np.float32)


def _spans(phones) -> list[tuple[float, float]]:
    """Begin and end of what is said without a pause of 180 ms."""
    spans: list[list[float]] = []
    for name, begin, end in phones:
        if name == "pau":
            continue
        if spans and begin - spans[-1][1] < 0.18:
            spans[-1][1] = end
        else:
            spans.append([begin, end])
    return [(a, b) for a, b in spans]


def _active(phones, t: np.ndarray) -> np.ndarray:
    active = np.zeros(len(t))
    for begin, end in _spans(phones):
        active = np.maximum(active, np.clip(np.minimum(t - begin + 0.12, end + 0.36 - t) / 0.24, 0, 1))
    return (active * active * (3 - 2 * active)).astype(np.float32)


def _bump(t: np.ndarray, at: float, rise: float, fall: float) -> np.ndarray:
    width = np.where(t < at, rise, fall)
    return np.exp(-(((t - at) / width) ** 2))


def _stress(driven, phones, loudness, t, brows: float, head: float, rng) -> None:
    """Loud and long vowels get a nod, and some a lift of the brows."""
    vowels = [(a, b) for name, a, b in phones if name in VOWELS]
    if not vowels:
        return
    level = np.array([np.log(1e-3 + loudness[int(100 * a) : max(int(100 * a) + 1, int(100 * b))].mean()) for a, b in vowels])
    length = np.array([b - a for a, b in vowels])
    weight = (level - level.mean()) / (level.std() + 0.3) + 0.6 * (length - length.mean()) / (length.std() + 0.03)
    for (begin, end), stress in zip(vowels, weight):
        if stress < 0.55:
            continue
        at = 0.5 * (begin + end)
        force = min(1.6, 0.5 + 0.6 * stress)
        driven[:, COLUMN["pitch"]] += head * force * rng.uniform(0.01, 0.034) * _bump(t, at + 0.04, 0.13, 0.19)
        driven[:, COLUMN["roll"]] += head * force * rng.normal() * 0.008 * _bump(t, at, 0.2, 0.3)
        if rng.random() < 0.5:
            lift = brows * force * rng.uniform(0.1, 0.26) * _bump(t, at - 0.03, 0.14, 0.28)
            driven[:, COLUMN["browInnerUp"]] += 0.8 * lift
            driven[:, COLUMN["browOuterUp"]] += lift
            driven[:, COLUMN["eyeWide"]] += 0.3 * lift


def _sway(driven, active, head: float, rng) -> None:
    """The head is never quite still while its owner speaks."""
    kernel = np.exp(-0.5 * (np.arange(-30, 31) / 9.0) ** 2)
    kernel /= np.sqrt((kernel**2).sum())
    sizes = dict(yaw=0.03, pitch=0.013, roll=0.016, shiftX=0.1, shiftY=0.05, browOuterUp=0.03, eyeSquint=0.03)
    for name, size in sizes.items():
        slow = np.convolve(rng.normal(size=len(active) + 60), kernel, "valid")
        driven[:, COLUMN[name]] += (0.5 + 0.5 * head) * size * np.clip(slow, -2.2, 2.2) * active


def _blinks(driven, phones, t, rng) -> None:
    """One at the end of each clause, of 200 ms."""
    for _, end in _spans(phones):
        at = end + 0.1
        driven[:, COLUMN["eyeBlink"]] += np.clip(1.25 * _bump(t, at, 0.055, 0.085), 0, 1)


