"""`flask flex` as an operator types it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner, Result

from addon.commands import flex as flex_commands
from addon.commands.flex import flex_cli
from addon.requests import scheduling
from addon.settings import DELETE_AT_SOURCE_FLOOR_S
from tests.conftest import ACCOUNT
from tests.twilio.standin import EPOCH, error
from tests.workers.flexing import flex
from workers.flex_backfill import Backfill
from workers.flex_deletion import Plan, delete_due

__all__ = ["flex"]


@pytest.fixture
def run(flex, monkeypatch):
    """Types a command; the settings are those of the scene."""
    monkeypatch.setattr(flex_commands.Settings, "load", lambda: flex.settings)

    def typed(*words: str) -> Result:
        return CliRunner().invoke(flex_cli, list(words))

    return typed


def last(answer: Result) -> str:
    """The answer itself; what is logged before it goes to standard error in a real shell."""
    return answer.stdout.splitlines()[-1]


def test_reconcile_says_what_it_found(flex, run):
    now = datetime.now(UTC) - timedelta(hours=1)
    recording = flex.record(1, date_created=f"{now:%a, %d %b %Y %H:%M:%S} +0000", start_time=None)
    answer = run("reconcile")
    assert (answer.exit_code, last(answer)) == (0, "1 listed, 1 picked up")
    assert list(flex.services.intake_store.waiting()) == [recording]
    assert last(run("reconcile")) == "1 listed, 0 picked up"


def test_backfill_takes_up_a_range_and_shows_how_far_it_is(flex, run):
    flex.record(1, b"RIFF")
    flex.record(60 * 24 * 3, b"RIFF")
    answer = run("backfill", "--from", "2026-03-04", "--to", "2026-03-05", "--rate", "100")
    assert answer.exit_code == 0, answer.output
    assert last(answer) == "1 listed, 1 taken up, done"
    assert "1 listed" in answer.stderr
    assert flex.services.dispatcher.depths()[scheduling.BACKFILL] == 1
    again = run("backfill", "--from", "2026-03-04", "--to", "2026-03-05")
    assert last(again) == "1 listed, 1 taken up, done"
    anew = run("backfill", "--from", "2026-03-04", "--to", "2026-03-05", "--restart")
    assert last(anew) == "1 listed, 0 taken up, done"


def test_without_an_end_it_ends_today(flex, run):
    flex.record(1, b"RIFF")
    assert run("backfill", "--from", "2026-03-04T00:00:00+02:00").exit_code == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--from", "yesterday"], "is no date"),
        (["--from", "2026-03-05", "--to", "2026-03-04"], "--to must lie after --from"),
        (["--to", "2026-03-04"], "--from"),
    ],
)
def test_a_wrong_range_is_explained(run, words, says):
    answer = run("backfill", *words)
    assert answer.exit_code != 0
    assert says in answer.stderr


def test_twilio_refusing_is_a_sentence_and_no_traceback(flex, run):
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Recordings.json"
    flex.twilio.trouble[path] = [error(401, 20003)]
    answer = run("reconcile")
    assert answer.exit_code == 1
    assert "401" in answer.stderr
    assert "Traceback" not in answer.output


def test_status_shows_what_waits_and_what_is_held_back_and_why(flex, run):
    assert "never" in run("status").stdout
    assert "off: nothing is deleted" in run("status").stdout
    flex.configure(delete_at_source_after_s=DELETE_AT_SOURCE_FLOOR_S)
    first, second = flex.record(1), flex.record(2)
    for recording in (first, second):
        flex.announce(recording)
        flex.work(recording)
    flex.reader.erase(ACCOUNT, first, by="test", reason="asked")
    due = datetime.now(UTC) + timedelta(hours=3)
    flex.services.store.put(Plan(ACCOUNT, "RE" + "9" * 32, due).key, [b"{}"])
    delete_due(flex.services, datetime.now(UTC) + timedelta(hours=2.5))
    next(iter(Backfill(flex.services, EPOCH, EPOCH + timedelta(days=1), rate=100).run()))
    run("reconcile")
    lines = run("status").stdout.splitlines()
    assert "never" not in lines[0]
    assert any(line.startswith("Backfill 20260304T101530Z") for line in lines)
    assert "Deletion at Twilio is on; 1 waiting, 1 held back" in lines
    assert any(f"not before {due:%Y-%m-%d %H:%M}" in line for line in lines)
    assert any(first in line and "held: " in line for line in lines)
    document = json.loads(run("status", "--json").stdout)
    assert document["deletes_at_source"] and document["looked_until"]
    assert [each["recording"] for each in document["deletions_waiting"]] == ["RE" + "9" * 32]
    assert [each["recording"] for each in document["deletions_held"]] == [first]
    assert document["deletions_held"][0]["reason"]
