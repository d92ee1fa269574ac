"""`flask conform`: the conformance suite, for any recording-analysis add-on in any language."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import click
from urllib3.exceptions import HTTPError

from addon.commands.conformance import reports
from addon.commands.conformance.clause import Clause, Finding
from addon.commands.conformance.suite import CLAUSES, conform
from addon.commands.conformance.trial import Plan, Run
from addon.commands.invoke import DEFAULT_PORT
from addon.commands.marketplace import Marketplace
from addon.commands.sending import NAMES, Mode, fetch
from addon.settings import Settings

MODES = ("multipart", "url", "json")
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class NotRun(click.ClickException):
    """Nothing could be tried: ends the command with the code of a wrong option."""

    exit_code = 2


class Listen(click.ParamType[tuple[str, int]]):
    """HOST:PORT, or a port of 127.0.0.1."""

    name = "host:port"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Host and port."""
        if isinstance(value, tuple):
            return value
        host, _, port = str(value).rpartition(":")
        if not port.isascii() or not port.isdigit() or int(port) > 65535:
            self.fail(f"{value!r} is no HOST:PORT", param, ctx)
        return host or "127.0.0.1", int(port)


@click.command("conform")
@click.option(
    "--to", required=True, help="The add-on's invocation URL, exactly as Twilio signs it."
)
@click.option("--install", default=Plan.install, show_default=True, help="AddOnInstallSid to send.")
@click.option(
    "--mode",
    "modes",
    multiple=True,
    type=click.Choice(MODES),
    help="A shape that the add-on takes; once for each (default: all).",
)
@click.option(
    "--field",
    "fields",
    multiple=True,
    metavar="MEANING=NAME",
    help=f"The add-on's name for one of {', '.join(NAMES)}; once for each.",
)
@click.option(
    "--listen",
    default=f"127.0.0.1:{DEFAULT_PORT}",
    show_default=True,
    type=Listen(),
    help="Where callbacks are taken and audio is served.",
)
@click.option(
    "--callback-address",
    help="The address under which the add-on reaches --listen, such as a tunnel's.",
)
@click.option("--auth-token-file", type=FILE, help="The auth token (default: TWILIO_AUTH_TOKEN).")
@click.option("--ca", type=FILE, help="Certificate authorities of --to, in PEM.")
@click.option("--schema", type=FILE, help="JSON Schema (2020-12) of the add-on's results.")
@click.option("--size-limit", type=click.IntRange(min=1), help="The add-on's limit of an upload.")
@click.option("--patience", default=Plan.patience_s, show_default=True, help="Seconds to wait.")
@click.option("--only", multiple=True, metavar="CLAUSE", help="Try this clause; once for each.")
@click.option("--json", "as_json", is_flag=True, help="Print all findings as one JSON document.")
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write JUnit's XML.")
def conform_command(
    to: str,
    install: str,
    modes: tuple[str, ...],
    fields: tuple[str, ...],
    listen: tuple[str, int],
    callback_address: str | None,
    auth_token_file: Path | None,
    ca: Path | None,
    schema: Path | None,
    size_limit: int | None,
    patience: float,
    only: tuple[str, ...],
    as_json: bool,
    junit: Path | None,
) -> None:
    """Try every clause of the protocol on a running add-on. Exit 1 where one fails."""
    clauses = _clauses(only)
    plan = Plan(
        to,
        install=install,
        modes=cast("tuple[Mode, ...]", modes or MODES),
        patience_s=patience,
        size_limit=size_limit,
        schema=_schema(schema),
        must_call=callback_address is not None,
        ca=str(ca) if ca else None,
    )
    with _stand_in(listen, callback_address, auth_token_file, fields) as market:
        if callback_address is not None:
            _check_address(market)
        done = 0

        def tell(finding: Finding) -> None:
            nonlocal done
            done += 1
            click.echo(f"[{done:>2}/{len(clauses)}] {reports.line(finding)}", err=True)

        try:
            findings = conform(Run(plan, market), clauses, tell)
        except HTTPError as error:
            raise NotRun(f"{to} does not answer: {type(error).__name__}") from None
    if junit is not None:
        junit.write_bytes(reports.as_junit(findings, to))
    click.echo(reports.as_json(findings, to) if as_json else reports.text(findings))
    sys.exit(any(finding.result == "fail" for finding in findings))


def _clauses(only: tuple[str, ...]) -> list[Clause]:
    unknown = set(only) - {clause.name for clause in CLAUSES}
    if unknown:
        names = ", ".join(clause.name for clause in CLAUSES)
        raise click.UsageError(
            f"no clause is called {', '.join(sorted(unknown))}; there are {names}"
        )
    return [clause for clause in CLAUSES if not only or clause.name in only]


def _schema(file: Path | None) -> dict[str, Any] | None:
    if file is None:
        return None
    try:
        from jsonschema import Draft202012Validator, SchemaError
    except ImportError:
        raise click.UsageError(
            "--schema needs jsonschema: install requirements/conform.txt"
        ) from None
    try:
        schema = json.loads(file.read_text(encoding="utf-8"))
        Draft202012Validator.check_schema(schema)
    except (ValueError, SchemaError):
        raise click.UsageError(f"{file} is no JSON Schema") from None
    return cast("dict[str, Any]", schema)


def _stand_in(
    listen: tuple[str, int], address: str | None, token_file: Path | None, fields: tuple[str, ...]
) -> Marketplace:
    """The Marketplace that the add-on meets. Raises UsageError, NotRun."""
    settings = Settings.load()
    token = token_file.read_text("utf-8").strip() if token_file else settings.twilio_auth_token
    if not token:
        raise click.UsageError("there is no auth token: set TWILIO_AUTH_TOKEN or --auth-token-file")
    names = dict(field.partition("=")[::2] for field in fields)
    if set(names) - set(NAMES) or "" in names.values():
        raise click.UsageError(f"--field takes MEANING=NAME, a meaning of {', '.join(NAMES)}")
    host, port = listen
    try:
        market = Marketplace(
            settings.twilio_account_sid,
            token,
            host=host,
            port=port,
            address=address,
            names={**NAMES, **names},
        )
    except OSError as error:
        raise NotRun(f"{host}:{port} cannot be listened on: {error.strerror}") from None
    market.credentials = settings.callback_credentials.get(market.origin)
    return market


def _check_address(market: Marketplace) -> None:
    """Raises NotRun where what listens here is not reached under its address."""
    exchange = market.exchange(b"reached")
    with suppress(HTTPError):
        if fetch(market.media_url(exchange)) == exchange.audio:
            return
    raise NotRun(f"{market.origin} does not lead here: forward it to --listen")
