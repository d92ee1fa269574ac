"""No open redirect: only paths of ours are followed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.web.safe_redirect import HOME, safe_path, sign_in_path


@pytest.mark.parametrize(
    "path",
    ["/recordings", "/recordings/RE1?install=XD1", "/recordings?q=a%20b&day=2026-03-04", "/"],
)
def test_our_own_paths_are_kept(path):
    assert safe_path(path) == path


@pytest.mark.parametrize(
    "wanted",
    [
        *(None, "", "recordings", "https://evil.example", "//evil.example", "/\\evil.example"),
        *("\\\\evil.example", "/\t/evil.example", "/\n/evil.example", "/a\\b", " /recordings"),
        *("javascript:alert(1)", "/é", "/recordings\r\nSet-Cookie: a=b", "/" + "a" * 2000),
    ],
)
def test_anything_else_becomes_the_list(wanted):
    assert safe_path(wanted) == HOME


@given(st.text(max_size=30))
def test_whatever_is_kept_begins_with_one_slash(text):
    kept = safe_path(text)
    assert kept[0] == "/" and kept[1:2] not in ("/", "\\") and kept.isascii()


def test_the_way_to_sign_in_carries_the_page():
    assert sign_in_path("/recordings/RE1?install=XD1") == (
        "/login?next=/recordings/RE1%3Finstall%3DXD1"
    )
    assert sign_in_path("//evil.example") == "/login?next=/recordings"
