"""Every failure of Redis is QueueUnavailable; an error of the code's own goes through."""

from __future__ import annotations

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, TimeoutError

from addon.errors import QueueUnavailable
from addon.redis_errors import as_unavailable


@pytest.mark.parametrize("error", [RedisConnectionError, TimeoutError, OutOfMemoryError])
def test_what_redis_raises_is_unavailable(error):
    with pytest.raises(QueueUnavailable, match=error.__name__) as caught, as_unavailable():
        raise error("an address that nobody needs to know")
    assert "address" not in caught.value.message


def test_another_error_is_itself():
    with pytest.raises(ZeroDivisionError), as_unavailable():
        raise ZeroDivisionError
