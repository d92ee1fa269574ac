"""`flask demo`, which is `make run`: the whole service, and one call through it.

It is the Marketplace, the service and the person who looks at the result, all on this machine; what
it checks is what a partner would check. It must not be used on a deployment: it allows its own
address as a source and a target.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import click

from addon.archive.archive import Archive
from addon.archive.names import files
from addon.commands.local_stack import local_stack
from addon.commands.marketplace import Exchange, Marketplace
from addon.commands.summary import summary
from addon.errors import AddonError
from addon.settings import Settings
from addon.stack.console import Console

SAMPLE = Path(__file__).parents[2] / "samples" / "call.wav"
INSTALL = "XD" + 32 * "0"
RESULT_WAIT_S = 120.0
"""Many times what the sample takes, for a machine that is busy with other things."""


@click.command("demo")
@click.option("--once", is_flag=True, help="Stop after the call; exit 0 only if all was right.")
@click.option("--port", default=8080, show_default=True, help="Port of the web server.")
@click.option(
    "--audio",
    default=SAMPLE,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The recording to send (default: the bundled call).",
)
def demo(once: bool, port: int, audio: Path) -> None:
    """Start everything, send a signed invocation through it, and show what became of it."""
    right = False
    with contextlib.suppress(KeyboardInterrupt), Marketplace("", "") as market:
        local = _settings(market.origin, port)
        with local_stack(port, local, Console.standard()) as stack:
            stack.wait_until_ready()
            right = tour(market, f"{local['PUBLIC_URL']}/recording-analysis", audio)
            if not once:
                _say(f"\nServing on {local['PUBLIC_URL']}. Ctrl-C stops.")
                stack.wait()
    sys.exit(0 if right else 1)


def _settings(origin: str, port: int) -> dict[str, str]:
    """What the service is told on top of its environment: the stand-in's address, and its own."""
    settings = Settings.load()
    return {
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "CALLBACK_HOSTS": ",".join((*settings.callback_hosts, origin)),
        "MEDIA_HOSTS": ",".join((*settings.media_hosts, origin)),
    }


def tour(market: Marketplace, to: str, audio: Path) -> bool:
    """One call through the service. Whether everything about it was right."""
    settings = Settings.load()
    market.account_sid = settings.twilio_account_sid
    market.auth_token = settings.twilio_auth_token
    _say(f"\nAs the Marketplace does: {audio.name}, in a signed request to {to}")
    exchange, answers = market.invoke(to, audio.read_bytes(), install=INSTALL)
    for answer in answers:
        text = answer.body.decode("utf-8", "replace") or "no body"
        _say(f"{answer.status} after {answer.seconds * 1000:.0f} ms, {text}")
    document = _result(market, exchange)
    if document is None:
        return False
    _say(f"\nThe result, posted to the callback:\n{summary(document)}")
    _say(f"  the whole of it     {_kept(document, settings)}")
    return document["status"] == "successful" and _archived(exchange, document, settings)


def _result(market: Marketplace, exchange: Exchange) -> dict[str, Any] | None:
    """What came back to the callback, or None where nothing did, or not from our service."""
    callback = market.wait(exchange, RESULT_WAIT_S)
    if callback is None:
        _say(f"No result came within {RESULT_WAIT_S:g} s; the log says why.")
        return None
    if not callback.authorised:
        _say("A result came, but its Basic auth is not the partner's.")
        return None
    return callback.document()


def _kept(document: dict[str, Any], settings: Settings) -> Path:
    """The result as a file, for reading at leisure."""
    folder = settings.data_dir / "demo"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{document['request_sid']}.json"
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return path


def _archived(exchange: Exchange, document: dict[str, Any], settings: Settings) -> bool:
    """Show where the encrypted audio lies. Whether it is, decrypted, what was sent."""
    name = document["result"]["archive"]["recording_id"]
    _say("\nThe archive:")
    _say(f"  encrypted audio     {settings.archive_url}/{files(INSTALL, name).audio}")
    try:
        blocks = Archive.from_settings(settings).open(INSTALL, name).read()
        same = hashlib.sha256(b"".join(blocks)).digest() == hashlib.sha256(exchange.audio).digest()
    except AddonError as error:
        _say(f"  it cannot be read   {error.message}")
        return False
    _say("  decrypted           " + ("equals what was sent" if same else "DIFFERS from the call"))
    _say(f"  hear it             .venv/bin/flask archive get {name}")
    return same


def _say(text: str) -> None:
    # In one piece, because the log is written to the same place by another thread.
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
