"""The `flask` commands, one module each; imported only when a command is called for."""

from __future__ import annotations

from importlib import import_module

import click
from flask import Flask
from flask.cli import AppGroup

COMMANDS = {
    "analyse": "addon.commands.analyse:analyse_cli",
    "archive": "addon.commands.archive:archive_cli",
    "catalogue": "addon.commands.catalogue:catalogue_cli",
    "check": "addon.commands.check:check",
    "conform": "addon.commands.conform:conform_command",
    "demo": "addon.commands.demo:demo",
    "flex": "addon.commands.flex:flex_cli",
    "invoke": "addon.commands.invoke:invoke",
    "ledger": "addon.commands.ledger:ledger_cli",
    "keys": "addon.commands.keys:keys",
    "ringcentral": "addon.commands.ringcentral:ringcentral_cli",
    "rules": "addon.commands.rules:rules_cli",
    "serve": "addon.commands.serve:serve",
    "sessions": "addon.commands.sessions:sessions_cli",
    "signatures": "addon.commands.signatures:signatures_cli",
    "sign-in": "addon.commands.sign_in:sign_in",
    "tokens": "addon.commands.tokens:tokens_cli",
    "webhooks": "addon.commands.webhooks:webhooks_cli",
}
"""Every command's name and where it is."""


class Commands(AppGroup):
    """A group that imports a command when it is asked for, and not before."""

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command of this name."""
        if name not in COMMANDS:
            return super().get_command(ctx, name)
        module, _, attribute = COMMANDS[name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, for `flask --help`, which shows no others.

        Those of Flask and of libraries lie in the group that `ctx` belongs to. They work as ever.
        """
        for other in getattr(ctx.command, "commands", {}).values():
            other.hidden = True
        return sorted({*COMMANDS, *super().list_commands(ctx)})


def register_commands(app: Flask) -> None:
    """Give an app all commands, without importing any of them."""
    app.cli = Commands(name=app.name)


def is_looked_for() -> bool:
    """True while `flask` looks for a command that it does not have itself, or lists all.

    Its own (`flask run`, `routes`, `shell`) load the application once they run.
    """
    current = click.get_current_context(silent=True)
    return current is not None and current.find_root().invoked_subcommand is None
