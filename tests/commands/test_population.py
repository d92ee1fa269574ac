"""The invented recordings of a demonstration: the same by seed, real, and in no other archive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from addon.archive.archive import Archive
from addon.call_facts import facts_of
from addon.commands import population
from addon.commands.demo import SAMPLE
from addon.commands.population import DAYS, INSTALLS, Population, plan
from addon.errors import SettingsError
from addon.settings import Settings
from tests.playback.sounds import archived

NOW = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)


def test_the_same_seed_gives_the_same_population():
    assert plan(50, 1, NOW) == plan(50, 1, NOW)
    assert plan(50, 1, NOW) != plan(50, 2, NOW)


def test_calls_are_of_the_last_days_and_mostly_of_business_hours():
    planned = plan(300, 1, NOW)
    assert len({each.recording_sid for each in planned}) == 300
    assert all(timedelta() < NOW - each.started_at < timedelta(days=DAYS + 7) for each in planned)
    assert all(8 <= each.started_at.hour < 19 for each in planned)
    weekend = sum(each.started_at.weekday() > 4 for each in planned)
    assert weekend < 300 / 7
    assert {each.install for each in planned} == set(INSTALLS)
    assert {"failed", "withheld"} <= {each.kind for each in planned}
    legs = [each for each in planned if each.call_sid == planned[0].call_sid]
    assert len(legs) == 3
    assert len({each.started_at for each in legs}) == 3


def test_agents_differ_in_their_figures(settings: Settings):
    voices = Population(settings, SAMPLE.read_bytes())._voices
    made = {each.agent.name: len(voices.call(each)) for each in plan(20, 1, NOW)}
    assert len(made) > 3
    assert min(made.values()) > 16_000


def test_a_population_is_archived_encrypted_signed_and_playable(settings: Settings):
    planned = plan(6, 1, NOW)
    work = Population(settings, SAMPLE.read_bytes())
    assert list(work.write(planned)) == planned
    archive = Archive.from_settings(settings)
    for each in planned:
        manifest = archive.manifest(each.install, each.recording_sid)
        sound = b"".join(archive.open(each.install, each.recording_sid).read())
        document = archive.analysis(each.install, each.recording_sid)
        facts = facts_of(document)
        assert manifest.at == each.started_at
        assert (facts["agent"], facts["queue"]) == (each.agent.name, each.agent.queue)
        if each.kind == "failed":
            assert document["status"] == "failed" and document["message"]
        else:
            assert sound[:4] == b"RIFF"
            seconds = document["result"]["audio"]["duration_seconds"]
            assert seconds == pytest.approx((len(sound) - 58) / 16_000, abs=0.001)
            assert manifest.facts.redaction == (
                "incomplete" if each.kind == "withheld" else "complete"
            )


def test_a_second_run_leaves_what_is_there(settings: Settings):
    planned = plan(2, 1, NOW)
    list(Population(settings, SAMPLE.read_bytes()).write(planned))
    archive = Archive.from_settings(settings)
    before = archive.manifest(planned[0].install, planned[0].recording_sid).written_at
    said: list[str] = []
    population.populate(settings, SAMPLE.read_bytes(), 2, 1, said.append)
    assert archive.manifest(planned[0].install, planned[0].recording_sid).written_at == before
    assert said[-1] == "  2 of 2 archived"


def test_an_archive_that_holds_anything_else_is_left_alone(settings: Settings):
    archive = Archive.from_settings(settings)
    archived(archive, b"somebody's", recording_id="REcustomer")
    with pytest.raises(SettingsError, match="no demonstration"):
        list(Population(settings, SAMPLE.read_bytes()).write(plan(2, 1, NOW)))
    for install in INSTALLS:
        assert not list(archive.store.list(f"recordings/{install}/"))


def test_a_bucket_is_left_alone(settings: Settings):
    bucket = settings.replace(archive_url="s3://customer/prefix")
    with pytest.raises(SettingsError, match="folder of this machine"):
        Population(bucket, SAMPLE.read_bytes()).require_own_archive()
