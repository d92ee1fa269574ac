"""Endpoints come and go on record; one that cannot be put on record is not there."""

from __future__ import annotations

import pytest

from addon.archive.access_log import AccessLog
from addon.errors import StoreUnavailable
from addon.webhooks.changes import WEBHOOKS, EndpointChanges
from addon.webhooks.events import TYPES

INSTALL = "XD" + "1" * 32
URL = "https://hooks.example.com/a-path-that-is-secret"


def test_who_created_and_removed_an_endpoint_is_on_record_without_its_path(endpoints, services):
    access_log = AccessLog(services.store)
    changes = EndpointChanges(endpoints, access_log, "API token crm")
    made = changes.create(INSTALL, URL, TYPES, "")
    changes.remove(made)
    events = list(access_log.events(INSTALL, WEBHOOKS))
    assert [one["event"] for one in events] == ["webhook_created", "webhook_removed"]
    for one in events:
        assert (one["by"], one["endpoint"]) == ("API token crm", made.id)
        assert one["host"] == "https://hooks.example.com"
        assert "secret" not in str(one)
    assert list(endpoints.of(INSTALL)) == []


def test_without_the_access_log_nothing_is_created_or_removed(endpoints, services):
    class Away(AccessLog):
        def record(self, *_: object, **__: object) -> None:
            raise StoreUnavailable("away")

    changes = EndpointChanges(endpoints, Away(services.store), "API token crm")
    with pytest.raises(StoreUnavailable):
        changes.create(INSTALL, URL, TYPES, "")
    assert list(endpoints.of(INSTALL)) == []
    made = endpoints.create(INSTALL, URL)
    with pytest.raises(StoreUnavailable):
        changes.remove(made)
    assert endpoints.get(INSTALL, made.id).endpoint == made
