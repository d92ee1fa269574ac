"""Rows of the list: figures kept, bars that add up, and recordings that cannot be read."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.archive import manifest
from addon.archive.archive import Archive
from addon.archive.names import Entry, files, ids_prefix
from addon.settings import Settings
from addon.web.recording_rows import RecordingRows, talk_bar, whole_percents
from tests.archive.recordings import RECORDING, TENANT, archived

ENTRY = Entry(TENANT, RECORDING, ids_prefix(RECORDING) + TENANT)


def conversation(**shares: float | None) -> dict[str, Any]:
    given = {
        "agent_talk_percent": 45.0,
        "customer_talk_percent": 30.0,
        "crosstalk_percent": 5.0,
        "silence_percent": 30.0,
    }
    return {"flags": ["clipped"], "conversation": {**given, **shares}}


@pytest.fixture
def archive(settings: Settings) -> Archive:
    return Archive.from_settings(settings)


def test_a_bar_has_every_party_and_adds_up():
    parts = talk_bar(conversation())
    assert [(part.kind, part.start, part.width, part.share) for part in parts] == [
        ("agent", 0.0, 40.0, 40),
        ("both", 40.0, 5.0, 5),
        ("customer", 45.0, 25.0, 25),
        ("silence", 70.0, 30.0, 30),
    ]


@given(agent=st.floats(0, 100), customer=st.floats(0, 100), both=st.floats(0, 100))
def test_whole_shares_of_a_bar_add_up_to_100(agent, customer, both):
    """Agent 45, customer 30, both 5, silence 30 added up to 110 where both counted thrice."""
    whole = agent + customer + both + 1
    widths = [100 * one / whole for one in (agent, customer, both, 1)]
    shares = whole_percents(widths)
    assert sum(shares) == 100
    assert all(abs(share - width) < 1 for share, width in zip(shares, widths, strict=True))


def test_a_mono_bar_has_speech_and_silence():
    mono = conversation(agent_talk_percent=None, customer_talk_percent=None, crosstalk_percent=None)
    assert [(part.label, part.width) for part in talk_bar(mono)] == [
        ("Speech", 70.0),
        ("Silence", 30.0),
    ]


def test_a_silent_bar_is_silence_alone():
    silent = conversation(
        agent_talk_percent=0.0,
        customer_talk_percent=0.0,
        crosstalk_percent=0.0,
        silence_percent=100.0,
    )
    assert [part.kind for part in talk_bar(silent)] == ["silence"]


def test_a_row_holds_what_the_list_shows(archive):
    archived(archive, b"x", analysis={"result": conversation()}, redacted=True)
    (row,) = RecordingRows(archive).of([ENTRY])
    assert (row.recording_id, row.tenant, row.duration) == (RECORDING, TENANT, 7.365)
    assert (row.flags, row.redacted, row.trouble) == (("clipped",), True, None)
    assert f"{row.day(UTC)}" == "2026-11-20"
    assert f"{row.day(ZoneInfo('Europe/Berlin'))}" == "2026-11-21"
    assert row.figure("duration_seconds") == 7.365
    assert row.figure("hold_seconds") is None  # not known is not zero


def test_rows_are_remembered(archive, monkeypatch):
    archived(archive, b"x", analysis={"result": conversation()})
    rows = RecordingRows(archive)
    first = rows.of([ENTRY])
    monkeypatch.setattr(archive, "analysis", None)
    assert rows.of([ENTRY]) == first


def test_a_recording_that_was_erased_meanwhile_is_left_out(archive):
    archived(archive, b"x", analysis={"result": conversation()})
    archive.erase(TENANT, RECORDING, by="test", reason="test")
    assert RecordingRows(archive).of([ENTRY]) == []


def test_what_was_not_analysed_is_shown_without_figures(archive):
    archived(archive, b"x")
    (row,) = RecordingRows(archive).of([ENTRY])
    assert (row.bar, row.trouble) == ((), "not analysed: it was archived as it came")


def test_without_its_key_a_recording_is_shown_without_figures(archive, settings):
    archived(archive, b"x", analysis={"result": conversation()})
    keyless = Archive.from_settings(settings.replace(archive_private_keys=()))
    (row,) = RecordingRows(keyless).of([ENTRY])
    assert (row.bar, row.trouble) == ((), "no key to read it")


def test_a_manifest_that_does_not_hold_is_not_believed(archive):
    archived(archive, b"x", analysis={"result": conversation()})
    key = f"recordings/{TENANT}/{RECORDING}/manifest.json"
    content = archive.store.get(key).replace(b"7.365", b"9.365")
    archive.store.delete(key)
    archive.store.put(key, [content])
    (row,) = RecordingRows(archive).of([ENTRY])
    assert (row.recording_id, row.duration, row.bar) == (RECORDING, None, ())
    assert row.trouble == "the manifest is not what was signed"


@pytest.mark.parametrize(
    "result", [{}, {"flags": []}, {"flags": [], "conversation": None}, {"flags": 1}, []]
)
def test_an_analysis_of_another_form_is_one_row_with_its_trouble(archive, result):
    archived(archive, b"x", analysis={"result": result})
    (row,) = RecordingRows(archive).of([ENTRY])
    assert (row.recording_id, row.duration, row.bar) == (RECORDING, 7.365, ())
    assert row.trouble


def test_a_manifest_of_a_newer_release_is_not_called_forged(archive, monkeypatch):
    archived(archive, b"x", analysis={"result": conversation()})
    monkeypatch.setattr(manifest, "VERSION", 0)
    (row,) = RecordingRows(archive).of([ENTRY])
    assert "version" in row.trouble


def test_one_bad_manifest_is_one_row_with_its_trouble(archive):
    archived(archive, b"x", analysis={"result": conversation()})
    archived(archive, b"x", recording_id="REbad")
    bad = Entry(TENANT, "REbad", ids_prefix("REbad") + TENANT)
    archive.store.put(files(TENANT, "REbad").manifest, [b"junk"], if_absent=False)
    rows = RecordingRows(archive).of([bad, ENTRY])
    assert [(row.recording_id, row.trouble is None) for row in rows] == [
        ("REbad", False),
        (RECORDING, True),
    ]


def test_a_failed_analysis_is_shown_with_its_reason(archive):
    archived(archive, b"x", analysis={"result": None, "message": "This is no audio"})
    (row,) = RecordingRows(archive).of([ENTRY])
    assert (row.bar, row.trouble) == ((), "not analysed: This is no audio")


def test_a_row_has_the_facts_of_its_call(archive):
    call = {"from": "+49301234567", "agent": "Ada", "queue": None, "queue_reason": "Not said."}
    archived(archive, b"x", analysis={"result": conversation(), "call": call})
    (row,) = RecordingRows(archive).of([ENTRY])
    assert (row.call["from"], row.call["agent"], row.call["queue"]) == ("+49301234567", "Ada", None)
    assert row.call["queue_reason"] == "Not said."
