"""Key tones on dirty lines: after muting, no reader of others finds a digit in the archive."""

import io
from functools import cache

import numpy as np
import pytest
import soundfile

from tests.analysis import key_readers, keys
from tests.analysis.calls import RATE, passed, wav

#: A card by a machine, a card by hand, a PIN, and one press alone.
ROWS = {
    "a card": keys.row(),
    "a card by hand": keys.by_hand("378282246310005", seed=3),
    "a PIN": keys.row("9024", on=0.15, off=0.35),
    "one press": keys.row("5", on=0.08),
}
#: The vocoder is so coarse that a press alone may window like a voice; a row does not.
COARSE = "Speex at 3.95 kbit/s"
#: Lines on which a machine's row is counted to the digit.
EXACT = [
    name
    for name in keys.LINES
    if "equal" not in name and "Speex" not in name and "speech" not in name
] + ["car noise equal", "pink noise equal"]


def on_line(name: str, row: keys.Row) -> np.ndarray:
    try:
        return np.asarray(keys.LINES[name](row.samples), np.float32)
    except FileNotFoundError as missing:
        pytest.skip(f"{missing.filename} is not installed")


@cache
def through(name: str, kind: str) -> tuple[keys.Row, np.ndarray, int]:
    """The row, what the archive holds of it, and how many keys were counted."""
    row = ROWS[kind]
    report, archived = passed(wav(on_line(name, row)[None]))
    kept, _ = soundfile.read(io.BytesIO(archived), dtype="float32")
    return row, kept, len(report.participants[0].tones)


def muted_rows(name: str) -> list[tuple[keys.Row, np.ndarray, int]]:
    kinds = ["a card"] if name == COARSE else list(ROWS)
    return [through(name, kind) for kind in kinds]


@pytest.mark.parametrize("name", keys.LINES)
def test_no_key_can_be_read_after_muting(name):
    for row, kept, _ in muted_rows(name):
        spans = zip(row.spans, row.digits, strict=True)
        assert not [digit for span, digit in spans if key_readers.shows_key(kept, span, digit)]


@pytest.mark.skipif(not key_readers.has_multimon(), reason="multimon-ng is not installed")
@pytest.mark.parametrize("name", keys.LINES)
def test_multimon_reads_nothing_after_muting(name):
    for _, kept, _ in muted_rows(name):
        assert key_readers.multimon(kept) == ""
        assert key_readers.multimon(key_readers.band_passed(kept)) == ""


@pytest.mark.parametrize("name", ["hum of 50 Hz 10 dB above", "pink noise equal", "speech equal"])
def test_the_reader_finds_the_keys_that_are_not_muted(name):
    row = ROWS["a card"]
    heard = on_line(name, row)
    spans = zip(row.spans, row.digits, strict=True)
    assert sum(key_readers.shows_key(heard, span, digit) for span, digit in spans) >= 15


@pytest.mark.parametrize("name", EXACT)
def test_a_card_dialled_by_a_machine_is_counted_to_the_digit(name):
    row, _, counted = through(name, "a card")
    assert counted == len(row.digits)


def test_a_press_alone_in_noise_is_muted_but_not_counted():
    _, kept, counted = through("pink noise equal", "one press")
    assert counted == 0
    assert not kept[round(1.45 * RATE) : round(1.63 * RATE)].any()


@pytest.mark.parametrize("name", ["clean", "hum of 50 Hz 10 dB above", "tones at -46 dBFS"])
def test_what_lies_apart_from_the_keys_is_not_muted(name):
    row, kept, _ = through(name, "a card")
    sent = soundfile.read(io.BytesIO(wav(on_line(name, row)[None])), dtype="float32")[0]
    until, since = round((row.spans[0][0] - 0.15) * RATE), round((row.spans[-1][1] + 0.15) * RATE)
    assert np.array_equal(kept[:until], sent[:until])
    assert np.array_equal(kept[since:], sent[since:])


@pytest.mark.parametrize("rate", [16000, 44100])
def test_keys_at_other_rates_are_muted(rate):
    soxr = pytest.importorskip("soxr")
    row = ROWS["a card"]
    sent = soxr.resample(on_line("hum of 50 Hz 10 dB above", row), RATE, rate)
    _, archived = passed(wav(sent[None], rate))
    kept, _ = soundfile.read(io.BytesIO(archived), dtype="float32")
    back = soxr.resample(kept, rate, RATE)
    spans = zip(row.spans, row.digits, strict=True)
    assert not [digit for span, digit in spans if key_readers.shows_key(back, span, digit)]


@pytest.mark.parametrize("channels", [2, 4])
def test_keys_on_any_channel_are_muted_on_all(channels):
    row = ROWS["a card by hand"]
    sent = np.tile(keys.noise(len(row.samples), 1, -50), (channels, 1))
    sent[channels - 1] += on_line("hum of 50 Hz 10 dB above", row)
    _, archived = passed(wav(sent))
    kept, _ = soundfile.read(io.BytesIO(archived), dtype="float32")
    for start, stop in row.spans:
        assert not kept[round(start * RATE) : round(stop * RATE)].any()


@pytest.mark.parametrize("seconds", [0.03, 0.05])
def test_a_key_that_the_ends_of_the_recording_cut_is_muted(seconds):
    tone = keys.press("7", seconds, -20)
    sent = np.concatenate([tone, np.zeros(2 * RATE, np.float32), tone])
    sent += keys.hum(len(sent), 50).astype(np.float32)
    _, archived = passed(wav(sent[None]))
    kept, _ = soundfile.read(io.BytesIO(archived), dtype="float32")
    assert not kept[: len(tone)].any()
    assert not kept[-len(tone) :].any()


def test_a_key_over_the_border_of_two_blocks_is_muted():
    row = keys.row("58", on=0.1, off=0.1, margin=63.94)
    sent = row.samples + keys.noise(len(row.samples), 1, keys.LEVEL_DB)
    _, archived = passed(wav(sent[None]))
    kept, _ = soundfile.read(io.BytesIO(archived), dtype="float32")
    for start, stop in row.spans:
        assert not kept[round(start * RATE) : round(stop * RATE)].any()
