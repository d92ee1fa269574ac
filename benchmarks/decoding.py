"""Decoding beside libsndfile, and what a seek costs at the end of a long recording.

`python -m benchmarks.decoding [--minutes 60]` makes a recording of every kind that telephone
systems write, decodes it whole, makes its index, and reads one second at its beginning and one at
its end through a reader that knows the index, as playback does. CPU seconds, the best of three.
Exit 1 where a seek to the end costs more than MOST_RATIO times one to the beginning.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable

import numpy as np
import soundfile

from addon.audio import seeking
from addon.audio.decoding import Decoder
from addon.audio.seeking import CELL_SECONDS, Index

RATE = 8000
BLOCK = 1 << 15

MOST_RATIO = 5.0
"""A seek decodes up to a cell and some packets of pre-roll; one to the very beginning no more than
what is read."""

KINDS = {
    "PCM": ("WAV", "PCM_16"),
    "GSM in WAV": ("WAV", "GSM610"),
    "IMA ADPCM": ("WAV", "IMA_ADPCM"),
    "MS ADPCM": ("WAV", "MS_ADPCM"),
    "MP3": ("MP3", "MPEG_LAYER_III"),
    "FLAC": ("FLAC", "PCM_16"),
    "Vorbis": ("OGG", "VORBIS"),
    "Opus": ("OGG", "OPUS"),
    "AIFF": ("AIFF", "PCM_16"),
}


def main() -> int:
    """Print a line for each kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=60)
    minutes = parser.parse_args().minutes
    print(f"{minutes} minutes, mono, {RATE} Hz; CPU seconds")
    print(f"{'':12}{'decode':>9}{'libsndfile':>12}{'index':>9}{'seek, middle':>14}{'at end':>9}")
    worst = 0.0
    for name in KINDS:
        content = recording(name, minutes * 60)
        index = seeking.index_of(Decoder(io.BytesIO(content)))
        whole, theirs = cost(decoder(content)), cost(peer(content))
        made = cost(lambda c=content: seeking.index_of(Decoder(io.BytesIO(c))))  # type: ignore[misc]
        # Both lie in the middle of a cell, so that as much has to be decoded before them.
        early, late = (int((n + 0.5) * CELL_SECONDS * RATE) for n in (0, len(index.cells) - 2))
        first, last = (cost(ranged(content, index, at)) for at in (early, late))
        worst = max(worst, last / first)
        print(f"{name:12}{whole:9.2f}{theirs:12.2f}{made:9.3f}{first:14.4f}{last:9.4f}", flush=True)
    print(f"a seek to the end costs at most {worst:.1f} times one to the beginning")
    return 0 if worst <= MOST_RATIO else 1


def recording(name: str, seconds: int) -> bytes:
    """A file of a tone in noise."""
    container, encoding = KINDS[name]
    out, rng = io.BytesIO(), np.random.default_rng(1)
    with soundfile.SoundFile(out, "w", RATE, 1, encoding, format=container) as file:
        for at in range(0, seconds * RATE, BLOCK):
            count = min(BLOCK, seconds * RATE - at)
            tone = np.sin(np.arange(at, at + count) / 3) * 0.2
            file.write((tone + rng.normal(0, 0.01, count)).astype(np.float32))
    return out.getvalue()


def cost(work: Callable[[], object]) -> float:
    """CPU seconds, the best of three."""
    times = []
    for _ in range(3):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


def decoder(content: bytes) -> Callable[[], object]:
    def work() -> None:
        for _ in Decoder(io.BytesIO(content)).blocks():
            pass

    return work


def peer(content: bytes) -> Callable[[], object]:
    def work() -> None:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            while len(file.read(1 << 13, "float32", always_2d=True)):
                pass

    return work


def ranged(content: bytes, index: Index, first: int) -> Callable[[], object]:
    def work() -> None:
        reader = Decoder(io.BytesIO(content))
        for _ in seeking.samples(reader, index, first, first + RATE):
            pass

    return work


if __name__ == "__main__":
    raise SystemExit(main())
