"""Commands that go past redis-py's own methods: same connections, same retries, same errors."""

from __future__ import annotations

import pytest
import redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from addon.redis_commands import Script, all_done, execute, execute_all, fields
from addon.requests.connections import web_connection


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """All that is sent to Redis."""
    commands: list[object] = []
    real = redis.connection.AbstractConnection.send_packed_command

    def send(self, command, check_health=True):
        commands.append(command)
        return real(self, command, check_health)

    monkeypatch.setattr(redis.connection.AbstractConnection, "send_packed_command", send)
    return commands


def test_an_answer_is_as_redis_gives_it(redis_server):
    assert execute(redis_server, "SET", "key", b"\0value") == b"OK"
    assert execute(redis_server, "GET", "key") == b"\0value"
    assert execute(redis_server, "GET", "none") is None
    assert execute(redis_server, "INCRBYFLOAT", "number", 1.5) == b"1.5"


def test_an_error_is_raised_and_the_connection_goes_on(redis_server):
    redis_server.set("key", "value")
    with pytest.raises(ResponseError):
        execute(redis_server, "LPUSH", "key", 1)
    assert execute(redis_server, "GET", "key") == b"value"


def test_a_connection_that_was_cut_is_made_again(redis_url, redis_server):
    client = web_connection(redis_url)
    try:
        name = execute(client, "CLIENT", "ID")
        redis_server.client_kill_filter(_id=name)
        assert execute(client, "GET", "key") is None
        assert execute(client, "CLIENT", "ID") != name
    finally:
        client.connection_pool.disconnect()


def test_an_answer_that_was_not_waited_for_is_not_given_to_the_next_command(
    redis_server, monkeypatch
):
    """As where a job's time-out comes between the command and its answer."""

    class TimedOut(BaseException): ...

    def interrupted(_connection: object) -> None:
        raise TimedOut

    execute(redis_server, "SET", "key", "value")
    with monkeypatch.context() as patch:
        patch.setattr(redis.connection.AbstractConnection, "read_response", interrupted)
        with pytest.raises(TimedOut):
            execute(redis_server, "GET", "key")
    assert execute(redis_server, "INCR", "number") == 1


def test_a_redis_that_does_not_answer_in_time_is_asked_once(redis_url, redis_server, sent):
    """A time-out is no broken connection: what was asked may be done yet."""
    client = web_connection(redis_url)
    try:
        execute(client, "GET", "key")
        sent.clear()
        with pytest.raises(RedisTimeoutError):
            execute(client, "BLPOP", "nothing", 1)
        assert len(sent) == 1
        assert execute(client, "GET", "key") is None
    finally:
        client.connection_pool.disconnect()


def test_every_connection_goes_back_to_its_pool(redis_url):
    client = web_connection(redis_url)
    try:
        for _ in range(100):  # more than the pool holds
            with pytest.raises(ResponseError):
                execute(client, "NO-SUCH-COMMAND")
    finally:
        client.connection_pool.disconnect()


def test_nobody_who_answers_is_an_error_of_redis():
    client = redis.Redis(host="127.0.0.1", port=1)
    with pytest.raises(RedisConnectionError):
        execute(client, "GET", "key")


def test_a_script_is_known_by_its_hash_and_sent_again_where_it_is_not(redis_server):
    script = Script("return {KEYS[1], ARGV[1]}")
    for _ in range(2):
        assert script(redis_server, ["key"], ["argument"]) == [b"key", b"argument"]
    redis_server.script_flush()
    assert script(redis_server, ["key"], [1]) == [b"key", b"1"]


def test_several_commands_are_one_round_trip_and_an_error_is_in_the_place_of_its_answer(
    redis_server, sent
):
    redis_server.set("key", "value")
    sent.clear()
    commands = [("GET", "key"), ("LPUSH", "key", 1), ("HSET", "hash", "a", 1), ("HGETALL", "hash")]
    value, error, added, hash_ = execute_all(redis_server, commands)
    assert len(sent) == 1
    assert (value, added, fields(hash_)) == (b"value", 1, {b"a": b"1"})
    with pytest.raises(ResponseError):
        all_done([value, error])


def test_fields_are_the_same_in_both_protocols():
    assert fields([b"a", b"1", b"b", b"2"]) == fields({b"a": b"1", b"b": b"2"})
