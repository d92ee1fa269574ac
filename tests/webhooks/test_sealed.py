"""Documents of webhooks: bound to their place, absent where they are not ours."""

from __future__ import annotations

import pytest

from addon.webhooks.endpoints import Health
from addon.webhooks.sealed import SealedDocuments

HEALTH = Health("2026-11-26T09:00:00.000+00:00", None, "It answered 500.")
KEY = "webhook-health/XD1/whk_1"


@pytest.fixture
def documents(settings, services) -> SealedDocuments:
    return SealedDocuments.from_settings(settings, services.store)


def test_a_document_is_read_as_it_was_written(documents):
    documents.put(KEY, HEALTH)
    assert documents.get(Health, KEY) == HEALTH
    assert documents.get(Health, f"{KEY}2") is None


def test_it_is_written_over(documents):
    documents.put(KEY, Health())
    documents.put(KEY, HEALTH)
    assert documents.get(Health, KEY) == HEALTH


def test_changed_moved_or_of_another_key_it_is_none(documents, settings, services):
    documents.put(KEY, HEALTH)
    content = services.store.get(KEY)
    services.store.put(f"{KEY}2", [content])
    services.store.put(f"{KEY}3", [content[:-1] + bytes([content[-1] ^ 1])])
    assert documents.get(Health, f"{KEY}2") is None
    assert documents.get(Health, f"{KEY}3") is None
    stranger = settings.replace(intake_key=(b"x" * 32,), control_keys=())
    assert SealedDocuments.from_settings(stranger, services.store).get(Health, KEY) is None


def test_a_worker_opens_what_the_web_wrote_and_holds_no_more_keys_for_it(
    documents, settings, services
):
    documents.put(KEY, HEALTH)
    worker = SealedDocuments.from_settings(settings.for_worker(), services.store)
    assert worker.get(Health, KEY) == HEALTH
