"""`flask ringcentral`: subscribe to notifications, show the status, archive the past."""

from __future__ import annotations

from datetime import datetime

import click

from addon.commands.group import Group, Moment, as_json, echo_json
from addon.errors import SettingsError
from addon.ringcentral.client import RingCentral
from addon.settings import Settings
from workers import ringcentral_poll
from workers.services import Services


@click.group("ringcentral", cls=Group)
@click.pass_context
def ringcentral_cli(ctx: click.Context) -> None:
    """RingCentral: subscribe, status, poll."""
    ctx.obj = Services.from_settings(Settings.load().for_worker())


@ringcentral_cli.command("subscribe")
@click.pass_obj
def subscribe(services: Services) -> None:
    """Make or prolong the subscription to notifications; the web has to be reachable meanwhile."""
    if services.settings.ringcentral_webhook_token is None:
        raise SettingsError("RINGCENTRAL_WEBHOOK_TOKEN is not set: nobody could prove to be them")
    made = ringcentral_poll.subscribe(services)
    click.echo(f"{made.id}\t{made.status}\tuntil {made.expires or 'unknown'}")


@ringcentral_cli.command("status")
@as_json
@click.pass_obj
def status(services: Services, as_json: bool) -> None:
    """Print who the service account is, each subscription of ours, and the last wide look.

    Fails where notifications are wanted and no subscription is active.
    """
    client = RingCentral(services.settings, services.redis)
    caller = client.service_account()
    found = ringcentral_poll.subscriptions(services, client).ours(caller)
    looked = ringcentral_poll.looked_until(services)
    if as_json:
        subscriptions = [
            {"id": each.id, "status": each.status, "expires": each.expires} for each in found
        ]
        account = {"service_account": caller.user, "call_log_read_until": looked}
        echo_json({**account, "subscriptions": subscriptions})
    else:
        click.echo(f"service account\t{caller.user}")
        for each in found:
            until = each.expires or "unknown"
            click.echo(f"subscription\t{each.id}\t{each.status}\tuntil {until}")
        click.echo(f"call log read until\t{looked.isoformat() if looked else 'never'}")
    wanted = services.settings.ringcentral_webhook_token is not None
    if wanted and not any(each.active for each in found):
        raise click.ClickException("No subscription is active. Run `flask ringcentral subscribe`.")


@ringcentral_cli.command("poll")
@click.option("--since", type=Moment(), help="Archive everything from this day or moment on.")
@click.pass_obj
def poll(services: Services, since: datetime | None) -> None:
    """Look through the call log now, and archive what is new."""
    work = ringcentral_poll.Poll(services)
    taken = work.run() if since is None else work.catch_up(since)
    click.echo(f"{taken} new")
