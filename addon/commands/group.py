"""Shared by commands: errors as sentences, moments, answers as JSON, and who runs them."""

from __future__ import annotations

import getpass
import json
from datetime import UTC, datetime
from typing import Any

import click
from redis.exceptions import RedisError

from addon.errors import AddonError
from addon.redis_errors import unavailable

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON document, for a program.")
"""The option of a command that shows something."""


def echo_json(document: object) -> None:
    """Print a document for a program; moments are in ISO 8601."""
    click.echo(json.dumps(document, default=_text))


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


class Group(click.Group):
    """Turns every error of the project's own tree into a sentence and its remedy."""

    def invoke(self, ctx: click.Context) -> Any:
        """As click does. Raises ClickException, which ends the command with code 1."""
        try:
            return super().invoke(ctx)
        except (AddonError, RedisError) as raised:
            error = unavailable(raised) if isinstance(raised, RedisError) else raised
            # The remedy of what may succeed later is for jobs: nobody tries a command again.
            text = error.message if error.retryable else f"{error.message}. {error.remedy}"
            raise click.ClickException(text) from raised


class Moment(click.ParamType[datetime]):
    """A day, or a moment, in ISO 8601; UTC where nothing else is said."""

    name = "date"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """As a moment in UTC."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no date such as 2026-03-04 or 2026-03-04T10:15:00", param, ctx)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def operator() -> str:
    """The person who runs the command, as the access log and tombstones name them."""
    return f"operator {getpass.getuser()}"
