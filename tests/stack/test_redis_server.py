"""The real server from the wheel: private, durable, and ours to end."""

import os
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from addon.errors import SettingsError
from addon.settings import Settings
from addon.stack.child import Child
from addon.stack.redis_server import missing, redis_child
from tests.stack.running import wait_until

pytestmark = pytest.mark.stack


@contextmanager
def server(child: Child) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(child.argv, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: child.probe is not None and child.probe() is None)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load({"DATA_DIR": str(tmp_path)})


def test_it_answers_on_a_socket_that_only_its_owner_can_open(settings: Settings) -> None:
    with server(redis_child(settings)):
        socket = Path(settings.redis_url.removeprefix("unix://"))
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
        client = redis.Redis.from_url(settings.redis_url)
        assert client.config_get("port")["port"] == "0"
        client.close()


def test_everything_acknowledged_survives_kill_9(settings: Settings) -> None:
    with server(redis_child(settings)) as process:
        client = redis.Redis.from_url(settings.redis_url)
        for number in range(500):
            client.rpush("jobs", number)
        process.send_signal(signal.SIGKILL)
        process.wait()
    with server(redis_child(settings)):
        assert client.llen("jobs") == 500
        client.close()


def test_it_refuses_writes_rather_than_forget(settings: Settings) -> None:
    with server(redis_child(settings)):
        client = redis.Redis.from_url(settings.redis_url)
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        client.close()


def test_it_ends_cleanly_at_sigterm(settings: Settings) -> None:
    with server(redis_child(settings)) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_a_data_folder_with_a_very_long_name_works(tmp_path: Path) -> None:
    deep = tmp_path / ("a" * 60) / ("b" * 60)
    settings = Settings.load({"DATA_DIR": str(deep)})
    with server(redis_child(settings)):
        assert missing(settings.redis_url) is None
    folder = Path(settings.redis_url.removeprefix("unix://")).parent
    assert (stat.S_IMODE(folder.stat().st_mode), folder.stat().st_uid) == (0o700, os.geteuid())
    shutil.rmtree(folder)


def test_a_folder_that_somebody_else_put_in_the_temporary_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    settings = Settings.load({"DATA_DIR": str(tmp_path / ("a" * 60) / ("b" * 60))})
    folder = Path(settings.redis_url.removeprefix("unix://")).parent
    assert folder.parent == tmp_path
    folder.symlink_to(tmp_path)
    with pytest.raises(SettingsError, match="belongs to another user"):
        redis_child(settings)
    folder.unlink()
    folder.mkdir(mode=0o777)
    redis_child(settings)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    with pytest.raises(SettingsError, match="belongs to another user"):
        redis_child(settings.replace(redis_url=f"unix://{folder}/redis.sock"))


def test_a_silent_server_is_described_in_words(settings: Settings) -> None:
    assert missing(settings.redis_url) == "Redis does not answer yet (ConnectionError)"


def test_a_folder_that_cannot_be_made_is_one_sentence(settings: Settings) -> None:
    (settings.data_dir / "redis").write_text("")
    with pytest.raises(SettingsError, match=r"^DATA_DIR: .*redis cannot be made"):
        redis_child(settings)


def test_later_children_wait_for_it_and_it_inherits_the_lock(settings: Settings) -> None:
    child = redis_child(settings, descriptors=(os.dup(0),))
    assert child.gate
    assert len(child.descriptors) == 1
    os.close(child.descriptors[0])
