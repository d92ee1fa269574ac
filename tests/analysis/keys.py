"""Rows of key presses whose truth is known, and the lines that make them hard to hear.

`row` dials; the functions of LINES add what a line adds. Levels are root mean square in dBFS, a
press counting with both of its tones.
"""

import io
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np
import soundfile

from tests.analysis.calls import HIGH, LOW, RATE, SPEAKERS, clip

KEYS = "123A456B789C*0#D"
CARD = "4929123456780378"
LEVEL_DB = -20.0


@dataclass(frozen=True)
class Row:
    """Key presses on one line: the samples, which keys, and when, in seconds."""

    samples: np.ndarray
    digits: str
    spans: list[tuple[float, float]]


def row(
    digits: str = CARD,
    *,
    on: float = 0.1,
    off: float = 0.1,
    db: float = LEVEL_DB,
    twist_db: float = 0.0,
    detuned: float = 0.0,
    margin: float = 1.5,
    seed: int = 1,
) -> Row:
    """The digits pressed one after the other, silence of `margin` seconds around them."""
    rng = np.random.default_rng(seed)
    samples = np.zeros(round((2 * margin + len(digits) * (on + off)) * RATE), np.float32)
    spans = []
    for index, digit in enumerate(digits):
        start = round((margin + index * (on + off)) * RATE)
        tone = press(digit, on, db, twist_db, detuned, rng)
        samples[start : start + len(tone)] = tone
        spans.append((start / RATE, (start + len(tone)) / RATE))
    return Row(samples, digits, spans)


def by_hand(digits: str, *, db: float = LEVEL_DB, margin: float = 1.5, seed: int = 1) -> Row:
    """The digits pressed by a person: no two presses and no two pauses alike."""
    rng = np.random.default_rng(seed)
    pieces, spans, at = [np.zeros(round(margin * RATE))], [], round(margin * RATE)
    for digit in digits:
        tone = press(digit, rng.uniform(0.08, 0.25), db, rng=rng)
        pause = np.zeros(round(rng.uniform(0.12, 0.9) * RATE))
        spans.append((at / RATE, (at + len(tone)) / RATE))
        pieces += [tone, pause]
        at += len(tone) + len(pause)
    pieces.append(np.zeros(round(margin * RATE)))
    return Row(np.concatenate(pieces).astype(np.float32), digits, spans)


