"""Makes docs/examples/api.json: what the API really answers, by the name of the operation.

`python -m tests.web.openapi.examples` writes it; tests/web/openapi/test_examples.py holds it to the
code. /openapi.json shows it beside each answer.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from addon.archive.archive import Archive
from addon.factory import create_app
from addon.settings import Settings
from addon.web.docs import FOLDER
from tests.analysis import calls
from tests.browser import stand
from tests.browser.sample_calls import INSTALL, NIGHT, archive_call, sid
from tests.web.documented import API
from tests.web.playing import inside

FILE = FOLDER / "examples" / "api.json"
HOST = "hooks.example.com"
MOST = 2
"""Entries that a list in an example shows: the point is its form."""

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLw=="
LINK = "Zm9y.ZXhhbXBsZQ"
"""In place of real ones."""


def answers(settings: Settings) -> dict[str, Any]:
    """The document of each operation that answers one, from an app with one call."""
    settings = settings.replace(webhook_hosts=(HOST,))
    app = create_app(settings)
    call = calls.wav(calls.converse(30, 12).samples)
    recording = archive_call(Archive.from_settings(settings), 1, call, at=NIGHT)
    text, _ = inside(app).tokens.issue(INSTALL, scopes=["read", "link", "webhooks"])
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {text}"
    made = client.post("/api/v1/webhooks", json={"url": f"https://{HOST}/recordings"})
    found = {"createWebhook": shortened(made.get_json())}
    values = {
        "recording_id": recording,
        "call_sid": sid("CA", 11),
        "endpoint_id": made.get_json()["id"],
    }
    for path, method, name in operations():
        answer = client.open(path.format(**values), method=method)
        assert answer.status_code == 200, (name, answer.get_data(as_text=True))
        found[name] = shortened(answer.get_json())
    return found


def operations() -> list[tuple[str, str, str]]:
    """Path, method and name of each operation of the API whose answer is a document."""
    return [
        (path, method, operation["operationId"])
        for path, methods in API["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/api/") and operation["operationId"] != "createWebhook"
        if "application/json" in operation["responses"].get("200", {}).get("content", {})
    ]


def shortened(value: Any, name: str = "") -> Any:
    """A document with its lists cut short and without what is secret."""
    if isinstance(value, dict):
        return {key: shortened(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [shortened(inner) for inner in value[: 8 if name == "data" else MOST]]
    if name == "secret":
        return SECRET
    if name == "signed_url":
        return value.partition("/media/")[0] + f"/media/{LINK}"
    return value


def stored() -> dict[str, Any]:
    """The examples of the documentation."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def write() -> None:
    """Write the file, with a deployment of its own."""
    from tests.browser.screenshots import redis_in

    with tempfile.TemporaryDirectory() as folder, redis_in(Path(folder)) as redis_url:
        settings = stand.settings_in(Path(folder) / "var", redis_url)
        found = answers(settings.replace(public_url="https://recordings.example.com"))
    FILE.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
