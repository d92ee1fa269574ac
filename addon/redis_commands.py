"""Sends one command to Redis over a pool's connection, for half the CPU of redis-py's own methods.

What is left out is their measuring and their conversion of answers: an answer is as Redis gave it,
text as bytes. Connections, health checks, retries and errors are redis-py's.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import redis
from redis.exceptions import NoScriptError, ResponseError

Word = str | bytes | int | float


_IDLE: WeakKeyDictionary[Any, list[Any]] = WeakKeyDictionary()
"""Connections taken out of each pool and used here again: the pool looks at each with three system
calls before it hands it out. One that broke is noticed when it is used, and made again."""


def execute(client: redis.Redis, *words: Word) -> Any:
    """The answer to one command. Raises RedisError."""
    command = [_packed(words)]
    idle = _IDLE.setdefault(client.connection_pool, [])
    connection = _taken(client, idle)

    def ask() -> Any:
        connection.send_packed_command(command)
        return connection.read_response()

    try:
        return connection.retry.call_with_retry(ask, lambda _error: connection.disconnect())
    except ResponseError:
        raise
    except BaseException:  # the answer may come yet, and is not the next command's
        connection.disconnect()
        raise
    finally:
        idle.append(connection)


def _taken(client: redis.Redis, idle: list[Any]) -> Any:
    while idle:
        try:
            connection = idle.pop()
        except IndexError:  # another thread was faster
            break
        if connection.pid == os.getpid():  # else it is the parent's
            return connection
    return client.connection_pool.get_connection()


def _packed(words: Sequence[Word]) -> bytes:
    """A command as Redis reads it: the number of its words, and each after its length."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        text = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(text), text))
    return b"".join(parts)


class Script:
    """A Lua script, which Redis keeps under its hash from the first call on."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._hash = hashlib.sha1(text.encode()).hexdigest()  # noqa: S324  Redis names it so

    def __call__(
        self, client: redis.Redis, keys: Sequence[str], arguments: Sequence[Word] = ()
    ) -> Any:
        """The script's answer. Raises RedisError."""
        words = (len(keys), *keys, *arguments)
        try:
            return execute(client, "EVALSHA", self._hash, *words)
        except NoScriptError:
            return execute(client, "EVAL", self._text, *words)
