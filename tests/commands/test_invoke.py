"""`flask invoke` against a service on a real port, whose answers come as either kind of body."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from werkzeug.serving import make_server

from addon.commands.invoke import invoke
from addon.commands.marketplace import Callback
from addon.factory import create_app
from addon.settings import Settings
from addon.twilio.callback import encode
from tests.calls import wav
from tests.conftest import ACCOUNT, TOKEN
from tests.stack.running import free_port
from workers.deliver import deliver
from workers.process import process
from workers.services import Services

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

DOCUMENT = {"status": "failed", "code": 64401, "message": "Größe", "request_sid": "XR1"}


@pytest.fixture
def call(tmp_path: Path) -> Path:
    path = tmp_path / "call.wav"
    path.write_bytes(wav(1.0))
    return path


@pytest.fixture
def ports() -> tuple[int, int]:
    """Where the service listens, and where the callback does."""
    return free_port(), free_port()


@pytest.fixture
def settings(settings: Settings, ports: tuple[int, int]) -> Settings:
    service, callback = ports
    return settings.replace(
        public_url=f"http://127.0.0.1:{service}",
        callback_hosts=(f"http://127.0.0.1:{callback}",),
    )


@contextmanager
def at_work(app: Wsgi, port: int) -> Iterator[None]:
    """The app on a real port, with the jobs of every request done right after its first 202."""

    started: dict[str, threading.Thread] = {}

    def working(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        answer = app(environ, start)
        sid = environ.get("HTTP_X_TWILIO_REQUESTSID")
        if sid is not None and sid not in started:
            started[sid] = threading.Thread(target=lambda: (process(sid), deliver(sid)))
            started[sid].start()
        return answer

    server = make_server("127.0.0.1", port, working, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        for thread in started.values():
            thread.join()


@pytest.fixture
def flask_invoke(
    settings: Settings, ports: tuple[int, int], call: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    def run(*more: str) -> Result:
        arguments = ["--audio", str(call), "--port", str(ports[1]), "--wait", "30", *more]
        return CliRunner().invoke(invoke, arguments)

    monkeypatch.setenv("DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("PUBLIC_URL", settings.public_url)
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", ACCOUNT)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", TOKEN)
    return run


@pytest.mark.parametrize("style", ["json", "multipart"])
def test_the_result_is_printed_whichever_way_it_came(
    settings: Settings,
    services: Services,
    flask_invoke: Callable[..., Result],
    ports: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
    style: str,
) -> None:
    styled = services.settings.replace(callback_style={"": style})
    changed = replace(services, settings=styled)
    monkeypatch.setattr("workers.services._made", {os.getpid(): changed})
    with at_work(create_app(settings), ports[0]):
        result = flask_invoke()
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["status"] == "successful"
    assert document["result"]["audio"]["duration_seconds"] == 1.0
    beside = f"request_sid: {document['request_sid']}\nstatus: ok\n"
    assert (beside in result.stderr) is (style == "multipart")


def test_the_same_request_sent_again_is_accepted_each_time_and_answered_once(
    settings: Settings,
    services: Services,
    flask_invoke: Callable[..., Result],
    ports: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("workers.services._made", {os.getpid(): services})
    with at_work(create_app(settings), ports[0]):
        result = flask_invoke("--duplicate", "4")
    assert result.exit_code == 0, result.output
    assert result.stderr.count("202 in ") == 4
    assert json.loads(result.stdout)["status"] == "successful"


def test_nobody_there_is_one_sentence(flask_invoke: Callable[..., Result]) -> None:
    result = flask_invoke()
    assert result.exit_code == 1
    assert "does not answer" in result.stderr


def test_a_form_is_taken_apart_into_its_fields_and_its_document() -> None:
    body, kind = encode(DOCUMENT, "multipart")
    callback = Callback(body, True, kind, 0.0)
    assert callback.document() == DOCUMENT
    assert callback.form() == {"request_sid": "XR1", "status": "error", "message": "Größe"}


def test_a_document_alone_has_no_fields_beside_it() -> None:
    body, kind = encode(DOCUMENT)
    callback = Callback(body, True, kind, 0.0)
    assert (callback.document(), callback.form()) == (DOCUMENT, {})


@pytest.mark.parametrize(
    "kind", ["text/plain", "multipart/form-data", "multipart/mixed; boundary=x"]
)
def test_what_is_no_result_is_a_value_error(kind: str) -> None:
    with pytest.raises(ValueError):
        Callback(b"no result", True, kind, 0.0).document()
