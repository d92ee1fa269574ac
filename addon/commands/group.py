"""Groups of commands that fail in words: what happened and what to do, without a traceback."""

from __future__ import annotations

from typing import Any

import click
from redis.exceptions import RedisError

from addon.errors import AddonError
from addon.redis_errors import unavailable


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
