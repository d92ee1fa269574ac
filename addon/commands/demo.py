"""`flask demo`, which is `make run`: the whole service, and one call through it.

It is the Marketplace, the service and the person who looks at the result, all on this machine; what
it checks is what a partner would check. It must not be used on a deployment: it allows its own
address as a source and a target.
"""

from __future__ import annotations

import contextlib
import io
import json
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import urllib3

from addon.analysis.timeline import Interval
from addon.analysis.wav_input import WavInput
from addon.archive.archive import Archive
from addon.archive.names import files
from addon.commands.local_stack import local_stack
from addon.commands.marketplace import Exchange, Marketplace
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

ROUNDED_S = 0.002
"""Intervals in a result are rounded to a millisecond: at their edges a sample may be either."""


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
    with contextlib.suppress(KeyboardInterrupt), _stand_in() as market:
        local = _settings(market, port)
        with local_stack(port, local, Console.standard()) as stack:
            stack.wait_until_ready()
            right = tour(market, local["PUBLIC_URL"], audio)
            if not once:
                _say(f"\nServing on {local['PUBLIC_URL']}. Ctrl-C stops.")
                stack.wait()
    sys.exit(0 if right else 1)


def _stand_in() -> Marketplace:
    """A Marketplace with credentials of its own: the account's never leave over http."""
    return Marketplace("", "", credentials=f"stand-in:{secrets.token_urlsafe(32)}")


def _settings(market: Marketplace, port: int) -> dict[str, str]:
    """Settings on top of the environment: its own address, and the stand-in's, allowed."""
    settings = Settings.load()
    pairs = {**settings.callback_credentials, market.origin: market.credentials}
    return {
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "CALLBACK_HOSTS": ",".join((*settings.callback_hosts, market.origin)),
        "CALLBACK_CREDENTIALS": ",".join(f"{name}={pair}" for name, pair in pairs.items()),
        "MEDIA_HOSTS": ",".join((*settings.media_hosts, market.origin)),
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
    result = document["result"]
    name = result["archive"]["recording_id"]
    muted = [tuple(pair) for pair in result.get("redaction", {}).get("intervals", ())]
    content = _archived(exchange, name, settings, muted)
    return content is not None and _played(content, name, settings)


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


def _archived(
    exchange: Exchange, name: str, settings: Settings, muted: Sequence[Interval]
) -> bytes | None:
    """Show the encrypted audio's place; its content where that is what was sent, else None."""
    _say("\nThe archive:")
    _say(f"  encrypted audio     {settings.archive_url}/{files(INSTALL, name).audio}")
    try:
        content = b"".join(Archive.from_settings(settings).open(INSTALL, name).read())
    except AddonError as error:
        _say(f"  it cannot be read   {error.message}")
        return None
    if not is_muted_copy(exchange.audio, content, muted):
        _say("  decrypted           DIFFERS from the call")
        return None
    seconds = sum(stop - start for start, stop in muted)
    _say(f"  decrypted           equals what was sent{f', {seconds:.1f} s muted' * bool(muted)}")
    return content


def is_muted_copy(sent: bytes, archived: bytes, muted: Sequence[Interval]) -> bool:
    """True where archived bytes are those sent, but silent in the muted intervals of a WAV file."""
    if not muted:
        return archived == sent
    wider = [(start - ROUNDED_S, stop + ROUNDED_S) for start, stop in muted]
    inner = [(start + ROUNDED_S, stop - ROUNDED_S) for start, stop in muted]
    elsewhere = _silenced(sent, wider) == _silenced(archived, wider)
    return elsewhere and _silenced(archived, inner) == archived


def _silenced(recording: bytes, intervals: Sequence[Interval]) -> bytes:
    source = WavInput(io.BytesIO, lambda _: None, redact=False, keep=True)
    begun = source.feed(recording)
    source.measure()
    return begun + b"".join(source.release(intervals))


def _played(content: bytes, name: str, settings: Settings) -> bool:
    """Show the links for a browser; True where the one for playing gives what is archived."""
    grants = Grants.from_settings(settings)
    link = grants.link(grants.issue(INSTALL, recording_id=name, listener="demo"))
    _say(f"\nTo hear it:\n  {link}")
    if local_sign_in.is_possible(settings):
        page = local_sign_in.local_sign_in_link(settings, f"/recordings/{name}")
        _say(f"Its page, with the waveform (this link signs you in, once):\n  {page}")
    with urllib3.PoolManager(retries=False, timeout=LINK_WAIT_S) as pool:
        response = pool.request("GET", link)
    if response.status == 200 and response.data == content:
        return True
    _say(f"  the link answers {response.status}, and not with what is archived")
    return False


def _say(text: str) -> None:
    # In one piece, because the log is written to the same place by another thread.
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
