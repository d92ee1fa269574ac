"""The end of a request: its intake goes only when the archive has what its manifest says."""

from __future__ import annotations

import pytest

from addon.archive.archive import Archive
from tests.web.requests import INSTALL
from workers import finalise, process
from workers.deliver import deliver


def test_an_intake_is_kept_while_the_archived_object_is_not_what_its_manifest_says(
    accept, as_worker
):
    exchange = accept()
    process.process(exchange.sid)
    key = f"recordings/{INSTALL}/{exchange.sid}/audio.esdk"
    store = as_worker.store
    genuine = store.get(key)
    store.put(key, [genuine[:60] + bytes([genuine[60] ^ 1]) + genuine[61:]], if_absent=False)
    deliver(exchange.sid)
    assert len(exchange.callbacks) == 1
    assert as_worker.intake_store.is_waiting(exchange.sid)
    store.put(key, [genuine], if_absent=False)
    deliver(exchange.sid)
    assert not as_worker.intake_store.is_waiting(exchange.sid)
    assert len(exchange.callbacks) == 1


def test_what_this_process_has_committed_and_nobody_changed_is_not_read_again(
    accept, as_worker, monkeypatch
):
    exchange = accept()
    process.process(exchange.sid)

    def read(*_args):
        raise AssertionError("it was read again")

    monkeypatch.setattr(Archive, "manifest", read)
    deliver(exchange.sid)
    assert not as_worker.intake_store.is_waiting(exchange.sid)


@pytest.mark.parametrize("part", ["audio.esdk", "analysis.esdk", "manifest.json"])
def test_an_intake_is_kept_where_a_part_of_the_recording_is_gone(accept, as_worker, part):
    exchange = accept()
    process.process(exchange.sid)
    as_worker.store.delete(f"recordings/{INSTALL}/{exchange.sid}/{part}")
    deliver(exchange.sid)
    assert len(exchange.callbacks) == 1
    assert as_worker.intake_store.is_waiting(exchange.sid)


def test_what_is_remembered_of_commits_is_bounded():
    for number in range(2 * finalise.REMEMBERED):
        finalise.remember(f"XR{number}", ())
    assert len(finalise._committed) == finalise.REMEMBERED
    finalise._committed.clear()
