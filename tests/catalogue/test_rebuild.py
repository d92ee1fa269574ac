"""A rebuilt catalogue equals the one that was written live, whatever was lost in between."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pytest

from addon.archive.archive import Archive
from addon.catalogue import Catalogue, Filter, Sort
from addon.catalogue.database import Database, url_of
from addon.catalogue.rebuild import Rebuild
from addon.catalogue.search_tokens import Tokens
from addon.errors import CatalogueUnavailable, KeyMissing
from addon.settings import Settings
from tests.catalogue.conftest import KEY
from tests.catalogue.recordings import contents
from tests.child import Children, KillPoint
from tests.web.requests import INSTALL
from tests.workers.conftest import accept, market  # noqa: F401 - fixtures
from workers import process
from workers import services as services_of_process
from workers.catalogue_check import compare, failure_code
from workers.services import Services

INSTALLS = [INSTALL]


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request, settings: Settings, market) -> Settings:  # noqa: F811 - the fixture
    """A deployment with a catalogue in either database."""
    changes = {
        "callback_hosts": (market.origin,),
        "callback_credentials": {market.origin: market.credentials},
        "media_hosts": (market.origin,),
        "catalogue_key": KEY,
    }
    if request.param == "postgres":
        changes["database_url"] = request.getfixturevalue("postgres")
    return settings.replace(**changes)


@pytest.fixture
def live(as_worker: Services) -> Iterator[Catalogue]:
    """The catalogue that jobs write to."""
    assert as_worker.catalogue.catalogue is not None
    yield as_worker.catalogue.catalogue
    as_worker.catalogue.close()


@pytest.fixture
def rebuild(settings: Settings, as_worker: Services, live: Catalogue) -> Callable[..., list[str]]:
    """Rebuilds with a reader's keys; gives the states of what was found."""
    archive = Archive.from_settings(settings, as_worker.store)

    def run(**how: bool) -> list[str]:
        kept = as_worker.intake_store
        work = Rebuild(archive, live, lambda sid: failure_code(kept, sid))
        return [finding.state for finding in work.run(**how)]

    return run


@pytest.fixture
def calls(accept) -> list[str]:  # noqa: F811 - the fixture
    """Three recordings through the real job: two analysed, one of bytes that nothing reads."""
    sids = []
    for audio in (None, None, b"\x00\x01 no recording at all" * 50):
        exchange = accept(audio)
        process.process(exchange.sid)
        sids.append(exchange.sid)
    return sids


def lose(live: Catalogue, settings: Settings) -> None:
    """The database is gone, with its file or its tables."""
    live.close()
    if settings.database_url is None:
        for one in settings.data_dir.glob("catalogue.sqlite3*"):
            one.unlink()
        return
    from tests.catalogue.postgres import empty

    empty(settings.database_url)


def test_a_rebuild_equals_what_was_written_live(calls, live, rebuild, settings):
    written = contents(live)
    assert len(written["recordings"]) == 3
    states = {one.state for one in live.page(Filter(), Sort(), None, 9, INSTALLS).recordings}
    assert states == {"analysed", "failed"}
    lose(live, settings)
    assert rebuild() == ["whole"] * 3
    assert contents(live) == written
    assert live.status(INSTALLS).compared_at is not None


def test_a_rebuild_over_what_is_there_changes_nothing(calls, live, rebuild):
    written = contents(live)
    assert rebuild() == ["whole"] * 3
    assert contents(live) == written


def test_erased_recordings_go_and_do_not_come_back(calls, live, rebuild, as_worker):
    as_worker.archive.erase(INSTALL, calls[0], by="a test", reason="a test")
    assert len(contents(live)["recordings"]) == 3
    assert rebuild() == ["whole"] * 2
    assert len(contents(live)["recordings"]) == 2
    as_worker.archive.erase(INSTALL, calls[1], by="a test", reason="a test")
    compare(as_worker)
    assert len(contents(live)["recordings"]) == 1


def test_every_token_of_an_erased_recording_goes(calls, live, as_worker):
    for sid in calls:
        as_worker.catalogue.remove(INSTALL, sid)
    assert contents(live) == {"recordings": set(), "tokens": set(), "token_lists": set()}


def test_a_lost_database_is_made_again_and_the_next_comparison_finds_what_is_missing(
    calls, live, rebuild, as_worker, settings
):
    written = contents(live)
    lose(live, settings)
    assert live.status(INSTALLS).compared_at is None
    compare(as_worker)
    status = live.status(INSTALLS)
    assert (status.recordings, status.unknown) == (3, 3)
    assert status.compared_at is not None
    rebuild()
    assert contents(live) == written


def test_an_interrupted_rebuild_goes_on(calls, live, rebuild, settings, monkeypatch):
    monkeypatch.setattr("addon.catalogue.rebuild.AT_ONCE", 1)
    written = contents(live)
    lose(live, settings)
    write, left = live.write, [2]

    def interrupted(rows):
        if not left[0]:
            raise CatalogueUnavailable("gone")
        left[0] -= 1
        write(rows)

    monkeypatch.setattr(live, "write", interrupted)
    with pytest.raises(CatalogueUnavailable):
        rebuild()
    monkeypatch.setattr(live, "write", write)
    assert len(rebuild()) == 1
    assert contents(live) == written
    assert len(rebuild(from_start=True)) == 3


def work(settings: Settings, sid: str) -> None:
    """A worker process with one job."""
    services_of_process._made[os.getpid()] = Services.from_settings(settings.for_worker())
    process.process(sid)


@pytest.mark.parametrize(
    "point",
    [
        KillPoint("addon.catalogue.writer.CatalogueWriter.write", "before"),
        KillPoint("addon.catalogue.writing._insert", "after"),
    ],
    ids=["before the write", "inside its transaction"],
)
def test_after_a_kill_the_recording_comes_with_the_next_comparison(
    point: KillPoint,
    accept,  # noqa: F811 - the fixture
    children: Children,
    settings,
    as_worker,
    live,
    rebuild,
):
    exchange = accept()
    assert children.run(work, settings, exchange.sid, kill=point) == -signal.SIGKILL
    assert contents(live)["recordings"] == set()
    compare(as_worker)
    assert live.status(INSTALLS).unknown == 1
    rebuild()
    rebuilt = contents(live)
    assert live.status(INSTALLS).unknown == 0
    lose(live, settings)
    rebuild()
    assert contents(live) == rebuilt


def test_without_a_key_that_opens_nothing_is_rebuilt(as_worker, live):
    with pytest.raises(KeyMissing):
        Rebuild(as_worker.archive, live, lambda sid: None).require_keys()


def test_another_catalogue_key_is_said_and_a_rebuild_takes_it(calls, live, settings, as_worker):
    other = Catalogue(Database(url_of(settings)), Tokens(b"x" * 32))
    with pytest.raises(CatalogueUnavailable, match="another CATALOGUE_KEY"):
        other.page(Filter(), Sort(), None, 1, INSTALLS)
    archive = Archive.from_settings(settings, as_worker.store)
    assert len(list(Rebuild(archive, other, lambda sid: None).run())) == 3
    assert len(contents(other)["recordings"]) == 3
    other.close()
