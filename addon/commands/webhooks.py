"""`flask webhooks`: endpoints that an install's events are sent to. A secret is printed once."""

from __future__ import annotations

import getpass

import click

from addon.archive.access_log import AccessLog
from addon.archive.configured import control_signer
from addon.archive.opening import store_of
from addon.commands.group import Group
from addon.settings import Settings
from addon.webhooks.changes import EndpointChanges
from addon.webhooks.endpoints import Endpoints, Known
from addon.webhooks.events import TYPES


@click.group("webhooks", cls=Group)
def webhooks_cli() -> None:
    """Create, list, stop and remove webhook endpoints, and change their secrets."""


@webhooks_cli.command("create")
@click.argument("url")
@click.option("--install", required=True, help="The install (XD…) or account whose events it gets.")
@click.option(
    "--event",
    "events",
    multiple=True,
    type=click.Choice(TYPES),
    help="One type of event, once for each; without it, all.",
)
@click.option("--label", default="", help="What it is for.")
def create_command(url: str, install: str, events: tuple[str, ...], label: str) -> None:
    """Create an endpoint; its secret goes alone to standard output, its id to standard error."""
    made = _changes(_endpoints()).create(install, url, events or TYPES, label)
    click.echo(made.secret)
    click.echo(f"{made.id} for {install}: {', '.join(made.events)}", err=True)


@webhooks_cli.command("list")
@click.option("--install", help="Of this install alone.")
def list_command(install: str | None) -> None:
    """Print every endpoint's id, install, state, host, events, label and reason, no secret."""
    endpoints = _endpoints()
    for known in endpoints.of(install) if install else endpoints.all():
        one = known.endpoint
        told = (one.id, one.install, known.state, one.origin, ",".join(one.events), one.label)
        click.echo("\t".join((*told, known.reason or "")))


@webhooks_cli.command("rotate")
@click.argument("endpoint_id")
def rotate_command(endpoint_id: str) -> None:
    """Print a new secret; the one before signs as well for a day."""
    endpoints = _endpoints()
    made = endpoints.rotate(_found(endpoints, endpoint_id).endpoint.install, endpoint_id)
    click.echo(made.secret)
    click.echo(f"the secret before signs as well until {made.previous_until}", err=True)


@webhooks_cli.command("disable")
@click.argument("endpoint_id")
def disable_command(endpoint_id: str) -> None:
    """Stop an endpoint: nothing is sent to it, also not later."""
    endpoints = _endpoints()
    endpoints.disable(_found(endpoints, endpoint_id).endpoint.install, endpoint_id)
    click.echo("disabled", err=True)


@webhooks_cli.command("enable")
@click.argument("endpoint_id")
def enable_command(endpoint_id: str) -> None:
    """Let an endpoint have events again, also one that was disabled by itself."""
    endpoints = _endpoints()
    endpoints.enable(_found(endpoints, endpoint_id).endpoint.install, endpoint_id)
    click.echo("enabled", err=True)


@webhooks_cli.command("remove")
@click.argument("endpoint_id")
def remove_command(endpoint_id: str) -> None:
    """Remove an endpoint with its secret."""
    endpoints = _endpoints()
    _changes(endpoints).remove(_found(endpoints, endpoint_id).endpoint)
    click.echo("removed", err=True)


def _endpoints() -> Endpoints:
    settings = Settings.load()
    return Endpoints.from_settings(settings, store_of(settings))


def _changes(endpoints: Endpoints) -> EndpointChanges:
    settings = Settings.load()
    access_log = AccessLog(store_of(settings), control_signer(settings))
    return EndpointChanges(endpoints, access_log, f"operator {getpass.getuser()}")


def _found(endpoints: Endpoints, endpoint_id: str) -> Known:
    return endpoints.find(endpoint_id, endpoints.installs())
