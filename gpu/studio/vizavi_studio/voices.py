"""Synthetic voices that tell when they say which phone: flite (`flite -psdur`) and eSpeak NG (its library's events).

Both are Debian packages: flite, espeak-ng.
"""

import ctypes
import ctypes.util
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.io import wavfile
from scipy.signal import resample_poly

RATE = 16_000


@dataclass
class Speech:
    pcm: np.ndarray
    """float32 at RATE, -1..1."""
    phones: list[tuple[str, float, float]]
    """ARPAbet name (`pau`: silence), begin and end in seconds; without gaps."""


FLITE = ("slt", "awb", "rms", "kal16", "kal")
# Voice, variant, words a minute, pitch.
ESPEAK = {
    "en+f2": (165, 55),
    "en-us+m3": (150, 45),
    "en-us+f4": (175, 60),
    "en+m7": (160, 40),
    "en-us+klatt4": (155, 50),
}
VOICES = [*FLITE, *ESPEAK]


def speak(voice: str, text: str) -> Speech:
    return _flite(voice, text) if voice in FLITE else _espeak(voice, text)


def _flite(voice: str, text: str) -> Speech:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "speech.wav"
        told = subprocess.run(
            ["flite", "-voice", voice, "-psdur", "-t", text, "-o", str(file)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        rate, pcm = wavfile.read(file)
    phones, begin = [], 0.0
    for name, end in re.findall(r"\b([a-z]+):([\d.]+)", told):
        if float(end) < begin:
            raise ValueError(f"times of {voice} go back: {told}")
        phones.append((name, begin, float(end)))
        begin = float(end)
    return Speech(_at_rate(pcm, rate), phones)


_ARPABET = {
    "p": "p", "b": "b", "m": "m", "f": "f", "v": "v", "T": "th", "D": "dh", "t": "t", "d": "d", "n": "n", "N": "ng",
    "l": "l", "k": "k", "g": "g", "h": "hh", "tS": "ch", "dZ": "jh", "S": "sh", "Z": "zh", "s": "s", "z": "z",
    "r": "r", "r-": "r", "3": "er", "3:": "er", "@": "ax", "@L": "l", "@5": "ax", "a": "ae", "aa": "ae", "a#": "ax",
    "A:": "aa", "A@": "aa", "A": "aa", "0": "aa", "O": "ao", "O:": "ao", "O@": "ao", "o@": "ao", "V": "ah",
    "aI": "ay", "aI@": "ay", "aU": "aw", "aU@": "aw", "E": "eh", "e": "eh", "e@": "eh", "eI": "ey", "I": "ih",
    "I2": "ih", "i": "iy", "i:": "iy", "i@": "iy", "I@": "ih", "oU": "ow", "o": "ow", "OI": "oy", "U": "uh",
    "U@": "uh", "u:": "uw", "u": "uw", "w": "w", "j": "y", "?": "pau", "_": "pau", "_:": "pau", "_!": "pau",
}  # fmt: skip
_RETRIEVAL, _PHONEME_EVENT, _END, _POSITION_CHARACTER, _PHONEME_OPTION = 1, 7, 0, 1, 1


class _Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h."""

    class _Id(ctypes.Union):
        _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]

    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


_library = None


def _espeak(voice: str, text: str) -> Speech:
    global _library
    if _library is None:
        _library = ctypes.CDLL(ctypes.util.find_library("espeak-ng") or "libespeak-ng.so.1")
        _library.rate = _library.espeak_Initialize(_RETRIEVAL, 0, None, _PHONEME_OPTION)
    if _library.espeak_SetVoiceByName(voice.encode()) != 0:
        raise ValueError(f"eSpeak NG has no voice {voice}")
    speed, pitch = ESPEAK[voice]
    _library.espeak_SetParameter(1, speed, 0)
    _library.espeak_SetParameter(3, pitch, 0)
    samples: list[np.ndarray] = []
    marks: list[tuple[str, float]] = []

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
    def take(wav, count, events):
        if wav and count > 0:
            samples.append(np.ctypeslib.as_array(wav, (count,)).copy())
        k = 0
        while events[k].type != _END:
            if events[k].type == _PHONEME_EVENT:
                marks.append((events[k].id.string.decode(), events[k].audio_position / 1000))
            k += 1
        return 0

    _library.espeak_SetSynthCallback(take)
    data = text.encode()
    _library.espeak_Synth(data, len(data) + 1, 0, _POSITION_CHARACTER, 0, 1, None, None)
    _library.espeak_Synchronize()
    pcm = np.concatenate(samples)
    end = len(pcm) / _library.rate
    phones = [("pau", 0.0, marks[0][1])] if marks and marks[0][1] > 0 else []
    for (name, begin), (_, until) in zip(marks, [*marks[1:], ("", end)]):
        if until > begin:
            phones.append((_arpabet(name), begin, until))
    return Speech(_at_rate(pcm, _library.rate), phones)


def _arpabet(name: str) -> str:
    if not name or name[0] in "_?":
        return "pau"
    for cut in range(len(name), 0, -1):
        if name[:cut] in _ARPABET:
            return _ARPABET[name[:cut]]
    return "ax"


def _at_rate(pcm: np.ndarray, rate: int) -> np.ndarray:
    x = pcm.astype(np.float32) / 32768
    return x if rate == RATE else resample_poly(x, RATE, rate).astype(np.float32)
