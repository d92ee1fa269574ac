"""Bytes through the delay line: all of them, in order, soon, and in constant memory."""

import io

import pytest

from addon.analysis import Options, RecordingPass
from addon.analysis.intake import WaveIntake
from addon.audio.old_wav import parse
from tests.analysis.calls import converse, passed, wav

MINUTE = 60 * 8000 * 4


@pytest.fixture(scope="module")
def recording() -> bytes:
    return wav(converse(300, 3).samples)


@pytest.mark.parametrize("block", [333, 65536, 1 << 21, 1 << 30])
def test_returns_every_byte(recording, block):
    report, archived = passed(recording[: 2 * MINUTE], block=max(block, 3000))
    assert archived == recording[: 2 * MINUTE]
    assert report.duration_seconds == pytest.approx(120, abs=0.01)


def test_holds_back_about_a_minute_however_long_the_recording(recording):
    one = RecordingPass(Options(), spool=io.BytesIO)
    fed = released = furthest = 0
    for at in range(0, len(recording), 65536):
        block = recording[at : at + 65536]
        fed += len(block)
        released += len(one.feed(block))
        furthest = max(furthest, fed - released)
    assert furthest < 2.2 * MINUTE
    assert released > 2 * MINUTE


def test_without_redaction_bytes_leave_as_soon_as_they_are_measured(recording):
    one = RecordingPass(Options(redact_dtmf=False), spool=io.BytesIO)
    held = len(recording) - len(one.feed(recording))
    assert held < 4 * 2**18 + 44


def test_block_sizes_do_not_change_the_figures(recording):
    start = recording[: 80 * 32_000]
    whole, _ = passed(start, block=len(start))
    pieces, _ = passed(start, block=4321)
    assert whole.as_result() == pieces.as_result()


def test_a_kind_that_needs_a_decoder_is_not_read_in_place():
    gsm = parse(wav(converse(10, 1).samples[:1], subtype="GSM610"))
    with pytest.raises(ValueError, match="plain samples"):
        WaveIntake(gsm, redact=True)
