"""Structured logs: readable on a terminal, JSON anywhere else, each line with its request SID.

Nothing here may ever print a secret, a URL's query, or what was said in a call: values under names
that sound like one are masked, whoever logs them.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

SECRET_NAMES = re.compile(
    r"token|secret|password|authorization|signature|cookie|private|api_?key|credential", re.I
)
CHATTY = ("alembic", "aws_encryption_sdk", "boto3", "botocore", "rq", "s3transfer", "urllib3")
"""Libraries that tell of each step: they are heard from warnings on."""

URL_QUERY = re.compile(r"(https?://[^\s\"'?]*)\?[^\s\"']*")

Event = MutableMapping[str, Any]


def get(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a package; cheap, and safe to call at import."""
    return structlog.stdlib.get_logger(name)


def configure(level: str = "info", *, terminal: bool | None = None) -> None:
    """Send this process's logs, the libraries' included, to standard error."""
    on_terminal = sys.stderr.isatty() if terminal is None else terminal
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        # A line below the level costs nothing; the standard library would drop it at its end.
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                mask,
                *_rendering(on_terminal),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for chatty in CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)


def bind(**values: str) -> None:
    """Add values to every later line of this request or job."""
    structlog.contextvars.bind_contextvars(**values)


def clear() -> None:
    """Forget what was bound."""
    structlog.contextvars.clear_contextvars()


def mask(_logger: Any, _method: str, event: Event) -> Event:
    """Hide values under secret-sounding names, and the query of any URL."""
    for name, value in event.items():
        if SECRET_NAMES.search(name):
            event[name] = "[hidden]"
        elif isinstance(value, str) and "://" in value:
            event[name] = without_queries(value)
    return event


def without_queries(text: str) -> str:
    """A text with the query of every URL in it hidden."""
    return URL_QUERY.sub(r"\1?[hidden]", text)


def _shared() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]


def _rendering(on_terminal: bool) -> list[Any]:
    if on_terminal:
        return [structlog.dev.ConsoleRenderer()]
    return [structlog.processors.JSONRenderer()]
