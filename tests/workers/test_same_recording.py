"""Two requests for the same recording at once: each is archived and answered with its result."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from addon.archive.archive import Archive
from addon.archive.deposit import Deposit
from addon.settings import Settings
from tests.web.requests import INSTALL
from tests.workers.test_planted_in_redis import Leader, answered, worked
from workers import process

OWN = "RE" + "5d" * 16


@pytest.fixture
def reader(settings: Settings) -> Archive:
    return Archive.from_settings(settings)


def interrupting(monkeypatch: pytest.MonkeyPatch, name: str, happening: Callable[[], None]) -> None:
    """Have something happen once, before a step of the first deposit that gets there."""
    real, due = getattr(Deposit, name), [happening]

    def step(*args, **kwargs):
        if due:
            due.pop()()
        return real(*args, **kwargs)

    monkeypatch.setattr(Deposit, name, step)


@pytest.mark.parametrize("step", ["audio", "compare", "analysis", "commit", "_publish"])
def test_one_that_began_before_the_other_wrote_is_refused_once_and_no_more(
    accept, as_worker, reader, monkeypatch, step
):
    first, second = accept(recording_sid=OWN), accept(recording_sid=OWN)
    interrupting(monkeypatch, step, lambda: process.process(second.sid))
    monkeypatch.setattr(process, "STORE_PAUSE_S", 0.0)
    lead, rounds = Leader(as_worker), 0
    process.process(first.sid)
    while any(map(as_worker.intake_store.is_waiting, (first.sid, second.sid))):
        rounds += 1
        assert rounds < 5, "they keep each other from the archive"
        lead(1)
        worked(as_worker)
    answered(as_worker, first, second)
    found = {reader.manifest(INSTALL, name).facts.request_sid for name in _names(reader)}
    assert found == {first.sid, second.sid}


def _names(reader: Archive) -> list[str]:
    return [entry.recording_id for entry in reader.list(INSTALL).entries]
