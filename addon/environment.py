"""The environment of this process: completed from `.env`, and handed on to child processes.

Nothing else reads or changes it; `settings.py` makes values of it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Set
from functools import cache
from pathlib import Path

from dotenv import dotenv_values, load_dotenv

from addon.errors import SettingsError

ENV_FILE = Path(".env")
"""In the working directory, as compose.yaml and Flask's own commands read it."""


_added: dict[str, str] = {}
"""What this process added to the environment that it was given."""


@cache
def read_env_file() -> None:
    """Add what `.env` says to the environment, which wins; once in a process and its forks.

    It becomes part of the environment because libraries read theirs there, as boto3 AWS_*. A
    variable without a value there is removed again: many libraries take an empty text for one.
    Raises SettingsError where the file cannot be read.
    """
    try:
        if load_dotenv(ENV_FILE):
            for name, value in dotenv_values(ENV_FILE).items():
                if value and os.environ.get(name) == value:
                    _added[name] = value
                elif not os.environ.get(name):
                    os.environ.pop(name, None)
    except (OSError, ValueError) as error:
        raise SettingsError(f".env cannot be read: {type(error).__name__}") from None


def variables() -> Mapping[str, str]:
    """All variables, those of `.env` included. Raises SettingsError."""
    read_env_file()
    return os.environ


def take(*names: str) -> dict[str, str]:
    """The variables of these names that are set; child processes do not get them any more."""
    return {name: os.environ.pop(name) for name in names if name in os.environ}


def give_up(names: Set[str]) -> None:
    """Remove variables from this process for good.

    Where the process was started with one of them, it starts itself anew without them, because
    /proc/<pid>/environ shows for ever what a process was started with. Those that `.env` adds are
    removed from memory alone.
    """
    if names & os.environ.keys() - _added.keys():
        kept = {name: value for name, value in os.environ.items() if name not in names}
        os.execve(sys.executable, sys.orig_argv, kept)  # noqa: S606
    read_env_file()
    take(*names)


def set_defaults(defaults: Mapping[str, str]) -> None:
    """Set the variables that are unset or empty, for this process and its children."""
    for name, value in defaults.items():
        if not variables().get(name, "").strip():
            os.environ[name] = _added[name] = value


def given() -> dict[str, str]:
    """The variables without what `.env` or a default added, for this very program anew."""
    return {name: value for name, value in variables().items() if _added.get(name) != value}
