"""`flask demo`, which is `make run`: the whole service, and one call through it.

It is the Marketplace, the service and the person who looks at the result, all on this machine; what
it checks is what a partner would check. It must not be used on a deployment: it allows its own
address as a source and a target.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import urllib3

from addon.archive.archive import Archive
from addon.archive.names import files
from addon.commands.invoke import DEFAULT_PORT
from addon.commands.local_stack import local_stack
from addon.commands.marketplace import Exchange, Marketplace
from addon.commands.population import populate
from addon.commands.summary import summary
from addon.errors import AddonError
from addon.playback.grants import Grants
from addon.settings import Settings
from addon.stack.console import Console
from addon.web import local_sign_in

SAMPLE = Path(__file__).parents[2] / "samples" / "call.wav"
INSTALL = "XD" + 32 * "0"
RESULT_WAIT_S = 120.0
"""Many times what the sample takes, for a machine that is busy with other things."""

LINK_WAIT_S = 30.0


@click.command("demo")
@click.option("--once", is_flag=True, help="Stop after the call; exit 0 only if all was right.")
@click.option("--port", default=8080, show_default=True, help="Port of the web server.")
@click.option(
    "--audio",
    default=SAMPLE,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The recording to send (default: the bundled call).",
)
@click.option(
    "--population",
    default=0,
    type=click.IntRange(min=0, max=100_000),
    help="Put so many invented recordings of the last 30 days into the archive.",
)
@click.option("--seed", default=1, show_default=True, help="The same seed, the same population.")
def demo(once: bool, port: int, audio: Path, population: int, seed: int) -> None:
    """Start everything, send a signed invocation through it, and show what became of it."""
    right = False
    with contextlib.suppress(KeyboardInterrupt), _stand_in() as market:
        local = _settings(market, port)
        if population:
            local["REDACT_DTMF"] = "required"  # so that one of them is withheld
        with local_stack(port, local, Console.standard()) as stack:
            stack.wait_until_ready()
            if population:
                _populate(local["PUBLIC_URL"], population, seed)
            right = tour(market, local["PUBLIC_URL"], audio)
            if not once:
                _say(f"\nServing on {local['PUBLIC_URL']}. Ctrl-C stops.")
                if stack.wait():
                    right = False
                    stack.say_how_it_ended()
    sys.exit(0 if right else 1)


def _populate(public_url: str, count: int, seed: int) -> None:
    """Fill the archive, and show where to look. Raises ClickException where it may not."""
    settings = Settings.load().replace(public_url=public_url, redact_dtmf="required")
    try:
        populate(settings, SAMPLE.read_bytes(), count, seed, _say)
    except AddonError as error:
        raise click.ClickException(f"{error.message}. {error.remedy}") from error
    _say("The list and the overview, once the last link below has signed you in:")
    _say(f"  {public_url}/recordings\n  {public_url}/overview")


def _stand_in() -> Marketplace:
    """A Marketplace with credentials of its own: the account's never leave over http."""
    return Marketplace("", "", credentials=f"stand-in:{secrets.token_urlsafe(32)}")


def _settings(market: Marketplace, port: int) -> dict[str, str]:
    """Settings on top of the environment: its own address, and those of the stand-in and of `flask
    invoke` in another terminal, allowed."""
    settings = Settings.load()
    origins = (market.origin, f"http://127.0.0.1:{DEFAULT_PORT}")
    pairs = {**settings.callback_credentials, market.origin: market.credentials}
    return {
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "CALLBACK_HOSTS": ",".join((*settings.callback_hosts, *origins)),
        "CALLBACK_CREDENTIALS": ",".join(f"{name}={pair}" for name, pair in pairs.items()),
        "MEDIA_HOSTS": ",".join((*settings.media_hosts, *origins)),
    }


def tour(market: Marketplace, public_url: str, audio: Path) -> bool:
    """Send one call through the service; True where everything about it was right."""
    settings = Settings.load().replace(public_url=public_url)
    to = f"{public_url}/recording-analysis"
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
    if document["status"] != "successful":
        return False
    name = document["result"]["archive"]["recording_id"]
    muted = document["result"]["redaction"]["intervals"]
    same = Sent(exchange.audio, document["result"]["audio"]["duration_seconds"], muted)
    return _archived(same, name, settings) and _played(same, name, settings)


@dataclass(frozen=True)
class Sent:
    """A recording of plain samples as it was sent, and the seconds that were to be muted in it."""

    audio: bytes
    duration: float
    muted: Sequence[Sequence[float]]

    def equals(self, content: bytes) -> bool:
        """True if `content` differs nowhere but in what was to be muted, by 10 ms at most."""
        if len(content) != len(self.audio):
            return False
        kept = np.frombuffer(content, np.uint8) == np.frombuffer(self.audio, np.uint8)
        seconds = np.flatnonzero(~kept) * (self.duration / max(len(content), 1))
        inside = np.zeros(len(seconds), np.bool_)
        for start, stop in self.muted:
            inside |= (seconds >= start - 0.01) & (seconds <= stop + 0.01)
        return bool(inside.all())


def _result(market: Marketplace, exchange: Exchange) -> dict[str, Any] | None:
    """The result that was posted; None where nothing came, or not from our service."""
    callback = market.wait(exchange, RESULT_WAIT_S)
    if callback is None:
        _say(f"No result came within {RESULT_WAIT_S:g} s; the log says why.")
        return None
    if not callback.authorised:
        _say("A result came, but its Basic auth is not the stand-in's.")
        return None
    return callback.document()


def _kept(document: dict[str, Any], settings: Settings) -> Path:
    """The result as a file, for reading at leisure."""
    folder = settings.data_dir / "demo"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{document['request_sid']}.json"
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return path


def _archived(sent: Sent, name: str, settings: Settings) -> bool:
    """Show the encrypted audio's place; True where it decrypts to what was sent."""
    _say("\nThe archive:")
    _say(f"  encrypted audio     {settings.archive_url}/{files(INSTALL, name).audio}")
    try:
        content = b"".join(Archive.from_settings(settings).open(INSTALL, name).read())
    except AddonError as error:
        _say(f"  it cannot be read   {error.message}")
        return False
    same = sent.equals(content)
    equal = "equals what was sent" + (", but for what is muted" if sent.muted else "")
    _say(f"  decrypted           {equal if same else 'DIFFERS from the call'}")
    return same


def _played(sent: Sent, name: str, settings: Settings) -> bool:
    """Show the links for a browser; True where the one for playing gives what was sent."""
    grants = Grants.from_settings(settings)
    link = grants.link(grants.issue(INSTALL, recording_id=name, listener="demo"))
    _say(f"\nTo hear it:\n  {link}")
    if local_sign_in.is_possible(settings):
        page = local_sign_in.local_sign_in_link(settings, f"/recordings/{name}")
        _say(f"Its page, with the waveform (this link signs you in, once):\n  {page}")
    with urllib3.PoolManager(retries=False, timeout=LINK_WAIT_S) as pool:
        response = pool.request("GET", link)
    if response.status == 200 and sent.equals(response.data):
        return True
    _say(f"  the link answers {response.status}, and not with what was sent")
    return False


def _say(text: str) -> None:
    # In one piece, because the log is written to the same place by another thread.
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
