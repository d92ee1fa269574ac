"""Telephone calls whose truth is known: bundled speech laid out in turns, then made worse.

`converse` lays clips of two speakers on a timeline with answers, overlaps, nods and pauses, and
keeps the truth on the 10 ms grid; the functions after it add what a line adds.
"""

import io
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
import soundfile

from addon.analysis import Options, RecordingPass, Report, runs

RATE = 8000
ASSETS = Path(__file__).parent / "assets"
SPEAKERS = ("ada", "ben", "cat", "dan")
LOW, HIGH = (697, 770, 852, 941), (1209, 1336, 1477, 1633)


@dataclass(frozen=True)
class Call:
    """A call and the truth about it: `speech` one 10 ms mask a channel, spans in seconds."""

    samples: np.ndarray
    speech: np.ndarray
    tones: list[tuple[float, float]] = field(default_factory=list)
    hold: list[tuple[float, float]] = field(default_factory=list)

    @property
    def duration(self) -> float:
        return self.samples.shape[1] / RATE


@cache
def clip(name: str) -> tuple[np.ndarray, np.ndarray]:
    """A bundled clip, telephone band, and where it holds speech."""
    samples, _ = soundfile.read(ASSETS / f"{name}.flac", dtype="float32")
    samples = band_passed(samples[: len(samples) // 80 * 80])
    power = (samples.reshape(-1, 80) ** 2).mean(axis=1)
    spoken = power > power.max() * 10**-4
    return samples, runs.mask(runs.joined(runs.runs(spoken), 30), len(spoken))


def band_passed(samples: np.ndarray) -> np.ndarray:
    """300 to 3,400 Hz, as a telephone lets through."""
    spectrum = np.fft.rfft(samples)
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE)
    spectrum[(hertz < 300) | (hertz > 3400)] = 0
    return np.fft.irfft(spectrum, len(samples)).astype(np.float32)


def converse(seconds: int, seed: int, *, speakers: tuple[str, str] = ("ben", "ada")) -> Call:
    """Two speakers in turns: mostly one after the other, some overlaps, nods and long pauses."""
    rng = np.random.default_rng(seed)
    samples = np.zeros((2, seconds * RATE), np.float32)
    speech = np.zeros((2, seconds * 100), np.bool_)
    at, who = int(rng.integers(50, 200)), int(rng.integers(2))
    while True:
        voice, spoken = clip(f"{speakers[who]}-{rng.integers(3)}")
        if at + len(spoken) >= seconds * 100 - 20:
            return Call(samples, speech)
        lay(samples, speech, who, at, voice, spoken)
        if rng.random() < 0.3:
            nod, nodded = clip(f"{speakers[1 - who]}-3")
            lay(samples, speech, 1 - who, at + len(spoken) // 2, nod, nodded)
        pause = rng.choice([-60, 20, 50, 90, 150, 450], p=[0.15, 0.25, 0.25, 0.2, 0.1, 0.05])
        at += len(spoken) + int(pause)
        who = who if rng.random() < 0.2 and pause > 0 else 1 - who


def lay(samples, speech, channel, frame, voice, spoken) -> None:
    samples[channel, frame * 80 : frame * 80 + len(voice)] += voice
    speech[channel, frame : frame + len(spoken)] |= spoken


def speech_level(call: Call) -> float:
    """Root mean square over the spoken frames."""
    return float(np.sqrt((call.samples[np.repeat(call.speech, 80, axis=1)] ** 2).mean()))


def with_noise(call: Call, snr_db: float, seed: int = 5) -> Call:
    """Pink noise on both channels."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.standard_normal(call.samples.shape))
    spectrum /= np.sqrt(np.maximum(np.arange(spectrum.shape[1]), 1))
    noise = np.fft.irfft(spectrum, call.samples.shape[1])
    noise *= speech_level(call) * 10 ** (-snr_db / 20) / noise.std()
    return replace(call, samples=(call.samples + noise).astype(np.float32))


def with_babble(call: Call, snr_db: float) -> Call:
    """Other people talking behind both parties."""
    rng = np.random.default_rng(9)
    babble = np.zeros_like(call.samples)
    for row in babble:
        for _ in range(12):
            voices = [clip(f"{rng.choice(SPEAKERS)}-{rng.integers(3)}")[0] for _ in range(40)]
            voice = np.resize(np.concatenate(voices), len(row))
            row += np.roll(voice, rng.integers(len(row)))
    babble *= speech_level(call) * 10 ** (-snr_db / 20) / babble.std()
    return replace(call, samples=call.samples + babble)


def with_hum(call: Call) -> Call:
    """Mains hum with harmonics at -40 dBFS, and a click every two seconds."""
    time = np.arange(call.samples.shape[1]) / RATE
    hum = sum(np.sin(2 * np.pi * 50 * n * time) / n for n in (1, 2, 3, 5, 7)) * 0.01
    clicks = np.zeros_like(hum)
    clicks[:: 2 * RATE] = 0.3
    return replace(call, samples=(call.samples + hum + clicks).astype(np.float32))


def with_echo(call: Call, db: float) -> Call:
    """Each party heard again on the other's channel, 60 ms later."""
    late = np.roll(call.samples[::-1], 480, axis=1) * np.float32(10 ** (db / 20))
    late[:, :480] = 0
    return replace(call, samples=call.samples + late)


def quieter(call: Call, db: float) -> Call:
    """The whole call at a lower level, over the faint noise of a line."""
    rng = np.random.default_rng(2)
    hiss = rng.standard_normal(call.samples.shape) * 10 ** (-75 / 20)
    return replace(call, samples=(call.samples * 10 ** (db / 20) + hiss).astype(np.float32))


def music(seconds: float, seed: int = 1) -> np.ndarray:
    """Chords of decaying harmonics, four a second."""
    rng = np.random.default_rng(seed)
    time = np.arange(RATE // 4) / RATE
    bars = []
    for _ in range(int(seconds * 4)):
        notes = 220 * 2 ** (rng.choice([0, 3, 5, 7, 10, 12], 3) / 12)
        tone = sum(np.sin(2 * np.pi * f * n * time) / n for f in notes for n in (1, 2, 3))
        bars.append(tone * np.exp(-3 * time))
    return (0.03 * np.concatenate(bars)).astype(np.float32)


def key_tone(key: int, seconds: float, db: float = -13.0) -> np.ndarray:
    """One key press; `db` is the level of each of its two tones' peaks."""
    time = np.arange(round(seconds * RATE)) / RATE
    both = np.sin(2 * np.pi * LOW[key // 4] * time) + np.sin(2 * np.pi * HIGH[key % 4] * time)
    return (both * 10 ** (db / 20)).astype(np.float32)


def with_hold(call: Call, seconds: int = 15) -> Call:
    """After the call: keys pressed by the customer, then hold music on the agent's channel."""
    tail = np.zeros((2, (seconds + 6) * RATE), np.float32)
    tones = []
    for index in range(8):
        at = 8000 + index * 1600
        tail[0, at : at + 800] = key_tone(index, 0.1)
        tones.append((call.duration + at / RATE, call.duration + (at + 800) / RATE))
    tail[1, 4 * RATE : (4 + seconds) * RATE] = music(seconds)
    start = call.duration + 4
    quiet = np.zeros((2, tail.shape[1] // 80), np.bool_)
    return Call(
        np.concatenate([call.samples, tail], axis=1),
        np.concatenate([call.speech, quiet], axis=1),
        tones,
        [(start, start + seconds)],
    )


def wav(samples: np.ndarray, rate: int = RATE, subtype: str = "PCM_16") -> bytes:
    """(channels, frames) as the bytes of a WAV file."""
    return encoded(samples, rate, format="WAV", subtype=subtype)


def encoded(samples: np.ndarray, rate: int = RATE, **kind: str) -> bytes:
    """(channels, frames) as a file of any kind that soundfile writes."""
    out = io.BytesIO()
    soundfile.write(out, np.clip(samples, -1, 1).T, rate, **kind)
    return out.getvalue()


def passed(
    recording: bytes, options: Options | None = None, *, block: int = 65536
) -> tuple[Report, bytes]:
    """The recording through one pass in blocks: its report and the bytes to archive."""
    one = RecordingPass(options or Options(), spool=io.BytesIO)
    out = [one.feed(recording[at : at + block]) for at in range(0, len(recording), block)]
    out += one.finish()
    return one.report, b"".join(out)


def heard(report: Report) -> np.ndarray:
    """The report's segments as one mask a channel."""
    frames = report.conversation.timeline.frames
    return np.stack([runs.mask(spans, frames) for spans in report.conversation.segments])


def f1(found: np.ndarray, truth: np.ndarray) -> float:
    """Frame F1 over all channels, in percent."""
    hits = np.count_nonzero(found & truth)
    return 200 * hits / (np.count_nonzero(found) + np.count_nonzero(truth))
