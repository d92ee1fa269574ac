"""The check of the access log: each way in which somebody can change or remove events."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from addon.archive.access_log import KIND, AccessLog
from addon.archive.access_log_check import AccessLogCheck, EventFinding
from addon.archive.directory import DirectoryStore
from addon.archive.prefixes import AUDIT, AUDIT_HEADS
from addon.archive.signed_documents import DocumentSigner
from addon.errors import StoreUnavailable

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY = b"k" * 32


@pytest.fixture
def signer() -> DocumentSigner:
    return DocumentSigner([KEY])


def record(log: AccessLog, number: int, recording: str = "RE1", **options: Any) -> None:
    at = AT + timedelta(seconds=number)
    log.record("XD1", recording, "heard", {"number": number}, at=at, **options)


@pytest.fixture
def filled(directory: DirectoryStore, signer: DocumentSigner) -> DirectoryStore:
    """Six events of two processes about two recordings."""
    for first in (0, 3):
        log = AccessLog(directory, signer)
        for number in range(first, first + 3):
            record(log, number, f"RE{1 + number % 2}")
    return directory


def troubles(store: DirectoryStore, signer: DocumentSigner, **options: Any) -> list[EventFinding]:
    findings = AccessLogCheck(store, signer, **options).run()
    return [finding for finding in findings if finding.state != "genuine"]


def keys(store: DirectoryStore) -> list[str]:
    return sorted((stat.key for stat in store.list(AUDIT)), key=lambda key: key.rpartition("/")[2])


def test_what_nobody_touched_is_genuine(filled, signer) -> None:
    assert troubles(filled, signer) == []


@pytest.mark.parametrize("number", range(6))
def test_a_missing_event_shows_and_is_named_where_another_follows(filled, signer, number) -> None:
    key = keys(filled)[number]
    filled.delete(key)
    (finding,) = troubles(filled, signer)
    assert finding.state == "missing"
    assert finding.name == key or number in (2, 5)


@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.replace(b'"number":', b'"numbers":', 1),
        lambda content: content.replace(b"heard", b"noted"),
        lambda content: content[: len(content) // 2],
        lambda content: b"[]",
    ],
)
def test_a_changed_event_shows(filled, signer, number, change: Callable[[bytes], bytes]) -> None:
    key = keys(filled)[number]
    filled.put(key, [change(filled.get(key))], if_absent=False)
    assert ("bad", key) in [finding[:2] for finding in troubles(filled, signer)]


def test_an_event_put_into_another_place_shows(filled, signer) -> None:
    key = keys(filled)[0]
    moved = key.replace("RE1", "RE9")
    filled.put(moved, [filled.get(key)])
    assert [finding[:2] for finding in troubles(filled, signer)] == [("bad", moved)]


def test_a_missing_head_shows(filled, signer) -> None:
    (head, _) = (stat.key for stat in filled.list(AUDIT_HEADS))
    filled.delete(head)
    assert [finding[:2] for finding in troubles(filled, signer)] == [("missing", head)]


def test_a_whole_recordings_log_removed_shows(filled, signer) -> None:
    gone = [key for key in keys(filled) if "/RE2/" in key]
    for key in gone:
        filled.delete(key)
    assert [finding.state for finding in troubles(filled, signer)] == ["missing"] * len(gone)


def test_only_heads_kept_elsewhere_show_what_an_older_head_hides(directory, signer) -> None:
    log = AccessLog(directory, signer)
    record(log, 0)
    (head,) = (stat.key for stat in directory.list(AUDIT_HEADS))
    older = directory.get(head)
    record(log, 1)
    check = AccessLogCheck(directory, signer)
    assert [finding.state for finding in check.run()] == ["genuine"] * 2
    directory.delete(keys(directory)[1])
    directory.put(head, [older], if_absent=False)
    assert troubles(directory, signer) == [], "said in decision 0508"
    (finding,) = troubles(directory, signer, known=check.heads)
    assert finding.state == "missing"


def test_events_of_the_last_release_are_named_as_unsigned(filled, signer) -> None:
    key = f"{AUDIT}XD1/RE1/20250101T000000.000000Z-00000000.json"
    filled.put(key, [json.dumps({"at": AT.isoformat(), "event": "heard"}).encode()])
    assert [finding[:2] for finding in troubles(filled, signer)] == [("unsigned", key)]
    until = DocumentSigner([KEY], unsigned_until=datetime.max.replace(tzinfo=UTC))
    assert [finding[:2] for finding in troubles(filled, until)] == [("unsigned", key)]


def test_an_event_that_the_store_refused_is_not_missing(directory, signer, monkeypatch) -> None:
    log = AccessLog(directory, signer)
    record(log, 0)
    with monkeypatch.context() as patch:

        def away(*_: object, **__: object) -> None:
            raise StoreUnavailable("away")

        patch.setattr(directory, "put", away)
        with pytest.raises(StoreUnavailable):
            record(log, 1)
    record(log, 2)
    assert troubles(directory, signer) == []


def test_an_event_whose_answer_was_lost_decides_nothing_about_the_one_before(
    directory, signer
) -> None:
    """Two at once: the store refused the first, and took the second without saying so. Both numbers
    are given again, and what was taken names an event that is nowhere."""
    log = AccessLog(directory, signer)
    record(log, 0)
    lost, taken = (f"{AUDIT}XD1/RE1/20261121T13000{n}.000000Z-00000000.json" for n in range(2))
    document = {"at": AT.isoformat(), "event": "heard"}
    first, _ = log._chain.add(lost, document, lambda it: signer.sign(KIND, lost, it))
    second, content = log._chain.add(taken, document, lambda it: signer.sign(KIND, taken, it))
    directory.put(taken, [content])
    log._chain.refused(first)
    log._chain.refused(second)
    record(log, 1)
    record(log, 2)
    record(log, 3)
    assert troubles(directory, signer) == []
    genuine = [key for key in keys(directory) if key != taken]
    directory.delete(genuine[2])
    assert [each.state for each in troubles(directory, signer)] == ["bad"], "it stands for no other"


def test_eight_threads_of_two_writers_in_any_weather_leave_no_trouble(
    directory, signer, monkeypatch
) -> None:
    """The store refuses some, takes others although it says no, and the clock jumps about."""
    put, chance = directory.put, random.Random(7)

    def troubled(key: str, blocks: Iterable[bytes], **options: Any) -> Any:
        fate = chance.random()
        if key.startswith(AUDIT) and fate < 0.2:
            raise StoreUnavailable("refused")
        stat = put(key, blocks, **options)
        if key.startswith(AUDIT) and fate < 0.3:
            raise StoreUnavailable("taken, but the answer was lost")
        return stat

    def write(log: AccessLog) -> None:
        for _ in range(20):
            at = AT + timedelta(seconds=chance.randint(-9000, 9000))
            with suppress(StoreUnavailable):
                log.record("XD1", "RE1", "heard", {}, at=at, with_head=chance.random() < 0.3)

    logs = [AccessLog(directory, signer) for _ in range(2)]
    with monkeypatch.context() as patch, ThreadPoolExecutor(8) as pool:
        patch.setattr(directory, "put", troubled)
        list(pool.map(write, logs * 4))
    for log in logs:
        record(log, 1)
    assert troubles(directory, signer) == []
    assert len(keys(directory)) > 100


@pytest.mark.parametrize("content", [b"", b"[" * 100_000, b" " * 17_000_000, b"null"], ids=len)
def test_an_event_that_is_none_is_one_finding_and_ends_no_list(filled, signer, content) -> None:
    key = f"{AUDIT}XD1/RE1/20261121T120000.000000Z-00000000.json"
    filled.put(key, [content])
    assert [(each.state, each.name) for each in troubles(filled, signer)] == [("bad", key)]
    log = AccessLog(filled, signer)
    assert sum("trouble" in event for event in log.events("XD1", "RE1")) == 1
    assert log.page("XD1", "RE1", limit=50).events


def test_a_process_that_is_killed_between_event_and_head_leaves_no_trouble(
    directory, signer
) -> None:
    log = AccessLog(directory, signer)
    record(log, 1)
    record(log, 2, with_head=False)
    assert troubles(directory, signer) == []


def test_events_signed_again_with_a_newer_key_are_still_a_chain(filled, signer) -> None:
    newer = DocumentSigner([b"n" * 32, KEY])
    key = keys(filled)[1]
    content = newer.sign(
        "access log event", key, newer.verified("access log event", key, filled.get(key))
    )
    filled.put(key, [content], if_absent=False)
    assert troubles(filled, newer) == []
