"""Cross-origin headers go to the players of PLAYER_ORIGINS, whole and exact, and to nobody else."""

from __future__ import annotations

import pytest

from addon.web import cors
from tests.web.playing import ORIGIN, link


@pytest.mark.parametrize("origin", [ORIGIN])
def test_a_player_may_read_the_answer_and_its_headers(app, client, origin):
    answer = client.get(link(app), headers={"Origin": origin})
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert answer.headers["Access-Control-Expose-Headers"] == cors.EXPOSED
    assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize(
    "origin",
    [None, "", "null", "*", ORIGIN + ".evil.example", ORIGIN.upper(), ORIGIN + "/", "https://x.y"],
)
def test_any_other_origin_gets_no_header_but_vary(app, client, origin):
    headers = {} if origin is None else {"Origin": origin}
    played, asked = link(app), "/media/x"
    for answer in (client.get(played, headers=headers), client.options(asked, headers=headers)):
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
        assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize(
    ("asked", "echoed"),
    [
        ("range", "range"),
        ("range, if-range", "range, if-range"),
        ("", "Range, If-Range, If-None-Match"),
        ("a b", "Range, If-Range, If-None-Match"),
        ("range,", "Range, If-Range, If-None-Match"),
        ("x" * 600, "x" * 512),
    ],
)
def test_a_preflight_echoes_only_names_of_headers(client, asked, echoed):
    headers = {"Origin": ORIGIN, "Access-Control-Request-Headers": asked}
    answer = client.options("/media/anything", headers=headers)
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Access-Control-Allow-Headers"] == echoed
    assert answer.headers["Access-Control-Allow-Methods"] == answer.headers["Allow"]
    assert answer.headers["Access-Control-Max-Age"] == str(cors.MAX_AGE_S)
