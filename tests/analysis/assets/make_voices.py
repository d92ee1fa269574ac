"""Makes the clips beside it with espeak-ng: speech whose words and edges are known.

Run once (`python tests/analysis/assets/make_voices.py`, Debian package espeak-ng); the tests only
read the FLAC files and need no synthesiser.
"""

import io
import subprocess
from pathlib import Path

import numpy as np
import soundfile
import soxr

VOICES = {
    "ada": ("en-gb+f2", 165),
    "ben": ("en-us+m3", 150),
    "cat": ("en-us+f4", 180),
    "dan": ("en-gb+m7", 155),
}
LINES = {
    "ada": [
        "Good morning, you are speaking with Ada. How may I help you today?",
        "Let me look that up for you. One moment please.",
        "I can see the order here, it left our warehouse on Tuesday.",
        "Right.",
    ],
    "ben": [
        "Hello, I am calling about a parcel that never arrived at my house.",
        "The number on the letter is hard to read, but I will try.",
        "That would be great, thank you very much.",
        "Yes.",
    ],
    "cat": [
        "Thanks for waiting. We will send a new one tomorrow, free of charge.",
        "Is there anything else that I can do for you?",
        "Have a lovely afternoon, and goodbye.",
        "Okay.",
    ],
    "dan": [
        "No, I was at home all day and nobody rang the bell.",
        "Could you also change the address on my account before it ships?",
        "It is the green house on the corner, opposite the old station.",
        "I see.",
    ],
}


def clip(voice: str, speed: int, text: str) -> np.ndarray:
    """The text spoken, at 8 kHz, without silence around it, peaking at -6 dBFS."""
    command = ["espeak-ng", "-v", voice, "-s", str(speed), "--stdout", text]
    wave = subprocess.run(command, check=True, capture_output=True).stdout
    samples, rate = soundfile.read(io.BytesIO(wave), dtype="float32")
    samples = soxr.resample(samples, rate, 8000)
    loud = np.flatnonzero(np.abs(samples) > 0.01 * np.abs(samples).max())
    samples = samples[loud[0] : loud[-1]]
    return samples * 0.5 / np.abs(samples).max()


for name, (voice, speed) in VOICES.items():
    for number, line in enumerate(LINES[name]):
        path = Path(__file__).with_name(f"{name}-{number}.flac")
        soundfile.write(path, clip(voice, speed, line), 8000, subtype="PCM_16")
