"""The one reader of WAV files: where their samples lie and what they are, whatever the header says.

`layout` reads what it needs of a file that can be read anywhere; a stream is driven past a `Walk`.
Both come to the same `Layout`. The rules that tell samples from the rest are in
docs/decisions/0206-where-the-samples-of-a-wav-file-lie.md.
"""

from __future__ import annotations

from collections.abc import Callable

from addon.audio.wav_layout import Layout, Region
from addon.audio.wav_walk import Walk

__all__ = ["Layout", "Region", "Walk", "layout"]


def layout(read: Callable[[int, int], bytes], size: int) -> Layout:
    """The layout of a file of `size` bytes, of which `read(start, stop)` gives any part.

    Reads some kilobytes, and only where a length is unknown the samples themselves. Raises
    UnreadableAudio for what is no WAV file or holds no audio; what `read` raises passes through.
    """
    walk = Walk()
    walk.end(size)
    begin, held = 0, b""
    while walk.wants is not None:
        offset, count = walk.wants
        stop = min(offset + count, size)
        if offset < begin or stop > begin + len(held):
            # Twice as much as wanted, so that walking on through it costs no second read.
            begin = offset
            held = read(offset, min(offset + max(2 * count, 4096), size)) if offset < size else b""
        walk.give(held[offset - begin : max(stop - begin, 0)])
    return walk.layout()
