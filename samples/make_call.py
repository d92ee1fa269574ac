"""Makes `call.wav`: an invented two-channel telephone call of a minute.

The customer is on the left, the agent on the right, as Flex writes them. It holds turns, a nod, an
interruption, a pause while the agent looks something up, and a faint line noise; no key tones, so
that what is archived of it without a transcriber equals what was sent. The customer says a card
number (4242 4242 4242 4242, which nobody owns), to be muted where there is a transcriber. Run it
with espeak-ng installed:
`python samples/make_call.py`.
"""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import numpy as np
import soundfile
import soxr

RATE = 8000
CUSTOMER, AGENT = 0, 1
VOICES = {CUSTOMER: ("en-us+m3", "150"), AGENT: ("en-gb+f2", "165")}
PEAK = 0.4
NOISE_DBFS = -62.0

#: Who speaks, how long after the end of the line before (negative: over it), and what.
SCRIPT = [
    (AGENT, 1.2, "Good morning, this is Ada from the parcel desk. How can I help you?"),
    (CUSTOMER, 0.7, "Hello. I am calling about a parcel that never arrived at my house."),
    (AGENT, 0.6, "I am sorry to hear that. Which name is on the order, please?"),
    (CUSTOMER, 0.5, "It should be under Robinson."),
    (AGENT, 0.8, "Thank you. One moment, I am looking that up for you."),
    (CUSTOMER, -1.6, "Sure."),
    (AGENT, 6.5, "Here it is. The parcel left our warehouse on Tuesday, and it should have reached "
     "you by yesterday evening at the very latest, according to the"),
    (CUSTOMER, -1.1, "But I was at home all day, and nobody rang the bell."),
    (AGENT, 0.5, "Then we will send you a new one tomorrow, by express."),
    (AGENT, 0.6, "I only need your card number, please."),
    (CUSTOMER, 0.7, "It is four, two, four, two."),
    (AGENT, 0.2, "Mhm."),
    (CUSTOMER, 0.2, "Four, two, four, two. Four, two, four, two."),
    (AGENT, 0.2, "Go on."),
    (CUSTOMER, 0.2, "Four, two, four, two."),
    (AGENT, 0.4, "Thank you. Goodbye."),
]  # fmt: skip


def spoken(party: int, text: str) -> np.ndarray:
    """The text in the party's voice, at 8 kHz and telephone bandwidth, without silence around."""
    voice, speed = VOICES[party]
    command = ["espeak-ng", "-v", voice, "-s", speed, "--stdout", text]
    wave = subprocess.run(command, check=True, capture_output=True).stdout  # noqa: S603
    samples, rate = soundfile.read(io.BytesIO(wave), dtype="float32")
    samples = soxr.resample(samples, rate, RATE)
    loud = np.flatnonzero(np.abs(samples) > 0.01 * np.abs(samples).max())
    samples = samples[loud[0] : loud[-1]]
    spectrum = np.fft.rfft(samples)
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE)
    spectrum[(hertz < 300) | (hertz > 3400)] = 0
    samples = np.fft.irfft(spectrum, len(samples))
    return samples * PEAK / np.abs(samples).max()


def call() -> np.ndarray:
    """The whole call, (frames, 2)."""
    line = np.zeros((120 * RATE, 2))
    at = 0.0
    for party, wait, text in SCRIPT:
        samples = spoken(party, text)
        start = int((at + wait) * RATE)
        line[start : start + len(samples), party] += samples
        at = max(at, (start + len(samples)) / RATE)
    line = line[: int((at + 1.0) * RATE)]
    noise = np.random.default_rng(8).standard_normal(line.shape)
    return line + noise * 10 ** (NOISE_DBFS / 20)


if __name__ == "__main__":
    target = Path(__file__).with_name("call.wav")
    soundfile.write(target, call(), RATE, format="WAV", subtype="ULAW")
