"""The page of webhooks in a browser: it reads well on a desk and a phone, and sends again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from addon.archive.opening import store_of
from addon.requests.connections import web_connection
from addon.settings import Settings
from addon.web.local_sign_in import local_sign_in_link
from addon.webhooks.events import Event
from addon.webhooks.outbox import DeliveryName, Outbox
from addon.webhooks.tries import Tries, Try
from tests.browser import stand
from tests.browser.sample_calls import MAIN_CALL
from tests.browser.test_accessibility import check
from tests.playback.sounds import TENANT

HOST = "hooks.example.com"
AT = "2026-11-26T09:00:00.000+00:00"


@pytest.fixture
def service(archived: Settings) -> Iterator[Settings]:
    """The owner's own machine, with an endpoint that failed and one that was disabled."""
    with stand.served(archived, webhook_hosts=(HOST,)) as settings:
        outbox = Outbox.from_settings(settings, store_of(settings))
        connection = web_connection(settings.redis_url)
        made = [
            outbox.endpoints.create(TENANT, f"https://{HOST}/{label}", label=label)
            for label in ("CRM", "Archive")
        ]
        for name in outbox.promise(Event("msg_1", "recording.ready", TENANT, MAIN_CALL, AT)):
            outbox.settle(DeliveryName.parse(name))
        reason = "It answered 500."
        for number, outcome in enumerate(("failed", "delivered", "given up")):
            status = 200 if outcome == "delivered" else 500
            said = None if outcome == "delivered" else reason
            one = Try("msg_1", "recording.ready", MAIN_CALL, AT, outcome, number, 0.3, status, said)
            Tries(connection).add(made[0].id, one)
        known = outbox.endpoints.get(TENANT, made[1].id)
        gone = "It answered 410: it wants no more events."
        outbox.endpoints.failed(known, gone, for_good=True, tries=1, now=datetime.now(UTC))
        yield settings
        for one in made:
            outbox.endpoints.remove(TENANT, one.id)
        for pending in list(outbox.pending()):
            outbox.settle(DeliveryName.parse(pending))
        connection.close()


def test_it_reads_well_and_sends_an_event_again(
    open_page: Callable[..., Page], service: Settings, axe: str
):
    page = open_page()
    page.goto(local_sign_in_link(service, "/webhooks"))
    crm = page.get_by_role("region", name="CRM")
    expect(crm.get_by_role("listitem")).to_have_count(3)
    expect(crm.get_by_text("Answer 500: It answered 500.").first).to_be_visible()
    stopped = page.get_by_role("region", name="Archive")
    expect(stopped.get_by_text("It answered 410: it wants no more events.")).to_be_visible()
    check(page, axe)
    crm.get_by_role("button", name="Send again: recording.ready").first.click()
    expect(page.get_by_role("status")).to_contain_text("is being sent again")
    outbox = Outbox.from_settings(service, store_of(service))
    assert len(list(outbox.pending())) == 1


def test_without_webhooks_the_page_says_how_to_have_some(signed_in: Callable[..., Page], axe: str):
    page = signed_in("/webhooks")
    expect(page.get_by_role("heading", name="No webhooks")).to_be_visible()
    check(page, axe)
    page.get_by_role("link", name="About webhooks").click()
    expect(page.get_by_role("heading", name="Webhooks", exact=True)).to_be_visible()
    check(page, axe)
