"""Reads damaged files until the time is over: run as a process of its own, which may crash.

`python -m tests.audio.hostile SEED SECONDS [CASES]` prints how many cases there were; a case that
raises anything but the one named error ends it with a traceback, and its number is on standard
error before it is tried.
"""

from __future__ import annotations

import io
import random
import sys
import time
from itertools import pairwise

from addon.audio import seeking
from addon.audio.decoding import Decoder
from addon.errors import UnreadableAudio
from tests.audio.files import KINDS, made


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Bytes changed, cut out, repeated, set to extremes, mostly near the beginning."""
    changed = bytearray(content)
    region = rng.choice((64, 200, 1000, len(content)))
    for _ in range(rng.choice((1, 2, 5, 30))):
        at = rng.randrange(max(min(region, len(changed)), 1))
        how, few = rng.randrange(5), rng.randrange(1, 300)
        if how == 0:
            changed[at : at + 1] = bytes([rng.randrange(256)])
        elif how == 1:
            changed[at : at + few % 40] = bytes([rng.choice((0, 0x7F, 0x80, 0xFF))]) * (few % 40)
        elif how == 2:
            del changed[at : at + few]
        elif how == 3:
            changed[at:at] = content[rng.randrange(len(content)) :][:few]
        else:
            changed[at : at + 4] = rng.randbytes(4)
    return bytes(changed[: rng.randrange(len(changed) + 1)] if rng.random() < 0.2 else changed)


def tried(content: bytes, rng: random.Random) -> bool:
    """Whether it is read; whole and in a range."""
    try:
        decoder = Decoder(io.BytesIO(content))
        for _ in decoder.blocks():
            pass
        index = seeking.index_of(Decoder(io.BytesIO(content)))
        first = rng.randrange(max(index.frames, 1))
        last = min(first + 5000, index.frames)
        blocks = seeking.samples(decoder, index, first, last)
        assert sum(block.shape[1] for block in blocks) == max(last - first, 0)
    except UnreadableAudio:
        return False
    return True


def main() -> None:
    seed, seconds = int(sys.argv[1]), float(sys.argv[2])
    most = int(sys.argv[3]) if len(sys.argv) > 3 else 1 << 40
    files = [made(kind, 1.0) for kind in KINDS]
    files += [one + other for one, other in pairwise(files)]
    end, cases, read = time.monotonic() + seconds, 0, 0
    while time.monotonic() < end and cases < most:
        rng = random.Random(f"{seed} {cases}")
        print(cases, file=sys.stderr, flush=True)
        read += tried(mutated(rng.choice(files), rng), rng)
        cases += 1
    print(cases, read)


if __name__ == "__main__":
    main()