def press(
    digit: str,
    seconds: float,
    db: float,
    twist_db: float = 0.0,
    detuned: float = 0.0,
    rng: np.random.Generator | None = None,
) -> np.ndarray:
    """One key press; a positive twist makes the high tone the louder one."""
    rng = rng or np.random.default_rng(1)
    key = KEYS.index(digit)
    time = np.arange(round(seconds * RATE)) / RATE * (1 + detuned)
    ratio = 10 ** (twist_db / 20)
    low, high = np.sin(2 * np.pi * np.outer([LOW[key // 4], HIGH[key % 4]], time) + rng.random())
    scale = 10 ** (db / 20) / np.sqrt((1 + ratio**2) / 2)
    tone: np.ndarray = (scale * (low + ratio * high)).astype(np.float32)
    return tone


def at_level(samples: np.ndarray, db: float) -> np.ndarray:
    """The samples scaled to a root mean square level."""
    scaled: np.ndarray = samples * 10 ** (db / 20) / np.sqrt(np.mean(samples**2))
    return scaled


def hum(frames: int, hertz: float, db: float = LEVEL_DB + 10) -> np.ndarray:
    """Mains hum with harmonics up to the tenth."""
    time = np.arange(frames) / RATE
    harmonics = sum(np.sin(2 * np.pi * hertz * n * time + n) / n**1.5 for n in range(1, 11))
    return at_level(np.asarray(harmonics), db)


def buzz(frames: int, hertz: float, db: float = LEVEL_DB + 10) -> np.ndarray:
    """Mains buzz: the first ten harmonics are equally strong."""
    time = np.arange(frames) / RATE
    harmonics = sum(np.sin(2 * np.pi * hertz * n * time + n) for n in range(1, 11))
    return at_level(np.asarray(harmonics), db)


def noise(frames: int, tilt: float, db: float = LEVEL_DB, seed: int = 3) -> np.ndarray:
    """Noise whose power falls by `tilt` times 10 dB a decade above 20 Hz: 1 pink, 2 car."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(frames))
    spectrum *= np.maximum(np.fft.rfftfreq(frames, 1 / RATE), 20) ** (-tilt / 2)
    return at_level(np.fft.irfft(spectrum, frames), db)


def speech(frames: int, db: float, seed: int = 5) -> np.ndarray:
    """Somebody talking all the time."""
    rng = np.random.default_rng(seed)
    voices: list[np.ndarray] = []
    while sum(map(len, voices)) < frames:
        samples, spoken = clip(f"{rng.choice(SPEAKERS)}-{rng.integers(3)}")
        voices.append(samples[: len(spoken) * 80][np.repeat(spoken, 80)])
    return at_level(np.concatenate(voices)[:frames], db)


def with_gaps(samples: np.ndarray, seconds: float = 0.02, every: float = 0.15) -> np.ndarray:
    """Packets lost without concealment."""
    lost = samples.copy()
    for start in np.arange(0.037, len(samples) / RATE, every):
        lost[round(start * RATE) : round((start + seconds) * RATE)] = 0
    return lost


def with_gain_control(samples: np.ndarray) -> np.ndarray:
    """An automatic gain that brings 20 ms levels to -20 dBFS within 100 ms, +30 dB at most."""
    blocks = samples[: len(samples) // 160 * 160].reshape(-1, 160)
    gain, gains = 1.0, []
    for level in np.sqrt((blocks**2).mean(axis=1)):
        wanted = np.clip(0.1 / max(level, 1e-6), 0.03, 30)
        gain *= (wanted / gain) ** (0.5 if wanted < gain else 0.15)
        gains.append(gain)
    controlled = samples.copy()
    controlled[: blocks.size] *= np.repeat(gains, 160)
    return np.clip(controlled, -1, 1)


def through_file(samples: np.ndarray, subtype: str) -> np.ndarray:
    """There and back through a WAV kind."""
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="WAV", subtype=subtype)
    file.seek(0)
    decoded: np.ndarray = soundfile.read(file, dtype="float32")[0]
    return decoded


def through_codec(samples: np.ndarray, codec: str, bit_rate: int, container: str) -> np.ndarray:
    """There and back through a codec of PyAV, at 8 kHz."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream: Any = out.add_stream(codec, rate=RATE)
        stream.bit_rate = bit_rate
        stream.layout = "mono"
        pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2")
        size = stream.codec_context.frame_size or 160
        for at in range(0, len(pcm) - size + 1, size):
            frame = av.AudioFrame.from_ndarray(pcm[None, at : at + size], "s16", "mono")
            frame.sample_rate, frame.pts = RATE, at
            frame.time_base = Fraction(1, RATE)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    file.seek(0)
    resampler = av.AudioResampler("flt", "mono", RATE)
    with av.open(file, "r") as back:
        frames = [done for frame in back.decode(audio=0) for done in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])


def through_speex(samples: np.ndarray, quality: int) -> np.ndarray:
    """There and back through Debian's speexenc; FileNotFoundError where it is not installed."""
    with tempfile.TemporaryDirectory() as folder:
        source, coded, back = (f"{folder}/{name}" for name in ("a.wav", "b.spx", "c.wav"))
        soundfile.write(source, np.clip(samples, -1, 1), RATE, subtype="PCM_16")
        encode = ["speexenc", "-n", "--quality", str(quality), source, coded]
        subprocess.run(encode, check=True, capture_output=True)
        subprocess.run(["speexdec", coded, back], check=True, capture_output=True)
        decoded: np.ndarray = soundfile.read(back, dtype="float32")[0]
    return decoded


Line = Callable[[np.ndarray], np.ndarray]

#: What the line adds to a row at -20 dBFS.
LINES: dict[str, Line] = {
    "clean": lambda x: x,
    "hum of 50 Hz 10 dB above": lambda x: x + hum(len(x), 50),
    "hum of 60 Hz 10 dB above": lambda x: x + hum(len(x), 60),
    "buzz of 60 Hz 10 dB above": lambda x: x + buzz(len(x), 60),
    "car noise equal": lambda x: x + noise(len(x), 2),
    "pink noise equal": lambda x: x + noise(len(x), 1),
    "white noise 6 dB below": lambda x: x + noise(len(x), 0, LEVEL_DB - 6),
    "DC 0.1": lambda x: x + 0.1,
    "DC drifting": lambda x: x + 0.1 * np.sin(2 * np.pi * 0.7 * np.arange(len(x)) / RATE),
    "tones at -46 dBFS": lambda x: x * 10 ** (-26 / 20),
    "tones at -66 dBFS": lambda x: x * 10 ** (-46 / 20),
    "tones at -46 dBFS, DC 0.1": lambda x: x * 10 ** (-26 / 20) + 0.1,
    "tones at -46 dBFS, hum 10 dB above": lambda x: (x + hum(len(x), 50)) * 10 ** (-26 / 20),
    "speech 10 dB below": lambda x: x + speech(len(x), LEVEL_DB - 10),
    "speech 6 dB below": lambda x: x + speech(len(x), LEVEL_DB - 6),
    "speech equal": lambda x: x + speech(len(x), LEVEL_DB),
    "mu-law": lambda x: through_file(x, "ULAW"),
    "mu-law at -46 dBFS": lambda x: through_file(x * 10 ** (-26 / 20), "ULAW"),
    "A-law": lambda x: through_file(x, "ALAW"),
    "GSM 06.10": lambda x: through_file(x, "GSM610"),
    "G.726 at 16 kbit/s": lambda x: through_codec(x, "g726", 16000, "wav"),
    "AMR at 4.75 kbit/s": lambda x: through_codec(x, "libopencore_amrnb", 4750, "amr"),
    "AMR at 12.2 kbit/s": lambda x: through_codec(x, "libopencore_amrnb", 12200, "amr"),
    "AMR at 4.75 kbit/s, -46 dBFS": lambda x: through_codec(
        x * 10 ** (-26 / 20), "libopencore_amrnb", 4750, "amr"
    ),
    "Speex at 3.95 kbit/s": lambda x: through_speex(x, 1),
    "Speex at 5.95 kbit/s": lambda x: through_speex(x, 2),
    "clipped by 12 dB": lambda x: np.clip(x * 28, -1, 1),
    "packets of 20 ms lost": with_gaps,
    "gain control": lambda x: with_gain_control(x + noise(len(x), 1, LEVEL_DB - 25)),
}
