"""`flask invoke`: sends a signed invocation as the Marketplace does, for partners' own tests."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, cast

import click

from addon.commands.marketplace import Callback, Exchange, Marketplace
from addon.commands.sending import Answer, Mode
from addon.settings import Settings

DEFAULT_PORT = 8081
"""Fixed, so that CALLBACK_HOSTS and MEDIA_HOSTS can name it."""

LEAST_WAIT_S = 60.0


@click.command("invoke")
@click.option(
    "--audio", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--to", help="The service's invocation URL (default: PUBLIC_URL/recording-analysis).")
@click.option("--mode", type=click.Choice(["multipart", "url", "json"]), default="multipart")
@click.option("--duplicate", default=1, show_default=True, help="Send the same request this often.")
@click.option("--port", default=DEFAULT_PORT, show_default=True, help="Where the callback listens.")
@click.option("--wait", default=LEAST_WAIT_S, show_default=True, help="Seconds for the result.")
def invoke(audio: Path, to: str | None, mode: str, duplicate: int, port: int, wait: float) -> None:
    """Sign and send an invocation, take its callback, and print the result."""
    settings = Settings.load()
    if not settings.twilio_auth_token:
        raise click.ClickException("TWILIO_AUTH_TOKEN is not set, and `flask serve` made none")
    target = to or f"{settings.public_url}/recording-analysis"
    try:
        market = Marketplace(settings.twilio_account_sid, settings.twilio_auth_token, port=port)
        market.credentials = settings.callback_credentials.get(market.origin)
    except OSError as error:
        raise click.ClickException(f"port {port} cannot be listened on: {error.strerror}") from None
    with market:
        exchange, answers = _sent(market, target, audio.read_bytes(), cast(Mode, mode), duplicate)
        report(answers)
        callback = market.wait(exchange, wait)
        print(json.dumps(_document(callback, market), indent=2))


def _sent(
    market: Marketplace, to: str, audio: bytes, mode: Mode, times: int
) -> tuple[Exchange, list[Answer]]:
    try:
        return market.invoke(to, audio, mode=mode, times=times)
    except Exception as error:
        raise click.ClickException(f"{to} does not answer: {type(error).__name__}") from None


def report(answers: list[Answer]) -> None:
    """Say what the service answered at once. Raises ClickException where it is not 202."""
    for answer in answers:
        body = answer.body.decode("utf-8", "replace") or "no body"
        print(f"{answer.status} in {answer.seconds * 1000:.0f} ms, {body}", file=sys.stderr)
    if any(answer.status != 202 for answer in answers):
        raise click.ClickException("the service did not accept the invocation")


def _document(callback: Callback | None, market: Marketplace) -> dict[str, Any]:
    if callback is None:
        raise click.ClickException(
            "no result came; does the service's CALLBACK_HOSTS (and, for --mode url and json, "
            f"MEDIA_HOSTS) allow {market.origin}? Its log says more"
        )
    if not callback.authorised:
        raise click.ClickException(
            "a result came, but its Basic auth is not what CALLBACK_CREDENTIALS says"
        )
    for name, value in callback.form().items():
        print(f"{name}: {value}", file=sys.stderr)
    return callback.document()
