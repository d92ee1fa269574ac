"""Every failure of Redis is QueueUnavailable; an error of the code's own goes through."""

from __future__ import annotations

import ast

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, TimeoutError

from addon.errors import QueueUnavailable
from addon.redis_errors import as_unavailable
from tests.test_architecture import MODULES, name_of


@pytest.mark.parametrize("error", [RedisConnectionError, TimeoutError, OutOfMemoryError])
def test_what_redis_raises_is_unavailable(error):
    with pytest.raises(QueueUnavailable, match=error.__name__) as caught, as_unavailable():
        raise error("an address that nobody needs to know")
    assert "address" not in caught.value.message


def test_another_error_is_itself():
    with pytest.raises(ZeroDivisionError), as_unavailable():
        raise ZeroDivisionError


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nobody_else_makes_another_error_of_it(path):
    """Others may catch a RedisError and go on; to raise something else is the adapter's work."""
    if name_of(path) == "addon.redis_errors":
        return
    for handler in ast.walk(ast.parse(path.read_text())):
        if isinstance(handler, ast.ExceptHandler) and handler.type is not None:
            caught = {getattr(name, "id", "") for name in ast.walk(handler.type)}
            raises = any(isinstance(each, ast.Raise) and each.exc for each in ast.walk(handler))
            adapted = any(getattr(each, "id", "") == "unavailable" for each in ast.walk(handler))
            assert not ("RedisError" in caught and raises) or adapted, f"line {handler.lineno}"
