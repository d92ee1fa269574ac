"""`flask signatures`: what the requests of monitor mode were signed over, as far as it is known.

What it prints may be sent to Twilio's support as it is: it knows names and lengths, and no values.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import click

from addon.commands.group import Group
from addon.commands.status_report import ago
from addon.requests.connections import web_connection
from addon.settings import Settings
from addon.twilio.captures import KEPT, Capture, Captures

NOTHING = "nothing that we know"
LABEL_WIDTH = 26

_ROW = "{:<12}{:<36}{:<12}{:<10}{:<25}{}"


@click.group("signatures", cls=Group, invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="A request a line, with all that was tried.")
@click.pass_context
def signatures_cli(ctx: click.Context, as_json: bool) -> None:
    """The last requests of monitor mode, and what their signatures cover."""
    settings = Settings.load()
    ctx.obj = captures = Captures(web_connection(settings.redis_url)).all()
    if ctx.invoked_subcommand is not None:
        return
    if as_json:
        lines: Iterator[str] = (capture.to_json() for capture in captures)
    else:
        lines = _table(captures, settings.signature_mode, time.time())
    for line in lines:
        click.echo(line)


@signatures_cli.command("show")
@click.argument("sid")
@click.pass_obj
def show(captures: list[Capture], sid: str) -> None:
    """One request: what came, and everything that was tried."""
    found = [capture for capture in captures if capture.request_sid == sid]
    if not found:
        raise click.ClickException(f"nothing is captured of {sid}; monitor mode keeps {KEPT}")
    for line in _story(found[0], time.time()):
        click.echo(line)


def _table(captures: list[Capture], mode: str, now: float) -> Iterator[str]:
    if mode != "monitor":
        yield f"SIGNATURE_MODE is {mode} here: requests are captured only while it is monitor."
    if not captures:
        yield "Nothing is captured."
        return
    yield _ROW.format("received", "request", "body", "verdict", "signed over", "signed URL, secret")
    for capture in captures:
        yield _row(capture, now)
    yield ""
    for covers, count in Counter(map(_covers, captures)).most_common():
        yield f"{count:>4}  {covers}"


def _row(capture: Capture, now: float) -> str:
    found = capture.found
    url = f"{found.url or 'as PUBLIC_URL'}; {found.secret}" if found else capture.reason
    sid, verdict = capture.request_sid or "-", _verdict(capture)
    return _ROW.format(ago(capture.at, now), sid, capture.body, verdict, _covers(capture), url)


def _covers(capture: Capture) -> str:
    return capture.found.covers if capture.found else NOTHING


def _verdict(capture: Capture) -> str:
    return "valid" if capture.accepted else "refused"


def _story(capture: Capture, now: float) -> Iterator[str]:
    """One capture in labels and facts, then everything that was tried."""
    for label, fact in _facts(capture, now):
        yield f"{label:<{LABEL_WIDTH}}{fact}".rstrip()
    yield "\nsigned text, by hypothesis"
    for each in capture.candidates:
        yield f"  {each.name:<{LABEL_WIDTH}}{each.redacted}"
    yield "\nURLs that each was tried with"
    for each in capture.urls:
        yield f"  {each.redacted}" + (f"  ({each.name})" if each.name else "")


def _facts(capture: Capture, now: float) -> Iterator[tuple[str, str]]:
    yield "request", capture.request_sid
    yield "received", ago(capture.at, now)
    yield "body", f"{capture.body}, bodySHA256 {capture.body_hash}"
    yield "verdict", _verdict(capture) + (f": {capture.reason}" if capture.reason else "")
    yield "signature", capture.signature
    yield "came for the host", ", ".join(capture.hosts) or "none named"
    yield "tried with", ", ".join(capture.secrets) or "no secret: TWILIO_AUTH_TOKEN is not set"
    yield "signed over", _covers(capture)
    if capture.found:
        yield "signed URL", capture.found.url or "as PUBLIC_URL"
        yield "secret", capture.found.secret
        yield "signed text", capture.found.redacted
