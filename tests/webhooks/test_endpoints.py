"""Endpoints in the store: who may be sent to, what is readable there, rotation, health."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from addon.archive.prefixes import WEBHOOK_ENDPOINTS
from addon.errors import InvalidParameter, NotFound, NotStored
from addon.webhooks.endpoints import (
    DISABLED_AFTER,
    MAX_ENDPOINTS,
    TRIES_TO_DISABLE,
    Endpoints,
)
from addon.webhooks.events import TYPES

INSTALL = "XD" + "1" * 32
OTHER = "XD" + "2" * 32
URL = "https://hooks.example.com/a-path-that-is-secret"
NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)


def test_a_new_endpoint_gets_every_event_and_a_secret_of_256_bits(endpoints):
    made = endpoints.create(INSTALL, URL)
    assert made.events == TYPES
    assert made.secret.startswith("whsec_")
    assert len(base64.b64decode(made.secret.removeprefix("whsec_"))) == 32
    assert endpoints.get(INSTALL, made.id).endpoint == made


def test_neither_url_nor_secret_is_readable_in_the_store_or_shown_in_a_traceback(
    endpoints, services
):
    made = endpoints.create(INSTALL, URL, label="crm")
    (stat,) = services.store.list(WEBHOOK_ENDPOINTS)
    content = services.store.get(stat.key)
    for secret in (URL, made.secret, made.secret.removeprefix("whsec_")):
        assert secret.encode() not in content
        assert secret not in repr(made)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "https://elsewhere.example.com/",
        "https://hooks.example.com:8443/",
        "https://hooks.example.com@evil.example/",
        "https://example.org/",
        "https://127.0.0.1/",
        "ftp://hooks.example.com/",
        "hooks.example.com",
        "",
        "https://hooks.example.com/" + "x" * 3000,
    ],
)
def test_a_url_that_is_not_allowed_is_refused(endpoints, url):
    with pytest.raises(InvalidParameter, match="url"):
        endpoints.create(INSTALL, url)
    assert list(endpoints.of(INSTALL)) == []


def test_subdomains_of_a_star_are_allowed(endpoints):
    assert endpoints.create(INSTALL, "https://a.b.example.org/hook")


@pytest.mark.parametrize("events", [[], ["recording.unknown"], ["recording.ready", ""]])
def test_an_unknown_event_is_refused(endpoints, events):
    with pytest.raises(InvalidParameter, match="events"):
        endpoints.create(INSTALL, URL, events)


@pytest.mark.parametrize("install", ["..", "", "a/b", "x" * 70])
def test_an_impossible_install_is_refused(endpoints, install):
    with pytest.raises(NotStored):
        endpoints.create(install, URL)


def test_an_install_has_a_bounded_number_of_endpoints(endpoints):
    for _ in range(MAX_ENDPOINTS):
        endpoints.create(INSTALL, URL)
    with pytest.raises(InvalidParameter, match="install"):
        endpoints.create(INSTALL, URL)
    endpoints.create(OTHER, URL)


def test_an_install_has_its_own_endpoints_alone(endpoints):
    mine, theirs = endpoints.create(INSTALL, URL), endpoints.create(OTHER, URL)
    assert [known.endpoint.id for known in endpoints.of(INSTALL)] == [mine.id]
    assert [known.endpoint.id for known in endpoints.active(OTHER)] == [theirs.id]
    for install, endpoint_id in ((INSTALL, theirs.id), (OTHER, mine.id), ("..", mine.id)):
        with pytest.raises(NotFound):
            endpoints.get(install, endpoint_id)
    # An install whose name is the beginning of another's.
    assert list(endpoints.of(INSTALL[:10])) == []


def test_an_endpoint_that_is_put_in_another_install_s_place_is_none(endpoints, services):
    made = endpoints.create(INSTALL, URL)
    content = services.store.get(made.key)
    services.store.put(f"{WEBHOOK_ENDPOINTS}{OTHER}/{made.id}", [content])
    assert list(endpoints.of(OTHER)) == []


def test_one_that_somebody_planted_is_none(endpoints, services):
    services.store.put(f"{WEBHOOK_ENDPOINTS}{INSTALL}/whk_1", [b'{"url": "https://evil"}'])
    assert list(endpoints.of(INSTALL)) == []


def test_a_removed_endpoint_is_gone_and_its_secret_with_it(endpoints, services):
    made = endpoints.create(INSTALL, URL)
    endpoints.remove(INSTALL, made.id)
    assert list(endpoints.of(INSTALL)) == []
    with pytest.raises(NotFound):
        endpoints.get(INSTALL, made.id)
    with pytest.raises(NotFound):
        endpoints.enable(INSTALL, made.id)


def test_a_rotation_keeps_the_secret_before_for_a_day(endpoints):
    made = endpoints.create(INSTALL, URL)
    rotated = endpoints.rotate(INSTALL, made.id)
    assert rotated.secrets(datetime.now(UTC)) == (rotated.secret, made.secret)
    assert rotated.secrets(datetime.now(UTC) + timedelta(hours=25)) == (rotated.secret,)
    again = endpoints.rotate(INSTALL, made.id)
    assert made.secret not in again.secrets(datetime.now(UTC))


def test_a_disabled_endpoint_takes_nothing_until_it_is_enabled(endpoints):
    made = endpoints.create(INSTALL, URL)
    endpoints.disable(INSTALL, made.id)
    assert endpoints.active(INSTALL) == ()
    assert not endpoints.get(INSTALL, made.id).takes("recording.ready")
    assert endpoints.get(INSTALL, made.id).reason == "A person disabled it."
    endpoints.enable(INSTALL, made.id)
    assert endpoints.get(INSTALL, made.id).takes("recording.ready")


def test_failing_is_noted_once_and_forgotten_with_the_first_success(endpoints):
    made = endpoints.create(INSTALL, URL)
    known = endpoints.get(INSTALL, made.id)
    endpoints.failed(known, "It answered 500.", for_good=False, tries=1, now=NOW)
    known = endpoints.get(INSTALL, made.id)
    assert (known.state, known.reason) == ("failing", "It answered 500.")
    later = NOW + timedelta(days=1)
    endpoints.failed(known, "It answered 502.", for_good=False, tries=2, now=later)
    since = endpoints.get(INSTALL, made.id).health.failing_since
    assert since and datetime.fromisoformat(since) == NOW
    endpoints.recovered(made)
    assert endpoints.get(INSTALL, made.id).state == "active"


@pytest.mark.parametrize(
    ("days", "tries", "disabled"),
    [
        (DISABLED_AFTER, TRIES_TO_DISABLE, True),
        (DISABLED_AFTER - timedelta(hours=1), TRIES_TO_DISABLE, False),
        (timedelta(days=4000), TRIES_TO_DISABLE - 1, False),
    ],
    ids=["long enough", "not long enough", "only by a clock that jumped"],
)
def test_it_is_disabled_after_days_and_tries_and_not_by_one_of_them(
    endpoints, days, tries, disabled
):
    made = endpoints.create(INSTALL, URL)
    known = endpoints.get(INSTALL, made.id)
    endpoints.failed(known, "It answered 500.", for_good=False, tries=1, now=NOW)
    known = endpoints.get(INSTALL, made.id)
    endpoints.failed(known, "It answered 500.", for_good=False, tries=tries, now=NOW + days)
    assert (endpoints.get(INSTALL, made.id).state == "disabled") is disabled


def test_without_hosts_nothing_is_looked_for(endpoints, settings, services, monkeypatch):
    off = Endpoints.from_settings(settings.replace(webhook_hosts=()), services.store)
    monkeypatch.setattr(services.store, "list", None)
    assert off.active(INSTALL) == ()


def test_a_document_of_a_newer_release_counts_as_absent_and_is_left(endpoints, services):
    made = endpoints.create(INSTALL, URL)
    endpoints._documents.put(made.key, replace(made, version=2))
    assert list(endpoints.of(INSTALL)) == []
    assert services.store.stat(made.key) is not None
