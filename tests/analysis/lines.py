"""What a telephone line adds to a call: hum, offset, noise, voices in the room, music, ringing.

Each function takes a Call of `tests.analysis.calls` and returns it with one more fault; its truth
stays that of the clean call. The sounds that stand alone return one row of samples.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import soundfile
import soxr

from tests.analysis import calls
from tests.analysis.calls import RATE, Call, speech_level


def decibels(value: float) -> float:
    """The amplitude factor of so many decibels."""
    return float(10 ** (value / 20))


def louder(call: Call, db: float) -> Call:
    """The call `db` louder, or quieter where that is negative."""
    return replace(call, samples=(call.samples * decibels(db)).astype(np.float32))


def with_dc(call: Call, offset: float) -> Call:
    """A constant added to every sample."""
    return replace(call, samples=(call.samples + offset).astype(np.float32))


def with_mains_hum(call: Call, db: float, hertz: float = 50, *, harmonics: int = 1) -> Call:
    """Mains hum on both channels, its level `db` above the level of speech."""
    time = np.arange(call.samples.shape[1]) / RATE
    hum = sum(np.sin(2 * np.pi * hertz * n * time + n) / n**2 for n in range(1, harmonics + 1))
    hum = hum / np.std(hum) * speech_level(call) * decibels(db)
    return replace(call, samples=(call.samples + hum).astype(np.float32))


def with_car_noise(call: Call, snr_db: float, seed: int = 6) -> Call:
    """Noise that falls by 12 dB an octave above 100 Hz, as in a driving car."""
    rng = np.random.default_rng(seed)
    shape = call.samples.shape
    spectrum = np.fft.rfft(rng.standard_normal(shape))
    hertz = np.fft.rfftfreq(shape[1], 1 / RATE)
    noise = np.fft.irfft(spectrum / (1 + (hertz / 100) ** 2), shape[1])
    noise *= speech_level(call) * decibels(-snr_db) / noise.std()
    return replace(call, samples=(call.samples + noise).astype(np.float32))


def with_voices(call: Call, snr_db: float, voices: int = 5, seed: int = 9) -> Call:
    """So many other people who talk without a pause in the room of each party."""
    rng = np.random.default_rng(seed)
    room = np.zeros_like(call.samples)
    for row in room:
        for index in range(voices):
            speaker = calls.SPEAKERS[index % len(calls.SPEAKERS)]
            clips = [calls.clip(f"{speaker}-{rng.integers(3)}")[0] for _ in range(20)]
            row += np.roll(np.resize(np.concatenate(clips), len(row)), rng.integers(len(row)))
    room *= speech_level(call) * decibels(-snr_db) / room.std()
    return replace(call, samples=(call.samples + room).astype(np.float32))


def at_a_distance(call: Call, db: float = -30, snr_db: float = 15, seed: int = 4) -> Call:
    """A microphone across the room: reverberation of half a second, a low level, a fan."""
    rng = np.random.default_rng(seed)
    length = RATE // 2
    decay = np.exp(-6.9 * np.arange(length) / length)
    # The direct sound is as strong as all of the reverberation.
    response = rng.standard_normal(length) * decay
    response *= 1 / np.sqrt((response**2).sum())
    response[0] += 1
    size = call.samples.shape[1] + length
    spectrum = np.fft.rfft(call.samples, size) * np.fft.rfft(response, size)
    wet = np.fft.irfft(spectrum, size)[:, : call.samples.shape[1]].astype(np.float32)
    distant = calls.with_noise(replace(call, samples=wet), snr_db, seed)
    return louder(distant, db)


def with_gain_control(call: Call) -> Call:
    """A line that turns quiet moments up: the level of every 300 ms comes close to the same."""
    noisy = calls.with_noise(call, 30)
    power = np.stack([np.convolve(row**2, np.ones(2400) / 2400, "same") for row in noisy.samples])
    gain = (0.1 / np.sqrt(np.maximum(power, 1e-6))) ** 0.7
    return replace(call, samples=(noisy.samples * gain).astype(np.float32))


def after(call: Call, sound: np.ndarray, channel: int = 1, *, both: bool = False) -> Call:
    """The call after a sound on one channel, or on both; the sound becomes `hold`."""
    head = np.zeros((2, len(sound) // 80 * 80), np.float32)
    for row in (0, 1) if both else (channel,):
        head[row] = sound[: head.shape[1]]
    quiet = np.zeros((2, head.shape[1] // 80), np.bool_)
    return Call(
        np.concatenate([head, call.samples], axis=1),
        np.concatenate([quiet, call.speech], axis=1),
        hold=[(0.0, head.shape[1] / RATE)],
    )


def tone(hertz: Sequence[float], seconds: float, db: float = -26) -> np.ndarray:
    """Sines of equal strength, together at this level."""
    time = np.arange(round(seconds * RATE)) / RATE
    both = np.sum([np.sin(2 * np.pi * each * time) for each in hertz], axis=0)
    return (both * decibels(db) * np.sqrt(2 / len(hertz))).astype(np.float32)


def chord(seconds: float, db: float = -25) -> np.ndarray:
    """One chord held throughout, as the plainest hold music does."""
    return tone((262, 330, 392), seconds, db)


def tune(seconds: float, seed: int = 1, db: float = -26) -> np.ndarray:
    """A melody over a bass and a drum, eight notes in two seconds, with pauses between phrases."""
    rng = np.random.default_rng(seed)
    beat = RATE // 4
    time = np.arange(beat) / RATE
    rows = []
    for step in range(int(seconds * 4) + 1):
        note = 262 * 2 ** (rng.choice([0, 2, 4, 5, 7, 9, 11, 12]) / 12)
        bass = 131 * 2 ** ([0, 5, 7, 0][step // 8 % 4] / 12)
        rest = step % 32 > 29
        sound = sum(np.sin(2 * np.pi * note * n * time) / n**1.5 for n in range(1, 6))
        sound = sound * np.exp(-4 * time) * (0 if rest else 1)
        sound = sound + 0.7 * sum(np.sin(2 * np.pi * bass * n * time) / n for n in range(1, 5))
        if step % 2 == 0:
            sound = sound + 0.4 * rng.standard_normal(beat) * np.exp(-40 * time)
        rows.append(sound)
    whole = np.concatenate(rows)[: round(seconds * RATE)]
    return (whole / whole.std() * decibels(db)).astype(np.float32)


def melody(seconds: float, seed: int = 5, db: float = -26) -> np.ndarray:
    """A tune of pure tones, two a second, as an old exchange plays it."""
    rng = np.random.default_rng(seed)
    notes = 440 * 2 ** (rng.choice([0, 2, 4, 5, 7, 9], int(seconds * 2) + 1) / 12)
    each_sample = np.repeat(notes, RATE // 2)[: round(seconds * RATE)]
    phase = 2 * np.pi * np.cumsum(each_sample) / RATE
    return (np.sin(phase) * np.sqrt(2) * decibels(db)).astype(np.float32)


def arpeggio(seconds: float, db: float = -26) -> np.ndarray:
    """The notes of a chord up and down, ten a second, each ringing on into the next ones."""
    time = np.arange(RATE // 2) / RATE
    whole = np.zeros(round(seconds * RATE) + len(time))
    for step in range(int(seconds * 10)):
        note = (262, 330, 392, 523, 392, 330)[step % 6] * (1, 1.5, 1.33, 1)[step // 24 % 4]
        sound = sum(np.sin(2 * np.pi * note * n * time) / n**2 for n in (1, 2, 3))
        whole[step * RATE // 10 :][: len(time)] += sound * np.exp(-6 * time)
    whole = whole[: round(seconds * RATE)]
    return (whole / whole.std() * decibels(db)).astype(np.float32)


def cadence(hertz: Sequence[float], pattern: Sequence[float], seconds: float) -> np.ndarray:
    """A tone switched on and off in turn for the pattern's seconds, over and over."""
    once = [
        tone(hertz, length) if index % 2 == 0 else np.zeros(round(length * RATE), np.float32)
        for index, length in enumerate(pattern)
    ]
    return np.resize(np.concatenate(once), round(seconds * RATE))


