"""The end of a request: its intake goes only when the archive has what its manifest says."""

from __future__ import annotations

from tests.web.requests import INSTALL
from workers import process
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
