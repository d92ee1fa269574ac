"""`flask serve`: the whole stack in one terminal, from the environment."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from socket import socket

import click

from addon import environment, running_stack
from addon.errors import SettingsError, StackFailed
from addon.settings import Settings
from addon.stack.child import Child
from addon.stack.console import Console
from addon.stack.data_lock import data_lock
from addon.stack.provision import provision
from addon.stack.redis_server import redis_child
from addon.stack.role_environments import bare_environment, environment_of
from addon.stack.supervisor import Supervisor
from addon.stack.web_server import HANDED_OVER, listening_socket, start_anew, web_child
from addon.web import local_sign_in

WORKERS = 2
"""Processes for long recordings: a machine at hand has other things to do as well."""

WORKERS_GRACE_S = 20.0
"""A job gets 12 s of it; web ends at the same time (web_server.GRACE_S)."""


@click.command("serve")
@click.option("--port", default=8080, show_default=True, help="Port of the web server.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--workers", type=int, help="Processes for long recordings. (default: WORKERS, else 2)"
)
def serve(port: int, host: str, workers: int | None) -> None:
    """Run Redis (where REDIS_URL is unset), the web server and the workers until Ctrl-C.

    SIGUSR2 starts it anew on the same socket: nobody is refused.
    """
    console = Console.standard()
    try:
        _set_defaults(port)
        _serve(console, host, port, workers)
    except (SettingsError, StackFailed) as error:
        raise click.ClickException(error.message) from None
    console.say("stopped")


def _serve(console: Console, host: str, port: int, workers: int | None) -> None:
    told = environment.take(*HANDED_OVER)
    settings = Settings.load()
    with ExitStack() as held:
        lock = held.enter_context(data_lock(settings.data_dir))
        held.enter_context(running_stack.forgotten_at_the_end(settings.data_dir))
        web = held.enter_context(listening_socket(host, port, told))
        settings = _with_keys(settings, console)
        children = list(_children(settings, web, lock, workers or settings.workers or WORKERS))
        where = f"http://{host}:{web.getsockname()[1]}"
        supervisor = Supervisor(children, console)
        supervisor.run(lambda: _ready(console, settings, where))
        if supervisor.restart_wanted:
            console.say("starting anew")
            start_anew(web, environment.given())


def _ready(console: Console, settings: Settings, where: str) -> None:
    """A link that signs in is shown to a person at a terminal, and never kept in a log."""
    try:
        running_stack.tell(settings.data_dir, settings.public_url)
    except OSError as error:
        console.say(f"DATA_DIR cannot be written: {error.strerror}", level="warning")
    console.say(f"Ready on {where}. Ctrl-C stops.", data_dir=str(settings.data_dir))
    if not local_sign_in.is_possible(settings):
        return
    if console.readable:
        console.say(f"Sign in, once: {local_sign_in.local_sign_in_link(settings)}")
    else:
        console.say("`flask sign-in` prints a link to sign in on this machine")


def _children(settings: Settings, web: socket, lock: int, workers: int) -> Iterator[Child]:
    """Each with the settings that its role needs."""
    variables = environment.variables()
    if settings.redis_embedded:
        redis = redis_child(settings, descriptors=(lock,))
        yield replace(redis, environment=bare_environment(variables))
    yield replace(web_child(web, descriptors=(lock,)), environment=environment_of("web", variables))
    yield Child(
        "workers",
        _workers(workers),
        grace=WORKERS_GRACE_S,
        descriptors=(lock,),
        environment=environment_of("worker", variables),
    )


def _workers(count: int) -> Sequence[str]:
    return [sys.executable, "-m", "workers", "--workers", str(count)]


def _with_keys(settings: Settings, console: Console) -> Settings:
    made = provision(settings)
    if made:
        folder = str(settings.data_dir / "keys")
        console.say("made keys and secrets; keep them safe", folder=folder, made=", ".join(made))
    return Settings.load() if made else settings


def _set_defaults(port: int) -> None:
    """Set what the children inherit where the environment does not say otherwise."""
    environment.set_defaults({"PUBLIC_URL": f"http://127.0.0.1:{port}", "PYTHONUNBUFFERED": "1"})