def special_information() -> np.ndarray:
    """The three rising tones before an announcement that a number cannot be reached."""
    parts = [tone([hertz], 0.33) for hertz in (950, 1400, 1800)]
    return np.concatenate(parts)


#: Call progress tones by what they are called, and how each sounds for a number of seconds.
SIGNALS: dict[str, tuple[str, Callable[[float], np.ndarray]]] = {
    "US ringing": ("ringing", lambda s: cadence((440, 480), (2, 4), s)),
    "European ringing": ("ringing", lambda s: cadence((425,), (1, 4), s)),
    "British ringing": ("ringing", lambda s: cadence((400, 450), (0.4, 0.2, 0.4, 2), s)),
    "US busy": ("busy", lambda s: cadence((480, 620), (0.5, 0.5), s)),
    "European busy": ("busy", lambda s: cadence((425,), (0.5, 0.5), s)),
    "US reorder": ("reorder", lambda s: cadence((480, 620), (0.25, 0.25), s)),
    "fax calling": ("fax", lambda s: cadence((1100,), (0.5, 3), s)),
    "US dial": ("dial", lambda s: tone((350, 440), s)),
}


def through(call: Call, **kind: str) -> Call:
    """The call coded and decoded; what knows one channel only codes each apart."""
    rows = []
    for row in call.samples:
        coded = io.BytesIO(calls.encoded(row[None], **kind))
        with soundfile.SoundFile(coded) as file:
            decoded, rate = file.read(frames=2 * len(row) * 6, dtype="float32"), file.samplerate
        if rate != RATE:
            decoded = soxr.resample(decoded, rate, RATE)
        rows.append(np.pad(decoded, (0, max(len(row) - len(decoded), 0)))[: len(row)])
    return replace(call, samples=np.stack(rows).astype(np.float32))


