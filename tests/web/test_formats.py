"""How numbers, times and names are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from addon.web import formats

MOMENT = datetime(2026, 3, 4, 1, 2, 3, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (0, "0:00"), (59.9, "0:59"), (83.4, "1:23"), (3723, "1:02:03")],
)
def test_clock(seconds, text):
    assert formats.clock(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((None, "unknown"), (0, "0.0 s"), (3.44, "3.4 s"), (59.6, "1 min"), (83.4, "1 min 23 s")),
        (7384, "2 h 3 min 4 s"),
    ],
)
def test_spoken(seconds, text):
    assert formats.spoken(seconds) == text


def test_times_are_utc():
    assert formats.day(MOMENT) == "Tuesday 3 March 2026"
    assert formats.minute(MOMENT) == "23:02"
    assert formats.iso(MOMENT) == "2026-03-03T23:02:03+00:00"
    assert formats.moment(MOMENT) == "3 Mar 2026, 23:02 UTC"
    assert formats.moment(MOMENT.isoformat()) == formats.moment(MOMENT.astimezone(UTC))


def test_a_sid_keeps_both_its_ends():
    assert formats.short("RE" + "ab" * 16) == "REabab…abab"
    assert formats.short("RE123") == "RE123"


def test_sizes_percentages_and_rates():
    assert [formats.size(n) for n in (999, 117_868, 4_832_044)] == ["999 bytes", "118 kB", "4.8 MB"]
    assert [formats.percent(n) for n in (None, 44.6)] == ["–", "45 %"]
    assert [formats.hertz(n) for n in (8000, 22050)] == ["8 kHz", "22.05 kHz"]


def test_every_flag_of_the_analysis_has_a_name():
    from addon.web.formats import FLAGS

    assert all(name and text for name, text in FLAGS.values())
    assert formats.flag_name("low_snr") == "Noisy"
    assert formats.flag_name("of_another_release") == "Of another release"
    assert formats.flag_text("of_another_release") == ""


def test_a_rules_flag_is_shown_by_the_rules_name():
    assert formats.flag_name("rule:price_objection") == "Price objection"
    assert formats.flag_text("rule:price_objection") == "A rule of this install raises it."
