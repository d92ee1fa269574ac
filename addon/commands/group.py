"""Groups of commands that fail in words: what happened and what to do, without a traceback."""

from __future__ import annotations

from typing import Any

import click
from redis.exceptions import RedisError

from addon.errors import AddonError


class Group(click.Group):
    """Turns every error of the project's own tree into a sentence and its remedy."""

    def invoke(self, ctx: click.Context) -> Any:
        """As click does. Raises ClickException, which ends the command with code 1."""
        try:
            return super().invoke(ctx)
        except AddonError as error:
            raise click.ClickException(f"{error.message}. {error.remedy}") from error
        except RedisError as error:
            raise click.ClickException(f"Redis does not answer ({type(error).__name__})") from error