#: Everything that the accuracy of talk, crosstalk and silence is measured under.
CONDITIONS: dict[str, Callable[[Call], Call]] = {
    "clean": lambda call: call,
    "mu-law": lambda call: through(call, format="WAV", subtype="ULAW"),
    "GSM": lambda call: through(call, format="WAV", subtype="GSM610"),
    "Opus": lambda call: through(call, format="OGG", subtype="OPUS"),
    "pink noise at 10 dB": lambda call: calls.with_noise(call, 10),
    "pink noise at 5 dB": lambda call: calls.with_noise(call, 5),
    "car noise equal to speech": lambda call: with_car_noise(call, 0),
    "hum and clicks": calls.with_hum,
    "offset of 0.1, speech 12 dB quieter": lambda call: with_dc(louder(call, -12), 0.1),
    "hum of 50 Hz equal to speech": lambda call: with_mains_hum(call, 0),
    "hum of 60 Hz and harmonics, 10 dB louder": lambda call: with_mains_hum(
        call, 10, 60, harmonics=6
    ),
    "echo at -30 dB": lambda call: calls.with_echo(call, -30),
    "echo at -20 dB": lambda call: calls.with_echo(call, -20),
    "34 dB quieter": lambda call: calls.quieter(call, -34),
    "gain control": with_gain_control,
    "distant microphone, noise at 15 dB": at_a_distance,
    "distant microphone, noise at 5 dB": lambda call: at_a_distance(call, -35, 5),
    "five voices in the room at 20 dB": lambda call: with_voices(call, 20),
    "five voices in the room at 15 dB": lambda call: with_voices(call, 15),
    "five voices in the room at 10 dB": lambda call: with_voices(call, 10),
    "twelve voices in the room at 10 dB": lambda call: calls.with_babble(call, 10),
    "key tones and hold music": calls.with_hold,
    "a minute of a tune before the call": lambda call: after(call, tune(60)),
    "US ringing before the call": lambda call: after(call, SIGNALS["US ringing"][1](36)),
}
