"""`flask signatures`: what the requests of monitor mode were signed over, as far as it is known.

What it prints may be sent to Twilio's support as it is: it knows names and lengths, and no values.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain

import click

from addon.commands.group import Group
from addon.commands.status_report import ago
from addon.metrics.counters import Counters, field
from addon.metrics.declarations import SIGNATURES_REUSED
from addon.requests.connections import web_connection
from addon.settings import Settings
from addon.twilio.signature_diagnostics import KEPT, Diagnosis, SignatureDiagnostics

NOTHING = "nothing that we know"
LABEL_WIDTH = 26

_ROW = "{:<12}{:<36}{:<12}{:<10}{:<25}{}"


@click.group("signatures", cls=Group, invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="A request a line, with all that was tried.")
@click.pass_context
def signatures_cli(ctx: click.Context, as_json: bool) -> None:
    """The last requests of monitor mode, and what their signatures cover."""
    settings = Settings.load()
    connection = web_connection(settings.redis_url)
    ctx.obj = diagnostics = SignatureDiagnostics(connection).all()
    if ctx.invoked_subcommand is not None:
        return
    if as_json:
        lines: Iterator[str] = (diagnosis.to_json() for diagnosis in diagnostics)
    else:
        table = _table(diagnostics, settings.signature_mode, time.time())
        lines = chain(table, _reused(Counters(connection).read()))
    for line in lines:
        click.echo(line)


@signatures_cli.command("show")
@click.argument("sid")
@click.pass_obj
def show(diagnostics: list[Diagnosis], sid: str) -> None:
    """One request: what came, and everything that was tried."""
    found = [diagnosis for diagnosis in diagnostics if diagnosis.request_sid == sid]
    if not found:
        raise click.ClickException(f"no diagnosis of {sid} is kept; monitor mode keeps {KEPT}")
    for line in _story(found[0], time.time()):
        click.echo(line)


def _table(diagnostics: list[Diagnosis], mode: str, now: float) -> Iterator[str]:
    if mode != "monitor":
        yield f"SIGNATURE_MODE is {mode} here: requests are diagnosed only while it is monitor."
    if not diagnostics:
        yield "No diagnosis is kept."
        return
    yield _ROW.format("received", "request", "body", "verdict", "signed over", "signed URL, secret")
    for diagnosis in diagnostics:
        yield _row(diagnosis, now)
    yield ""
    for covers, count in Counter(map(_covers, diagnostics)).most_common():
        yield f"{count:>4}  {covers}"


def _reused(counts: Mapping[str, float]) -> Iterator[str]:
    """The number of signatures that came again with another request, by the answer to them."""
    found = {
        answer: round(counts.get(field(SIGNATURES_REUSED, answer), 0))
        for answer in SIGNATURES_REUSED.known
    }
    if any(found.values()):
        yield ""
        yield "Accepted signatures that came again with another request or recording:"
        yield ", ".join(f"{count} {answer}" for answer, count in found.items())
    if found["let pass"]:
        yield "Requests share signatures: a captured one can be used again (docs/operations.md)."


def _row(diagnosis: Diagnosis, now: float) -> str:
    found = diagnosis.found
    url = f"{found.url or 'as PUBLIC_URL'}; {found.secret}" if found else diagnosis.reason
    sid, verdict = diagnosis.request_sid or "-", _verdict(diagnosis)
    return _ROW.format(
        ago(diagnosis.at, now), sid, diagnosis.body, verdict, _covers(diagnosis), url
    )


def _covers(diagnosis: Diagnosis) -> str:
    return diagnosis.found.covers if diagnosis.found else NOTHING


def _verdict(diagnosis: Diagnosis) -> str:
    return "valid" if diagnosis.accepted else "refused"


def _story(diagnosis: Diagnosis, now: float) -> Iterator[str]:
    """One diagnosis in labels and facts, then everything that was tried."""
    for label, fact in _facts(diagnosis, now):
        yield f"{label:<{LABEL_WIDTH}}{fact}".rstrip()
    yield "\nsigned text, by hypothesis"
    for each in diagnosis.candidates:
        yield f"  {each.name:<{LABEL_WIDTH}}{each.redacted}"
    yield "\nURLs that each was tried with"
    for each in diagnosis.urls:
        yield f"  {each.redacted}" + (f"  ({each.name})" if each.name else "")


def _facts(diagnosis: Diagnosis, now: float) -> Iterator[tuple[str, str]]:
    yield "request", diagnosis.request_sid
    yield "received", ago(diagnosis.at, now)
    yield "body", f"{diagnosis.body}, bodySHA256 {diagnosis.body_hash}"
    yield "verdict", _verdict(diagnosis) + (f": {diagnosis.reason}" if diagnosis.reason else "")
    yield "signature", diagnosis.signature
    yield "came for the host", ", ".join(diagnosis.hosts) or "none named"
    yield "tried with", ", ".join(diagnosis.secrets) or "no secret: TWILIO_AUTH_TOKEN is not set"
    yield "signed over", _covers(diagnosis)
    if diagnosis.found:
        yield "signed URL", diagnosis.found.url or "as PUBLIC_URL"
        yield "secret", diagnosis.found.secret
        yield "signed text", diagnosis.found.redacted
