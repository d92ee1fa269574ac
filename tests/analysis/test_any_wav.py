"""Whatever WAV bytes come, in whatever pieces: all of them are archived, or the reason is given."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.errors import UnreadableAudio
from tests.analysis.calls import passed
from tests.analysis.waves import FLOAT, MU_LAW, PCM, chunk, extensible_chunk, format_chunk, riff

RATE = 8000
LIST = chunk(b"LIST", b"INFOISFT\x04\0\0\0sox\0")


def keyed(seconds: float = 3.0, at: float = 2.0) -> np.ndarray:
    """A quiet line, (frames,), full scale 1.0, with one key pressed for 150 ms."""
    time = np.arange(round(seconds * RATE)) / RATE
    line = np.random.default_rng(8).standard_normal(len(time)) * 0.002
    tone = 0.2 * (np.sin(2 * np.pi * 770 * time) + np.sin(2 * np.pi * 1336 * time))
    pressed = (time >= at) & (time < at + 0.15)
    return np.where(pressed, line + tone, line)


DATA = (keyed() * 32767).astype("<i2").tobytes()
FORMAT = format_chunk(channels=1)


def big_endian() -> bytes:
    data = (keyed() * 32767).astype(">i2").tobytes()
    fmt = b"fmt \0\0\0\x10" + b"\0\1\0\1" + (8000).to_bytes(4) + (16000).to_bytes(4) + b"\0\2\0\x10"
    body = b"WAVE" + fmt + b"data" + len(data).to_bytes(4) + data
    return b"RIFX" + len(body).to_bytes(4) + body


def wide() -> bytes:
    """24 bits in the upper three of four bytes."""
    data = ((keyed() * 2**31).astype("<i4") & ~0xFF).tobytes()
    return riff(format_chunk(PCM, 1, RATE, 24, align=4), chunk(b"data", data))


DIRTY = {
    "canonical": riff(FORMAT, chunk(b"data", DATA)),
    "two files joined": riff(FORMAT, chunk(b"data", DATA[:9600]))
    + riff(FORMAT, chunk(b"data", DATA)),
    "two data chunks": riff(FORMAT, chunk(b"data", DATA[:9600]), chunk(b"data", DATA), size=9636),
    "stale lengths": riff(FORMAT, chunk(b"data", DATA, 8000), size=8036),
    "streamed, then LIST": riff(FORMAT, chunk(b"data", DATA, 0xFFFFFFFF), LIST, size=0xFFFFFFFF),
    "length zero, then a large tag": riff(
        FORMAT, chunk(b"data", DATA, 0), chunk(b"id3 ", b"ID3\3" + bytes(900_001)), size=0
    ),
    "unpadded odd LIST": riff(FORMAT, chunk(b"LIST", b"INFOodd", pad=False), chunk(b"data", DATA)),
    "a tag in front": b"ID3\3\0\0\0\0\x20\0" + bytes(4096) + riff(FORMAT, chunk(b"data", DATA)),
    "a tag and rubbish in front": b"ID3\3\0\0\0\0\x20\0"
    + bytes(4096)
    + b"\1\2\3" * 5
    + riff(FORMAT, chunk(b"data", DATA)),
    "rubbish in front": b"\1\2\3" * 500 + riff(FORMAT, chunk(b"data", DATA)),
    "extensible": riff(extensible_chunk(1), chunk(b"data", DATA)),
    "big-endian": big_endian(),
    "24 bits in 4 bytes": wide(),
    "float": riff(
        format_chunk(FLOAT, 1, RATE, 32), chunk(b"data", keyed().astype("<f4").tobytes())
    ),
    "mu-law in front, 16 bits behind": riff(
        format_chunk(MU_LAW, 1, RATE, 8), chunk(b"data", b"\xff" * 8000)
    )
    + riff(FORMAT, chunk(b"data", DATA)),
}


@pytest.mark.parametrize("recording", DIRTY.values(), ids=DIRTY)
def test_the_digit_is_found_and_muted_in_the_archive_and_no_other_byte_changes(recording):
    report, archived = passed(recording, block=5000)
    assert sum(len(one.tones) for one in report.participants) == 1
    assert len(archived) == len(recording)
    changed = [at for at in range(len(recording)) if recording[at] != archived[at]]
    (start, stop), *more = report.redaction.intervals
    assert not more and stop - start < 0.5
    assert changed[-1] - changed[0] <= (stop - start) * RATE * 4 + 8
    again, unchanged = passed(archived)
    assert sum(len(one.tones) for one in again.participants) == 0
    assert unchanged == archived
    assert again.duration_seconds == report.duration_seconds


@pytest.mark.parametrize("recording", DIRTY.values(), ids=DIRTY)
@pytest.mark.parametrize("block", [100, 60_000])
def test_the_pieces_change_neither_figures_nor_archive(recording, block):
    whole, archived = passed(recording, block=len(recording))
    pieces, same = passed(recording, block=block)
    assert pieces.as_result() == whole.as_result()
    assert same == archived


PIECES = st.sampled_from(
    [
        FORMAT,
        LIST,
        chunk(b"data", DATA[:4000]),
        chunk(b"data", DATA[:4000], 0xFFFFFFFF),
        riff(format_chunk(MU_LAW, 2, 16000, 8), chunk(b"data", bytes(range(256)) * 8)),
        riff(format_chunk(0x31, 1, RATE, 0, align=65), chunk(b"data", bytes(650))),
        DATA[:999],
        bytes(300),
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(PIECES, st.binary(max_size=30)), max_size=6), st.integers(50, 5000))
def test_every_byte_is_archived_or_the_reason_given(parts, block):
    recording = riff(FORMAT, *parts, size=0)
    try:
        report, archived = passed(recording, block=block)
    except UnreadableAudio:
        return
    assert len(archived) == len(recording)
    assert report.duration_seconds > 0
    if not report.redaction.intervals:
        assert archived == recording
