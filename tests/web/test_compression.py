"""Text is compressed for who takes it, and audio never."""

from __future__ import annotations

import gzip

import pytest
from flask import Flask

from addon.web import static_files
from tests.archive.recordings import archived
from tests.web.people import Browser
from tests.web.playing import inside, link
from tests.web.test_media import file_of

TEXTS = ("/docs", "/openapi.json", "/docs/result.schema.json", "/static/{}/player.js")


@pytest.mark.parametrize("address", TEXTS)
def test_text_is_compressed_for_who_takes_it_and_is_the_same(app: Flask, address: str):
    address = address.format(static_files.release())
    plain = app.test_client().get(address)
    assert "Content-Encoding" not in plain.headers
    assert "Accept-Encoding" in plain.headers["Vary"]
    packed = app.test_client().get(address, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < len(plain.data) / 2
    assert gzip.decompress(packed.data) == plain.data


def test_a_file_that_a_browser_has_is_not_sent_again(app: Flask):
    address = "/static/old/player.js"
    takes = {"Accept-Encoding": "br, zstd, gzip"}
    first = app.test_client().get(address, headers=takes)
    assert first.headers["Content-Encoding"] in ("br", "zstd", "gzip")
    known = {**takes, "If-None-Match": first.headers["ETag"]}
    assert app.test_client().get(address, headers=known).status_code == 304


def test_audio_is_never_compressed(app: Flask):
    archived(inside(app).archive, file_of(4000))
    takes = {"Accept-Encoding": "br, zstd, gzip"}
    for headers in (takes, {**takes, "Range": "bytes=0-99"}):
        answer = app.test_client().get(link(app), headers=headers)
        assert answer.status_code in (200, 206)
        assert "Content-Encoding" not in answer.headers


def test_the_list_is_compressed(app: Flask):
    browser = Browser(app).signed_in()
    answer = browser.get("/recordings", headers={"Accept-Encoding": "br"})
    assert answer.headers["Content-Encoding"] == "br"
