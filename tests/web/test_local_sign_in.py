"""The owner's link: once, lately, on this machine, and for nobody else."""

from __future__ import annotations

import os
import stat
import threading
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from addon.errors import SettingsError
from addon.settings import Settings
from addon.web.local_sign_in import FILE, VALID_S, local_sign_in_link, redeem

LOOPBACK = "127.0.0.1"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "var")


def token_in(link: str) -> str:
    return parse_qs(urlsplit(link).query)["token"][0]


def test_a_printed_link_signs_in_once(settings):
    token = token_in(local_sign_in_link(settings))
    assert redeem(settings, token, LOOPBACK)
    assert not redeem(settings, token, LOOPBACK)


def test_the_link_names_this_machine_and_the_page(settings):
    link = urlsplit(local_sign_in_link(settings, "/recordings/RE1"))
    assert (link.scheme, link.netloc, link.path) == ("http", "127.0.0.1:8080", "/login/local")
    assert parse_qs(link.query)["next"] == ["/recordings/RE1"]


def test_the_owner_alone_can_read_the_file(settings):
    local_sign_in_link(settings)
    assert stat.S_IMODE((settings.data_dir / FILE).stat().st_mode) == 0o600
    assert [path.name for path in settings.data_dir.iterdir()] == [FILE]


def test_a_new_link_ends_the_one_before(settings):
    first, second = (token_in(local_sign_in_link(settings)) for _ in range(2))
    assert not redeem(settings, first, LOOPBACK)
    assert redeem(settings, second, LOOPBACK)


def test_a_guess_neither_works_nor_ends_the_link(settings):
    token = token_in(local_sign_in_link(settings))
    assert not any(
        redeem(settings, guess, LOOPBACK) for guess in ("", "x", token[:-1], token + "x", "é")
    )
    assert redeem(settings, token, LOOPBACK)


@pytest.mark.parametrize("caller", ["192.0.2.7", "10.0.0.1", "", None, "fe80::1"])
def test_another_machine_cannot_use_it(settings, caller):
    assert not redeem(settings, token_in(local_sign_in_link(settings)), caller)


def test_an_old_link_is_worth_nothing(settings):
    token = token_in(local_sign_in_link(settings))
    past = time.time() - VALID_S - 1
    os.utime(settings.data_dir / FILE, (past, past))
    assert not redeem(settings, token, LOOPBACK)


def test_without_a_link_nothing_is_redeemed(settings):
    assert not redeem(settings, "", LOOPBACK)


@pytest.mark.parametrize(
    "changes",
    [
        {"public_url": "https://hooks.example.net"},
        {"public_url": "http://192.168.1.10:8080"},
        {"public_url": "http://127.0.0.1.example.net"},
        {"oidc_issuer": "https://issuer.example"},
    ],
)
def test_a_service_for_others_has_no_link(settings, changes):
    token = token_in(local_sign_in_link(settings))
    public = settings.replace(**changes)
    with pytest.raises(SettingsError):
        local_sign_in_link(public)
    assert not redeem(public, token, LOOPBACK)


@pytest.mark.parametrize("url", ["http://localhost:8080", "http://[::1]:8080", "http://127.0.0.2"])
def test_every_loopback_name_is_this_machine(settings, url):
    assert local_sign_in_link(settings.replace(public_url=url)).startswith(f"{url}/login/local?")


def test_a_folder_that_cannot_be_written_is_named(settings, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="DATA_DIR"):
        local_sign_in_link(settings.replace(data_dir=tmp_path / "file" / "var"))


def test_of_many_at_once_one_gets_in(settings):
    token = token_in(local_sign_in_link(settings))
    barrier, won = threading.Barrier(8), []

    def race() -> None:
        barrier.wait()
        won.append(redeem(settings, token, LOOPBACK))

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]
